"""The writer of a study: rows go in by groups, and wait in memory while the database is away."""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)

from automl.errors import BadStore, StudyConflict, UnknownName
from automl.records import EndedBy, EpochMetrics, EvaluationRow, Outcome, StudyState, Trial, TrialState
from automl.store.batch import Batch
from automl.store.engine import explain, writing
from automl.store.read import unknown_study
from automl.store.tables import studies, trials

_GROUP_S = 0.2  # rows that arrive within this time are written together
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 30.0
_AWAY = (OperationalError, InterfaceError, InternalError, TimeoutError)

_log = logging.getLogger(__name__)


@dataclass
class _Live:
    """The latest attempt of a trial, as far as this session knows."""

    attempt: int
    open: bool
    done_epochs: int  # the last epoch that any attempt reported
    epoch: int  # the last epoch that this attempt reported


class Claimed(NamedTuple):
    """Process that has claimed a study."""

    pid: int
    process: str  # its identity


class Recorder:
    """The one writer of a study's rows. Belongs to one thread of the driver process.

    A row is written at once if the last write is over 0.2 s ago, else with a later call. While the
    database is away rows wait in memory, and later calls try again, ever more rarely. `close` raises
    BadStore if it never came back. No row is written twice.

    claimed  the process that has claimed the study (`begin_study`, `reopen_study`): of two recorders, or after another
             process took it over, one gets it, and the other one raises StudyConflict. None: unconditionally

    A new Recorder takes the study over from an older one. The older one writes nothing more: its
    `stop_requested` returns True and its `close` raises StudyConflict.
    """

    def __init__(
        self,
        engine: Engine,
        study: str,
        *,
        claimed: Claimed | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._study = study
        self._clock = clock
        self._sleep = sleep
        self._session = uuid.uuid4().hex
        self._written = 0  # batches in the database
        self._sent: Batch | None = None  # tried at least once: the database may have it without an answer
        self._next = Batch()
        self._last_write = -math.inf
        self._retry_at = -math.inf
        self._retry_s = 0.0
        self._away: BadStore | None = None  # the reason, while the database does not answer
        self._polled_at = -math.inf
        self._stop = False
        self._lost = False
        try:
            with writing(engine) as connection:
                self._id = self._begin_session(connection, claimed)
                self._trials = self._known_trials(connection)
        except SQLAlchemyError as error:
            raise explain(engine, error) from None

    def trial_started(self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None) -> bool:
        """An attempt began. False, and ignored, if a later attempt of the trial is known."""
        known = self._trials.get(trial.number)
        if known is not None and trial.attempt < known.attempt:
            return False
        done_epochs = known.done_epochs if known else 0
        self._trials[trial.number] = _Live(attempt=trial.attempt, open=True, done_epochs=done_epochs, epoch=0)
        self._next.start(trial, at=at, node=node, device=device, pid=pid)
        self._write_if_due()
        return True

    def epoch(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> bool:
        """An epoch was finished; `slot_s` is the trial's cost so far, over all its attempts.

        The first report of an epoch stays in the database, since the search has decided by its score and time.
        After a crash some reported epochs are trained again from an older snapshot, with other scores on a GPU.
        Of such a repetition only the cost is recorded. So best.pt, the best epoch by its own scores, may differ
        a little from the trial's best score.

        False, and ignored, if the attempt is not the latest, ended, or reported this epoch before.

        Raises UnknownName for an attempt that was never started.
        """
        live = self._known(trial)
        if attempt > live.attempt:
            raise UnknownName("attempt", f"{attempt} of trial {trial}")
        if attempt < live.attempt or not live.open or metrics.epoch <= live.epoch:
            return False
        live.epoch = metrics.epoch
        if metrics.epoch > live.done_epochs:
            live.done_epochs = metrics.epoch
            self._next.report(trial, attempt, metrics, slot_s=slot_s, at=at)
        self._next.pay(trial, attempt, metrics, slot_s=slot_s)
        self._write_if_due()
        return True

    def trial_closed(self, trial: int, outcome: Outcome, *, slot_s: float, at: float) -> bool:
        """The trial's latest attempt ended. False, and ignored, if it had ended before."""
        live = self._known(trial)
        if not live.open:
            return False
        live.open = False
        self._next.end(trial, live.attempt, outcome, slot_s=slot_s, at=at)
        self._write_if_due()
        return True

    def trial_given_up(self, trial: int, outcome: Outcome, *, at: float) -> bool:
        """An interrupted trial ends without another attempt. False, and ignored, if its latest one is open."""
        live = self._known(trial)
        if live.open:
            return False
        self._next.give_up(trial, outcome, at=at)
        self._write_if_due()
        return True

    def heartbeat(self, *, at: float, slot_s: float, wall_s: float, running: Mapping[int, float]) -> None:
        """The driver is alive; the cost so far is that of the study and of each running trial."""
        self._next.study.update(heartbeat_at=at, slot_s=slot_s, wall_s=wall_s)
        for trial, trial_slot_s in running.items():
            live = self._known(trial)
            if live.open:
                self._next.charge(trial, live.attempt, trial_slot_s)
        self._write_if_due()

    def artifact(self, trial: int, kind: str, path: str, size_bytes: int) -> None:
        """A trial wrote a file; it replaces the file of the same kind."""
        self._known(trial)
        self._next.artifacts[trial, kind] = {"path": path, "size_bytes": size_bytes}
        self._write_if_due()

    def drop_artifact(self, trial: int, kind: str) -> None:
        """A trial's file of this kind was deleted."""
        self._next.artifacts[trial, kind] = None
        self._write_if_due()

    def evaluated(self, row: EvaluationRow) -> None:
        """A trial's weights were evaluated on a split; replaces an earlier evaluation of the two."""
        self._known(row.trial)
        self._next.evaluations[row.trial, row.split] = asdict(row)
        self._write_if_due()

    def event(self, kind: str, text: str, *, trial: int | None = None, at: float) -> None:
        """One line for the study's log."""
        self._next.events.append({"kind": kind, "text": text, "trial": trial, "at": at})
        self._write_if_due()

    def study_closed(
        self,
        state: StudyState,
        reason: str,
        *,
        at: float,
        slot_s: float,
        wall_s: float,
        ended_by: EndedBy | None = None,
    ) -> None:
        """The session ended; `reason` is one sentence."""
        figures = {"heartbeat_at": at, "slot_s": slot_s, "wall_s": wall_s}
        self._next.study.update(state=state, reason=reason, ended_by=ended_by, **figures)
        self._write_if_due()

    def stop_requested(self) -> bool:
        """True if the driver should stop; the last known answer while the database is away."""
        self._write_if_due()
        now = self._clock()
        if not self._lost and now >= self._retry_at and now - self._polled_at >= _GROUP_S:
            self._polled_at = now
            self._poll_stop()
        return self._stop or self._lost

    def flush(self) -> bool:
        """Write the waiting rows. False if the database is away; then they go on waiting."""
        while not self._lost and not (self._sent is None and self._next.empty):
            if self._sent is None:
                self._sent, self._next = self._next, Batch()
            try:
                with writing(self._engine) as connection:
                    if self._claim(connection):
                        self._sent.apply(connection, self._id)
            except SQLAlchemyError as error:
                self._back_off(error)
                return False
            self._sent = None
            self._written += 1
        self._last_write = self._clock()
        self._recover()
        return True

    def close(self, *, retry_s: float = 300.0) -> None:
        """Write the waiting rows, and try again for `retry_s` seconds.

        Raises BadStore if the database stays away, StudyConflict if another session has the study.
        """
        waited_s, pause_s = 0.0, 0.1
        started = self._clock()
        while not self.flush():
            if max(waited_s, self._clock() - started) >= retry_s:
                waiting = self._next.rows + (self._sent.rows if self._sent else 0)
                raise BadStore(f"{self._away} {waiting} rows of study '{self._study}' are not stored.")
            self._sleep(pause_s)
            waited_s += pause_s
            pause_s = min(2 * pause_s, 5.0)
        if self._lost:
            raise StudyConflict(
                f"study '{self._study}' was taken over by another session or removed. "
                "The later results of this session are not stored."
            )

    def _begin_session(self, connection: Connection, claimed: Claimed | None) -> int:
        """Set the writer, in one statement with the question whether this process still has the study."""
        mine = () if claimed is None else (studies.c.pid == claimed.pid, studies.c.process == claimed.process)
        free = () if claimed is None else (studies.c.writer.is_(None),)
        claim = update(studies).where(studies.c.name == self._study, *mine, *free)
        changed = connection.execute(claim.values(writer=self._session, written=0)).rowcount
        key: int | None = connection.scalar(select(studies.c.id).where(studies.c.name == self._study))
        if key is None:
            raise unknown_study(connection, self._study)
        if not changed:
            raise StudyConflict(f"study '{self._study}' was taken over by another session before this one began.")
        return key

    def _known_trials(self, connection: Connection) -> dict[int, _Live]:
        query = select(trials.c.number, trials.c.attempt, trials.c.state, trials.c.done_epochs)
        return {
            number: _Live(attempt=attempt, open=state == TrialState.RUNNING, done_epochs=done, epoch=done)
            for number, attempt, state, done in connection.execute(query.where(trials.c.study_id == self._id))
        }

    def _known(self, trial: int) -> _Live:
        if trial not in self._trials:
            raise UnknownName("trial", str(trial))
        return self._trials[trial]

    def _write_if_due(self) -> None:
        if self._lost:
            self._next = Batch()
            return
        now = self._clock()
        if now >= self._retry_at and now - self._last_write > _GROUP_S:
            self.flush()

    def _claim(self, connection: Connection) -> bool:
        """Lock the study for the batch. False if the batch is written already, or another session has the study."""
        assert self._sent is not None
        claim = update(studies).where(
            studies.c.id == self._id, studies.c.writer == self._session, studies.c.written == self._written
        )
        values = {**self._sent.study, "written": self._written + 1}
        if connection.execute(claim.values(values)).rowcount == 1:
            return True
        query = select(studies.c.writer, studies.c.written).where(studies.c.id == self._id)
        if connection.execute(query).one_or_none() != (self._session, self._written + 1):
            self._lose()
        return False

    def _poll_stop(self) -> None:
        query = select(studies.c.stop_requested, studies.c.writer).where(studies.c.id == self._id)
        try:
            with self._engine.connect() as connection:
                row = connection.execute(query).one_or_none()
        except SQLAlchemyError as error:
            self._back_off(error)
            return
        if row is None or row.writer != self._session:
            self._lose()
        else:
            self._stop = row.stop_requested

    def _lose(self) -> None:
        self._lost = True
        _log.warning("study '%s' was taken over by another session; this one ends", self._study)

    def _back_off(self, error: SQLAlchemyError) -> None:
        """Set a longer wait after each failure in a row.

        Raises BadStore if waiting cannot help.
        """
        lost_connection = isinstance(error, DBAPIError) and error.connection_invalidated
        if not isinstance(error, _AWAY) and not lost_connection:
            raise explain(self._engine, error) from None
        if self._away is None:
            _log.warning("%s Rows wait in memory until it is back.", explain(self._engine, error))
        self._away = explain(self._engine, error)
        self._retry_s = min(max(2 * self._retry_s, _FIRST_RETRY_S), _LAST_RETRY_S)
        self._retry_at = self._clock() + self._retry_s

    def _recover(self) -> None:
        if self._away is not None and not self._lost:
            _log.info("the database is back, and nothing was lost")
        self._away, self._retry_s, self._retry_at = None, 0.0, -math.inf
