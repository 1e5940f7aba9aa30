"""The address of the database, and its form on a command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from automl.files.home import home_folder
from automl.files.shell import quoted, variable

BEGIN = "automl search --data data.yaml --budget 90min"  # a first command, on a CPU or a GPU


def default_url(home: Path) -> str:
    """URL of the SQLite database in automl's home folder."""
    return URL.create("sqlite", database=str(home / "automl.db")).render_as_string()


def holds_password(url: str) -> bool:
    """True if a database URL must not be shown: it holds a password, or cannot be read."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return True
    return parsed.password is not None or any("pass" in key.lower() for key in parsed.query)


def without_password(url: str) -> str:
    """The URL as it may be shown: a password is replaced, and of one that cannot be read nothing is shown."""
    if not holds_password(url):
        return url
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "a URL that cannot be read"


def store_url(home: str | Path | None, db: str | None) -> str:
    """URL of the database: `db`, else AUTOML_DB, else SQLite in the home folder."""
    return db or os.environ.get("AUTOML_DB") or default_url(home_folder(home))


def same_database(place: str, url: str) -> bool:
    """True if a place of another tool is the database of that URL, in whatever words."""
    try:
        one, other = make_url(place), make_url(url)
    except (ArgumentError, ValueError):
        return False
    if one.get_backend_name() != other.get_backend_name():
        return False
    if one.get_backend_name() == "sqlite":
        return Path(one.database or "").absolute() == Path(other.database or "").absolute()
    return (one.host, one.port or 5432, one.database) == (other.host, other.port or 5432, other.database)


def named_db(home: str | Path | None, db: str | None) -> str | None:
    """Database as commands have to name it: `db`, or the one in a home folder that no variable names."""
    if db is not None or home is None or os.environ.get("AUTOML_DB"):
        return db
    url = default_url(home_folder(home))
    return None if url == default_url(home_folder(None)) else url


def command(verb: str, study: str, db: str | None) -> str:
    """Command line for a study, with `--db` if the user named a database."""
    return quoted("automl", verb, study) + db_words(db)


def db_words(db: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The `--db` option with which a command reaches the database; empty if AUTOML_DB names it already.

    A URL with a password is never shown; the option then refers to AUTOML_DB.
    """
    if db is None or db == environment.get("AUTOML_DB"):
        return ""
    return f" --db {variable('AUTOML_DB') if holds_password(db) else quoted(db)}"
