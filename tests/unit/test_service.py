"""Python API: forms of arguments that callers may write."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import automl
from automl import service
from automl.cli import app
from automl.errors import AutoMLError
from automl.setup.options import SearchRequest, request_of


def test_paths_and_lists_may_be_written_as_they_come() -> None:
    request = request_of(
        "a.yaml", "1cpu-h", weights=Path("w.pt"), models=["yolov5n"], imgsz=(64,), warm_start=[Path("hyp.yaml")]
    )
    assert request == SearchRequest(
        data=Path("a.yaml"),
        budgets=("1cpu-h",),
        weights="w.pt",
        models=("yolov5n",),
        imgsz=(64,),
        warm_start=("hyp.yaml",),
    )


@pytest.mark.parametrize("verb", ["dry_run", "export", "resume", "search", "show", "status", "stop", "studies"])
def test_every_verb_can_be_imported_from_the_package(verb: str) -> None:
    assert verb in automl.__all__
    assert getattr(automl, verb) is getattr(service, verb)


def test_none_stands_for_what_is_left_out() -> None:
    left_out = dict.fromkeys(("weights", "space", "fixed", "epochs", "device", "models"))
    assert request_of("a.yaml", ["1cpu-h", "9trials"], **left_out) == request_of(Path("a.yaml"), ("1cpu-h", "9trials"))


@pytest.mark.parametrize("flag", ["models", "imgsz"])
def test_an_empty_list_is_refused_and_not_taken_for_none(flag: str) -> None:
    with pytest.raises(AutoMLError, match=f"--{flag} is empty: name what is searched, .* or leave it out"):
        request_of("a.yaml", "1cpu-h", **{flag: []})
    result = CliRunner().invoke(app, ["search", "--data", "a.yaml", "--budget", "1cpu-h", f"--{flag}", ", "])
    assert (result.exit_code, f"--{flag} is empty" in result.stderr) == (2, True)


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_leaderboard_without_rows_is_refused(limit: str) -> None:
    result = CliRunner().invoke(app, ["show", "--limit", limit])
    assert (result.exit_code, result.stderr) == (2, f"automl: --limit {limit} is no leaderboard. Use 1 row or more.\n")
