"""The command line before any command: help, version and completion, without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import automl
from automl.cli import app
from automl.commands.searching import PANELS

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
HEAVY = ("torch", "ray", "optuna", "ultralytics", "sqlalchemy", "streamlit", "numpy")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0, done.exception
    assert "Usage" in done.output


def test_the_version_is_that_of_the_package() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"automl {automl.__version__}\n")


def test_the_package_runs_as_a_module() -> None:
    words = [sys.executable, "-m", "automl", "--version"]
    assert subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True).stdout == (
        f"automl {automl.__version__}\n"
    )


def test_automl_alone_names_the_first_commands() -> None:
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0
    for command in ("demo-data", "search", "show", "export", "dashboard"):
        assert f"automl {command}" in done.output


def test_the_search_has_panels_with_every_option_in_one() -> None:
    text = CliRunner().invoke(app, ["search", "--help"]).output
    assert "Example: automl search --data custom.yaml --budget 2gpu-h" in text
    names = [name for names in PANELS.values() for name in names]
    options = {option.name for option in typer.main.get_command(app).commands["search"].params}  # type: ignore[attr-defined]
    assert set(names) == options - {"help"}
    assert len(names) == len(set(names))
    assert [panel for panel in PANELS if f"─ {panel} ─" not in text] == []


def test_the_exit_codes_stand_in_the_help() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "2 wrong input" in text
    assert "130 interrupted" in text


def test_the_version_tells_what_a_report_of_an_error_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_DB", "postgresql://ana:secret@db/automl")
    document = json.loads(CliRunner().invoke(app, ["version", "--json"]).output)
    assert document["automl"] == automl.__version__
    assert document.keys() >= {"ultralytics", "torch", "ray", "optuna", "python", "platform", "home", "database"}
    text = CliRunner().invoke(app, ["version"]).output
    assert "secret" not in text
    assert "postgresql://ana:***@db/automl" in text


def in_a_process(*words: str, **variables: str) -> list[str]:
    """Lines that the command line prints in a new process; the last one names the heavy modules that it loaded."""
    program = (
        "import sys\nfrom automl.cli import main\nsys.argv[0] = 'automl'\n"
        f"try: main()\nfinally: print(*(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **variables},
        check=False,
    )
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["search", "--help"]])
def test_help_and_version_load_nothing_heavy(words: list[str]) -> None:
    *lines, heavy = in_a_process(*words)
    assert lines
    assert heavy == ""


def test_a_shell_completes_commands_and_options_without_loading_anything() -> None:
    typed = {"_AUTOML_COMPLETE": "complete_bash", "COMP_WORDS": "automl re", "COMP_CWORD": "1"}
    assert in_a_process(**typed) == ["resume", "report", "rename", ""]
    typed = {"_AUTOML_COMPLETE": "complete_bash", "COMP_WORDS": "automl search --budg", "COMP_CWORD": "2"}
    assert in_a_process(**typed) == ["--budget", ""]
