"""The revision of a database's tables, and their migration to the newest one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from automl.errors import BadStore, NoStore
from automl.store.tables import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"  # newest revision in migrations/versions
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")  # oldest first
READABLE = ("0004", "0005", "0006", "0007")  # older ones that can be read as they are
_LOCK = 0x6175746F6D6C  # "automl": one process at a time migrates a Postgres database


def revision(connection: Connection) -> str | None:
    """Revision of a database's tables; None before the first migration."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    stamp: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return stamp


def check(revision: str | None, where: str, *, create: bool, migrate: bool) -> None:
    """Check that a database at this revision can be used, or may be migrated to HEAD.

    where    the database, for the message
    create   True if missing tables may be created
    migrate  True if older tables may be migrated

    Raises NoStore if there are no tables and none may be created, BadStore for other revisions.
    """
    if revision is None and not create:
        raise NoStore(f"{where} holds no automl tables. Start a search first, or name another database.")
    if revision is not None and revision not in REVISIONS:
        raise BadStore(
            f"{where} was written by a newer automl (its tables are at revision {revision}, this "
            f"program knows {HEAD}). Upgrade automl, or name another database."
        )
    if revision != HEAD and revision not in READABLE and not migrate:
        raise BadStore(
            f"{where} was written by an older automl (its tables are at revision {revision}, this "
            f"program needs {HEAD}) and is open for reading only. Start or resume a search on it to "
            "migrate its tables."
        )


def upgrade(connection: Connection) -> None:
    """Migrate the tables to HEAD inside the connection's transaction; other tables stay unchanged."""
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    command.upgrade(config(connection), HEAD)


def config(connection: Connection) -> Config:
    """Configuration of Alembic's commands, without a file; they run on this connection."""
    from alembic.config import Config

    alembic = Config(stdout=sys.stdout)  # its default is the one of the time when it was imported, closed since perhaps
    folder = str(Path(__file__).parent / "migrations")
    alembic.set_main_option("script_location", folder.replace("%", "%%"))
    alembic.set_main_option("path_separator", "os")
    alembic.attributes["connection"] = connection
    return alembic
