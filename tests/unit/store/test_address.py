"""The database on a command line."""

from __future__ import annotations

import shlex

import pytest

from automl.store.address import command, db_words


@pytest.mark.parametrize(
    "url", ["sqlite:///a.db", "sqlite:////data/my runs/a.db", "sqlite:///it's.db", "postgresql://me@host/a"]
)
def test_a_command_names_the_database_so_that_it_runs(url: str) -> None:
    assert shlex.split(command("resume", "birds", url)) == ["automl", "resume", "birds", "--db", url]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:geheim@host/a",
        "postgresql://me:ge%40heim@host/a",
        "postgresql://host/a?user=me&password=geheim",
        "postgresql://host/a?PASSWORD=geheim",
        "postgresql://me:geheim@host:not-a-port/a",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    words = command("resume", "birds", url)
    assert words == 'automl resume birds --db "$AUTOML_DB"'


def test_the_database_of_the_environment_needs_no_words() -> None:
    assert db_words("sqlite:///a.db", {"AUTOML_DB": "sqlite:///a.db"}) == ""
    assert db_words(None) == ""
