"""The version of a database's tables, and the way to this one's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from automl.errors import BadStore, NoStore
from automl.store.tables import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"  # newest revision in migrations/versions
REVISIONS = ("0001", "0002", "0003", "0004")  # oldest first
_LOCK = 0x6175746F6D6C  # "automl": one process at a time migrates a Postgres database


def revision(connection: Connection) -> str | None:
    """The revision that a database is stamped with; None before the first migration."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return found


def check(found: str | None, where: str, *, make: bool, migrate: bool) -> None:
    """Raises BadStore unless a database at this revision can be used or may be brought to HEAD."""
    if found is None and not make:
        raise NoStore(f"{where} holds no automl tables. Start a search first, or name another database.")
    if found is not None and found not in REVISIONS:
        raise BadStore(
            f"{where} was written by a newer automl (its tables are at revision {found}, this "
            f"program knows {HEAD}). Upgrade automl, or name another database."
        )
    if found != HEAD and not migrate:
        raise BadStore(
            f"{where} was written by an older automl (its tables are at revision {found}, this "
            f"program needs {HEAD}) and is open for reading only. Start or resume a search on it: "
            "that brings its tables up to date."
        )


def upgrade(connection: Connection) -> None:
    """Brings the tables to HEAD inside the connection's transaction; leaves other tables alone."""
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    command.upgrade(config(connection), HEAD)


def config(connection: Connection) -> Config:
    """What Alembic's commands ask for, without a file; they run on this connection."""
    from alembic.config import Config

    made = Config()
    folder = str(Path(__file__).parent / "migrations")
    made.set_main_option("script_location", folder.replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made
