"""The study that a command means where none is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from automl import service
from automl.cli import app
from automl.errors import AutoMLError
from automl.records import StudyState
from automl.reports.newest import study_for
from automl.store.engine import open_store
from automl.terminal.names import of_studies
from tests.builders.factories import make_spec
from tests.builders.pages import Filler

STATES = {
    "first": StudyState.FINISHED,
    "second": StudyState.INTERRUPTED,
    "third": None,  # it runs in this very process
    "fourth": StudyState.FAILED,
}


def fill(home: Path, states: dict[str, StudyState | None]) -> Engine:
    """A database with a study of each state, in that order."""
    engine = open_store(f"sqlite:///{home / 'automl.db'}")
    for name, state in states.items():
        filler = Filler(engine, make_spec(name=name, directory=str(home / name)))
        filler.trial(0, [0.4] * 12)
        filler.close(state)
    return engine


@pytest.mark.parametrize(
    ("verb", "name"),
    [("resume", "second"), ("stop", "third"), ("confirm", "first"), ("show", "fourth"), ("export", "fourth")],
)
def test_a_verb_means_the_newest_study_that_it_can_act_on(tmp_path: Path, verb: str, name: str) -> None:
    engine = fill(tmp_path, STATES)
    assert study_for(engine, verb, None).name == name
    assert study_for(engine, verb, "first").name == "first"
    assert service.study_name(verb, home=tmp_path) == name


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("resume", "no study is interrupted: nothing is left to resume. See all with: automl studies"),
        ("stop", "no study is running: nothing is left to stop"),
        ("confirm", "no study is finished: nothing can be confirmed yet"),
    ],
)
def test_no_study_that_fits_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, sentence: str) -> None:
    fill(tmp_path, {"fourth": StudyState.FAILED})
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path))
    done = CliRunner().invoke(app, [verb])
    assert (done.exit_code, sentence in done.stderr) == (2, True)


def test_an_empty_database_names_the_first_command(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'automl.db'}")
    with pytest.raises(AutoMLError, match=r"there is no study yet\. Begin one with: automl search"):
        study_for(engine, "resume", None)


def test_stop_without_a_name_stops_the_running_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, STATES)
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["stop"])
    assert (done.exit_code, done.output) == (
        0,
        "study 'third' stops after its running epochs. Go on with: automl resume third\n",
    )


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, STATES)
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path))
    for typed in ("frist", "Fir", "FIRST"):
        done = CliRunner().invoke(app, ["show", typed])
        assert (done.exit_code, "Did you mean first?" in done.stderr) == (2, True)


def test_a_shell_completes_names_of_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path))
    assert of_studies("f") == []
    fill(tmp_path, STATES)
    assert of_studies("f") == ["fourth", "first"]
