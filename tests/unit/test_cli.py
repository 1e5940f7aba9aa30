"""The command line before any command: help, version and completion, without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import automl
from automl.cli import app

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
    assert in_a_process(**typed) == ["resume", "rename", ""]
    typed = {"_AUTOML_COMPLETE": "complete_bash", "COMP_WORDS": "automl search --budg", "COMP_CWORD": "2"}
    assert in_a_process(**typed) == ["--budget", ""]
