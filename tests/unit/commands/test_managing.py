"""The commands `delete`, `rename` and `note`."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from automl.cli import app
from automl.store import read
from automl.store.engine import open_store
from tests.builders.app import show, text, unharmed
from tests.builders.factories import make_spec
from tests.builders.pages import Filler, curve


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the finished studies wheat and rice, and rye, which runs."""
    folder = tmp_path / "home"
    monkeypatch.setenv("AUTOML_HOME", str(folder))
    monkeypatch.delenv("AUTOML_DB", raising=False)
    engine = open_store(f"sqlite:///{folder / 'automl.db'}")
    for name in ("wheat", "rice", "rye"):
        directory = folder / "studies" / name
        (directory / "trials" / "00000").mkdir(parents=True)
        (directory / "trials" / "00000" / "best.pt").write_bytes(b"x" * 2_500_000)
        filler = Filler(engine, make_spec(name=name, directory=str(directory)))
        filler.trial(0, curve(0.4))
        filler.close(**({"state": None} if name == "rye" else {}))
    engine.dispose()
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def names(home: Path) -> set[str]:
    engine = open_store(f"sqlite:///{home / 'automl.db'}")
    found = {row.name for row in read.studies(engine)}
    engine.dispose()
    return found


def answered(home: Path, answer: str, *words: str) -> tuple[int, str]:
    """Exit code and output of a command at a terminal, where the user types the answer."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "automl.cli", *words]
    environment = {**os.environ, "AUTOML_HOME": str(home)}
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        output, _ = process.communicate(timeout=120)
    os.close(ours)
    return process.returncode, output


def test_without_a_terminal_nothing_is_deleted(home: Path) -> None:
    done = run("delete", "wheat")
    assert done.exit_code == 2
    assert "nothing was deleted: there is no terminal to ask at. Add --yes" in done.stderr
    assert f"wheat: 1 trial, 12.0 cpu-min spent, 2 MB in {home / 'studies' / 'wheat'}" in done.stdout
    assert names(home) == {"wheat", "rice", "rye"}
    assert (home / "studies" / "wheat" / "trials").is_dir()


@pytest.mark.parametrize(
    ("answer", "goes"), [("y\n", True), ("yes\n", True), ("n\n", False), ("\n", False), ("\x04", False)]
)
def test_at_a_terminal_the_answer_decides(home: Path, answer: str, goes: bool) -> None:
    code, output = answered(home, answer, "delete", "wheat")
    assert code == 0
    assert "Delete study 'wheat' for good? [y/N]" in output
    assert ("Deleted 'wheat' (1 trial): 2 MB freed." in output) is goes
    assert ("Nothing was deleted." in output) is not goes
    assert ("wheat" in names(home)) is not goes
    assert (home / "studies" / "wheat").exists() is not goes


def test_several_studies_go_at_once(home: Path) -> None:
    done = run("delete", "wheat", "rice", "wheat", "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("Deleted") == 2
    assert names(home) == {"rye"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [("whaet", "Did you mean wheat"), ("rye", "Stop it first: automl stop rye")],
)
def test_one_that_cannot_be_deleted_keeps_all(home: Path, bad: str, message: str) -> None:
    done = run("delete", "wheat", bad, "--yes")
    assert done.exit_code == 2
    assert message in done.stderr
    assert names(home) == {"wheat", "rice", "rye"}


def test_a_study_is_renamed(home: Path) -> None:
    done = run("rename", "wheat", "winter-wheat")
    assert (done.exit_code, done.stdout) == (0, "study 'wheat' is called 'winter-wheat' now.\n")
    assert names(home) == {"winter-wheat", "rice", "rye"}
    assert (home / "studies" / "winter-wheat" / "trials").is_dir()
    refused = run("rename", "rice", "winter-wheat")
    assert (refused.exit_code, "exists already" in refused.stderr) == (2, True)


def test_a_note_is_shown_wherever_its_study_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    assert run("note", "wheat", "with *new* cameras").exit_code == 0
    assert run("note", "wheat").stdout == "with *new* cameras\n"
    assert "Note: with *new* cameras" in run("show", "wheat").stdout
    assert "note      with *new* cameras" in run("status", "wheat").stdout
    assert "wheat: with *new* cameras" in run("studies").stdout
    st.cache_resource.clear()
    assert "Note: with *new* cameras" in text(unharmed(show("study", study="wheat"))).replace("**Note:**", "Note:")
    assert "with *new* cameras" in list(unharmed(show("studies")).dataframe[0].value["note"])
    assert run("note", "wheat", "").exit_code == 0
    none = run("note", "wheat")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "study 'wheat' has no note.\n")
    assert "Note" not in run("show", "wheat").stdout
    assert "note" not in unharmed(show("studies")).dataframe[0].value.columns
