"""Commands that a user is told to run next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from automl.errors import StudyConflict
from automl.places import command, free_name

SERVER = "postgresql://me@host/db"
SECRET = "postgresql://me:hunter2@host/db"


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOML_DB", raising=False)


def test_without_a_database_a_command_names_none() -> None:
    assert command("resume", "birds", None) == "automl resume birds"


@pytest.mark.parametrize("url", [SERVER, "sqlite:///my runs/a.db"])
def test_a_database_that_was_named_is_named_again_as_the_shell_takes_it(url: str) -> None:
    told = command("export", "birds", url)
    assert shlex.split(told) == ["automl", "export", "birds", "--db", url]


def test_a_database_that_the_environment_names_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_DB", SERVER)
    assert command("resume", "birds", SERVER) == "automl resume birds"
    assert command("resume", "birds", "sqlite:///a.db") == "automl resume birds --db sqlite:///a.db"


@pytest.mark.parametrize("url", [SECRET, "postgresql://host/db?user=me&password=hunter2", "postgresql://hunter2:x:y@"])
def test_a_password_is_never_told(url: str) -> None:
    assert command("resume", "birds", url) == 'automl resume birds --db "$AUTOML_DB"'


def test_a_taken_name_is_resumed_in_the_same_database(tmp_path: Path) -> None:
    with pytest.raises(StudyConflict, match=f"automl resume birds --db {SERVER}\\."):
        free_name({"birds"}, "birds", Path("data.yaml"), tmp_path, SERVER)
