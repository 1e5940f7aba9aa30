"""Options of a search: one list for Python, the command line and the request."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup, TyperOption
from typer.testing import CliRunner

import automl
from automl import service
from automl.cli import app
from automl.errors import AutoMLError
from automl.setup.options import OTHERS, SearchOptions, SearchRequest, request_of

FLAGS = {"fixed": "--set", "reuse": "--no-warm-start"}  # of options with another name on the command line
COMMAND_ONLY = {"--data", "--budget", "--dry-run", "--fresh-probe", "--export", "--db", "--quiet", "--json-events"}
COMMAND_ONLY |= {"--json", "--notify", "--detach"}


def search_flags() -> set[str]:
    """Long options of `automl search`."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    options = [parameter for parameter in group.commands["search"].params if isinstance(parameter, TyperOption)]
    return {name for option in options for name in option.opts if name.startswith("--")}


def flag_of(option: str) -> str:
    """Flag of an option; one that is true by default has a flag that turns it off."""
    on = getattr(SearchRequest, option, None) is True
    return FLAGS.get(option, ("--no-" if on else "--") + option.replace("_", "-"))


def test_the_options_are_the_fields_of_the_request() -> None:
    requested = {entry.name for entry in fields(SearchRequest)} - {"data", "budgets"}
    assert set(SearchOptions.__annotations__) == requested


@pytest.mark.parametrize("verb", [automl.search, automl.dry_run])
def test_the_other_keywords_are_those_of_both_functions(verb: Any) -> None:
    keywords = [p.name for p in inspect.signature(verb).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert tuple(keywords) == OTHERS


def test_every_option_has_its_flag_and_every_flag_its_option() -> None:
    assert {flag_of(option) for option in SearchOptions.__annotations__} == search_flags() - COMMAND_ONLY


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_the_command_hands_every_option_on_and_alone_means_the_defaults(
    monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    calls: list[dict[str, Any]] = []

    def record(data: Path, budget: list[str], **words: Any) -> None:
        calls.append(words)
        raise AutoMLError("recorded")

    monkeypatch.setattr(service, "dry_run" if flags else "search", record)
    result = CliRunner().invoke(app, ["search", "--data", "a.yaml", "--budget", "1cpu-h", *flags])
    assert (result.exit_code, result.stderr) == (2, "automl: recorded\n")
    (words,) = calls
    assert set(words) == {*SearchOptions.__annotations__, "fresh_probe", "db", "progress", "listener", "notify"}
    assert words["progress"] is False
    for name in ("fresh_probe", "db", "progress", "listener", "notify"):
        del words[name]
    assert request_of("a.yaml", "1cpu-h", **words) == request_of("a.yaml", "1cpu-h")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("epoch", "search has no option 'epoch'. Did you mean epochs?"),
        ("max_param", "search has no option 'max_param'. Did you mean max_params?"),
        ("listner", "search has no option 'listner'. Did you mean listener?"),
        ("zzz", "search has no option 'zzz'. Known: models, imgsz, "),
    ],
)
@pytest.mark.parametrize("verb", [automl.search, automl.dry_run])
def test_an_unknown_option_is_one_error_that_names_close_ones(verb: Any, option: str, message: str) -> None:
    with pytest.raises(AutoMLError) as error:
        verb("a.yaml", "1cpu-h", **{option: 1})
    assert str(error.value).startswith(message)
