"""Changes to studies that do not run: removal, another name; and notes, at any time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from automl.errors import StudyConflict
from automl.files.home import STUDIES
from automl.files.moved import renamed
from automl.records import Heartbeat
from automl.store.read import unknown_study
from automl.store.tables import artifacts, attempts, checks, epochs, evaluations, events, studies, trials
from automl.store.write import changing, is_free, still_running

_CHILDREN = (artifacts, evaluations, epochs, attempts, events, checks, trials)  # rows that refer to others first


@contextmanager
def removal(engine: Engine, name: str, *, at: float, dead: Heartbeat | None = None) -> Iterator[None]:
    """Remove a study's rows of all tables in one transaction, which ends once the block has.

    at    POSIX seconds
    dead  as in `reopen_study`

    Raises StudyConflict if the study is running, UnknownName if there is none of that name. Then, and where the block
    fails, nothing is removed.
    """
    free = is_free(dead)
    with changing(engine) as connection:
        # Locked before its children go: a driver cannot take it over meanwhile.
        locked = update(studies).where(studies.c.name == name, free).values(writer=None)
        if connection.execute(locked).rowcount == 0:
            raise still_running(connection, name, at=at)
        key = _key(connection, name)
        for table in _CHILDREN:
            connection.execute(delete(table).where(table.c.study_id == key))
        connection.execute(delete(studies).where(studies.c.id == key))
        yield


@contextmanager
def renaming(engine: Engine, old: str, new: str, *, at: float, dead: Heartbeat | None = None) -> Iterator[None]:
    """Give a study another name in one transaction, which ends once the block has.

    at    POSIX seconds
    dead  as in `reopen_study`

    Raises StudyConflict if the study is running or the name is taken, UnknownName if there is no such study. Then, and
    where the block fails, nothing is renamed.
    """
    free = is_free(dead)
    with changing(engine) as connection:
        takeover = update(studies).where(studies.c.name == old, free).values(name=new, writer=None)
        try:
            if connection.execute(takeover).rowcount == 0:
                raise still_running(connection, old, at=at)
        except IntegrityError:
            raise StudyConflict(f"a study named '{new}' exists already. Choose another name.") from None
        document = connection.execute(select(studies.c.spec).where(studies.c.name == new)).scalar_one()
        connection.execute(update(studies).where(studies.c.name == new).values(spec=renamed(document, new)))
        _rename_pictures(connection, old, new)
        yield


def write_note(engine: Engine, name: str, text: str) -> None:
    """Replace a study's note. Raises UnknownName."""
    with changing(engine) as connection:
        if connection.execute(update(studies).where(studies.c.name == name).values(note=text)).rowcount == 0:
            raise unknown_study(connection, name)


def _rename_pictures(connection: Connection, old: str, new: str) -> None:
    """Let the study's own checks follow its folder."""
    key, before = _key(connection, new), f"{STUDIES}/{old}/"
    own = select(checks.c.id, checks.c.folder).where(checks.c.study_id == key, checks.c.folder.is_not(None))
    for row in connection.execute(own).all():
        if row.folder.startswith(before):
            folder = f"{STUDIES}/{new}/{row.folder.removeprefix(before)}"
            connection.execute(update(checks).where(checks.c.id == row.id).values(folder=folder))


def _key(connection: Connection, name: str) -> int | None:
    key: int | None = connection.scalar(select(studies.c.id).where(studies.c.name == name))
    return key
