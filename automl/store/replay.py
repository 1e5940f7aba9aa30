"""Replay of journals: rows that a session could not store go into the database, before anybody goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from automl.errors import BadStore
from automl.files import folders
from automl.records import StudyRow
from automl.store import journal
from automl.store.engine import explain, reading, writing
from automl.store.journal import LINES, Entry
from automl.store.tables import studies
from automl.store.writer import Owner, store

OLD = ".superseded"  # ending of a journal whose rows belong to no present session


@dataclass(frozen=True)
class Replayed:
    """Result of a replay."""

    rows: int  # that were stored
    notes: tuple[str, ...] = ()  # sentences on journals that were not


def replay(engine: Engine, study: StudyRow) -> Replayed:
    """Store the rows that wait in the study's journals, each once, and delete the journals.

    A journal of a session that has lost the study to another one is renamed instead: its rows would replace newer ones.
    Not for a study that runs: its driver does the same. May be repeated after any interruption.

    Raises BadStore if the database fails, or if a journal is damaged.
    """
    rows, notes = 0, []
    for file in journal.files(folders.journals(study.spec.directory)):
        try:
            stored = _replay(engine, study.name, file)
        except FileNotFoundError:  # another command has just replayed it
            continue
        except BadStore as error:
            raise BadStore(f"the rows of study '{study.name}' in {file} cannot be stored: {error}") from None
        if stored is not None:
            rows += stored
            journal.discard(file)
            continue
        aside = file.with_name(file.name + OLD)
        with suppress(OSError):
            file.replace(aside)
        notes.append(
            f"{aside} holds rows of a session that had lost the study to another one. They are not stored, and "
            "nothing needs them: the file can be deleted."
        )
    return Replayed(rows, tuple(notes))


def waiting_rows(engine: Engine, study: StudyRow) -> int:
    """Number of rows that wait in the study's journals and will be stored."""
    files = journal.files(folders.journals(study.spec.directory))
    if not files:
        return 0
    with reading(engine) as connection:
        query = select(studies.c.writer, studies.c.written).where(studies.c.name == study.name)
        row = connection.execute(query).one()
    mine = (file for file in files if file.stem == row.writer)
    with suppress(OSError):
        return sum(entry.rows for file in mine for entry in journal.entries(file) if entry.number > row.written)
    return 0


def _replay(engine: Engine, name: str, file: Path) -> int | None:
    """Number of rows that were stored; None if the session of the file has lost the study."""
    entries, rows = journal.entries(file), 0
    try:
        while group := list(islice(entries, LINES)):
            fresh = _store(engine, name, file.stem, group)
            if fresh is None:
                return None
            rows += fresh
    except SQLAlchemyError as error:
        raise explain(engine, error) from None
    finally:
        _close(entries)
    return rows


def _store(engine: Engine, name: str, session: str, group: list[Entry]) -> int | None:
    with writing(engine) as connection:
        query = select(studies.c.id, studies.c.written).where(studies.c.name == name)
        row = connection.execute(query.with_for_update()).one_or_none()
        if row is None or store(connection, Owner(row.id, session), group) is None:
            return None
        return sum(entry.rows for entry in group if entry.number > row.written)


def _close(entries: Iterator[Entry]) -> None:
    """Close the file behind the groups, so that it can be deleted everywhere."""
    close = getattr(entries, "close", None)
    if close is not None:
        close()
