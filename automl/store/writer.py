"""The hand of a session at the database: it stores what waits in the journal, in a thread of its own or at a call."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)

from automl.errors import AutoMLError, BadStore
from automl.store.batch import Batch, Values
from automl.store.engine import explain, writing
from automl.store.journal import Entry, Journal
from automl.store.tables import studies

GROUP_S = 0.2  # rows that arrive within this time are written together
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 30.0
_URGENT_RETRY_S = 2.0  # while somebody waits for the rows
_IDLE_S = 0.5  # between two looks of the thread
_AWAY = (OperationalError, InterfaceError, InternalError, TimeoutError)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Owner:
    """A session by its study's row."""

    study: int  # its id
    session: str


def store(connection: Connection, owner: Owner, entries: Sequence[Entry]) -> int | None:
    """Write the groups that the database does not have; the number of the last one that it has then.

    None, and nothing is written, if another session has the study or it is gone. A group goes in together with its
    number, so none goes in twice, whoever tries again and whenever.

    Raises BadStore if a group between is missing.
    """
    row = connection.execute(
        select(studies.c.writer, studies.c.written).where(studies.c.id == owner.study).with_for_update()
    ).one_or_none()
    if row is None or row.writer != owner.session:
        return None
    written = int(row.written)
    fresh = [entry for entry in entries if entry.number > written]
    if not fresh:
        return written
    if fresh[0].number != written + 1:
        raise BadStore(f"group {written + 1} of rows is missing before group {fresh[0].number}.")
    values: Values = {"written": fresh[-1].number}
    for entry in fresh:
        batch = Batch.from_document(entry.document)
        values.update(batch.study)
        batch.apply(connection, owner.study)
    connection.execute(update(studies).where(studies.c.id == owner.study).values(values))
    return fresh[-1].number


class Writer:
    """Storing of one session's rows, which go from its journal into the database.

    While the database is away it tries again, ever more rarely. One thread calls `work`; others read the attributes.
    """

    def __init__(self, engine: Engine, owner: Owner, journal: Journal, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._owner = owner
        self._journal = journal
        self._clock = clock
        self.away: BadStore | None = None  # the reason, while the database does not answer
        self.since: float | None = None  # when the present question to the database began; None between two
        self.lost = False  # another session has the study
        self.stop = False  # somebody asks the session to stop
        self.broken: AutoMLError | None = None  # an error for which waiting is no help
        self.urgent = False  # somebody waits for the rows
        self.over = False  # nobody waits any more: ask no further question
        self.wrote_at = -math.inf
        self._retry_at = -math.inf
        self._retry_s = 0.0
        self._polled_at = -math.inf

    @property
    def due(self) -> bool:
        """True unless the database was away a moment ago."""
        return self._clock() >= self._retry_at

    def work(self) -> bool:
        """Store everything that waits. False if the database is away; then it goes on waiting."""
        while not (self.lost or self.over or self._journal.empty):
            if not self._try(self._store_some):
                return False
        self.wrote_at = self._clock()
        self._recover()
        return True

    def poll(self) -> None:
        """Look for a request to stop, unless that was a moment ago."""
        now = self._clock()
        if not self.lost and self.due and now - self._polled_at >= GROUP_S:
            self._polled_at = now
            self._try(self._look)

    def _try(self, part: Callable[[], None]) -> bool:
        self.since = self._clock()
        try:
            part()
        except SQLAlchemyError as error:
            self._back_off(error)
            return False
        finally:
            self.since = None
        return True

    def _store_some(self) -> None:
        entries = self._journal.waiting()
        with writing(self._engine, bounded=True) as connection:
            written = store(connection, self._owner, entries)
        if written is None:
            self._lose()
        else:
            self._journal.stored(written)

    def _look(self) -> None:
        query = select(studies.c.stop_requested, studies.c.writer).where(studies.c.id == self._owner.study)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.writer != self._owner.session:
            self._lose()
        else:
            self.stop = row.stop_requested

    def _lose(self) -> None:
        self.lost = True
        _log.warning("the study was taken over by another session; this one ends")

    def _back_off(self, error: SQLAlchemyError) -> None:
        """Set a longer wait after each failure in a row.

        Raises BadStore if waiting cannot help.
        """
        lost_connection = isinstance(error, DBAPIError) and error.connection_invalidated
        if not isinstance(error, _AWAY) and not lost_connection:
            raise explain(self._engine, error) from None
        self.away = explain(self._engine, error)
        longest_s = _URGENT_RETRY_S if self.urgent else _LAST_RETRY_S
        self._retry_s = min(max(2 * self._retry_s, _FIRST_RETRY_S), longest_s)
        self._retry_at = self._clock() + self._retry_s

    def _recover(self) -> None:
        self.away, self._retry_s, self._retry_at = None, 0.0, -math.inf

    def hurry(self) -> None:
        """Try again at once, and often from now on: somebody waits."""
        if not self.urgent:
            self.urgent, self._retry_at, self._retry_s = True, -math.inf, 0.0


class WriterThread(threading.Thread):
    """The thread in which a Writer works. It ends with the process."""

    def __init__(self, writer: Writer) -> None:
        super().__init__(name="automl-writer", daemon=True)
        self._writer = writer
        self._wake = threading.Event()

    def wake(self) -> None:
        """There is something to store."""
        self._wake.set()

    def end(self) -> None:
        """Ask no more questions; not waited for, since the present one may take long."""
        self._writer.over = True
        self._wake.set()

    def run(self) -> None:
        """Work until the end."""
        writer = self._writer
        while not (writer.over or writer.lost or writer.broken):
            self._wake.wait(_IDLE_S)
            self._wake.clear()
            if writer.over or not writer.due:
                continue
            try:
                if writer.work():
                    writer.poll()
            except AutoMLError as error:
                writer.broken = error
            except Exception as error:  # a thread that ends in silence would let the driver wait for ever
                if not writer.over:
                    _log.exception("the writer of the database failed")
                writer.broken = BadStore(f"the database could not be written: {type(error).__name__}: {error}")
