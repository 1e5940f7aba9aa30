"""The record of a session: rows go to its journal by groups, and from there into the database."""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from automl.errors import BadStore, NoSpace, RowsWait, StudyConflict, UnknownName
from automl.records import EndedBy, EpochMetrics, EvaluationRow, Outcome, StudyState, Trial, TrialState
from automl.store.batch import Batch
from automl.store.engine import explain, shown, writing
from automl.store.journal import SUFFIX, Journal
from automl.store.read import unknown_study
from automl.store.tables import studies, trials
from automl.store.writer import GROUP_S, Owner, Writer, WriterThread

WAIT_S = 120.0  # longest wait for the database at the end of a session
SAY_S = 30.0  # between two sentences on what is waited for
_SOON_S = 3.0  # after which a first sentence says so
_SLOW_S = 10.0  # after which a database that has not answered counts as away

_log = logging.getLogger(__name__)
Say = Callable[[str], object]


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
    """The one record of a study's rows. Belongs to one thread of the driver process.

    A group of rows goes to the journal at once if the last one is over 0.2 s old, else with a later call. From there
    it is stored: with a journal on disk by a thread, so that no call waits for the database, else within the call.
    While the database is away groups wait, and are tried again, ever more rarely. No row is written twice.

    claimed  the process that has claimed the study (`begin_study`, `reopen_study`): of two recorders, or after another
             process took it over, one gets it, and the other one raises StudyConflict. None: unconditionally

    A new Recorder takes the study over from an older one. The older one writes nothing more: its
    `stop_requested` returns True and its `close` raises StudyConflict.

    journals  the study's folder of journals; None: rows wait in memory
    say       is told what the end waits for, soon and every 30 s

    Raises NoSpace if the disk does not take a journal.
    """

    def __init__(
        self,
        engine: Engine,
        study: str,
        *,
        claimed: Claimed | None = None,
        journals: Path | None = None,
        say: Say = lambda text: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._study = study
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._session = uuid.uuid4().hex
        self._next = Batch()
        self._sealed_at = -math.inf
        self._told_away = False
        self._patience = True  # False once the database was waited for in vain
        self._journal = self._opened(journals)
        try:
            with writing(engine) as connection:
                self._id = self._begin_session(connection, claimed)
                self._trials = self._known_trials(connection)
        except SQLAlchemyError as error:
            self._journal.remove()
            raise explain(engine, error) from None
        except BaseException:
            self._journal.remove()
            raise
        self._writer = Writer(engine, Owner(self._id, self._session), self._journal, clock)
        self._thread = WriterThread(self._writer) if journals is not None else None
        if self._thread is not None:
            self._thread.start()

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
        """True if the driver should stop; the last known answer while the database is away.

        Raises BadStore if the database cannot be written, and waiting is no help.
        """
        self._write_if_due()
        if self._thread is None:
            self._writer.poll()
        elif self._writer.broken is not None:
            raise self._writer.broken
        return self._writer.stop or self._writer.lost

    def problem(self) -> str | None:
        """Sentence on a disk that takes no more rows; None while it does."""
        if self._journal.problem is None:
            return None
        return f"the disk takes no more rows of the study ({self._journal.problem}): {self._journal.file}"

    def news(self) -> str | None:
        """Sentence on a database that does not answer, or does again, once; else None."""
        reason = self._reason()
        if (reason is not None) == self._told_away:
            return None
        self._told_away = reason is not None
        if reason is None:
            return "The database is back, and nothing was lost."
        return f"{_capital(reason)} The search goes on. Its rows wait in {self._place} until the database is back."

    def flush(self) -> bool:
        """Pass the waiting rows on. False if the database is away; then they go on waiting."""
        self._seal()
        if self._thread is None:
            return self._work()
        self._thread.wake()
        return self._reason() is None

    def sync(self, *, retry_s: float = WAIT_S) -> None:
        """Write the waiting rows, and wait `retry_s` seconds for a database that is away.

        Ctrl-C ends the wait. Raises RowsWait if the rows still wait then, StudyConflict if another session has the
        study, BadStore if waiting is no help.
        """
        self._seal()
        self._writer.hurry()
        try:
            self._wait(retry_s if self._patience else 0.0)
        except KeyboardInterrupt:
            self._patience = False
            raise self._rows_wait() from None
        finally:
            self._writer.urgent = False
        if self._writer.lost:
            raise StudyConflict(
                f"study '{self._study}' was taken over by another session or removed. "
                "The later results of this session are not stored."
            )

    def close(self, *, retry_s: float = WAIT_S) -> None:
        """End the session: as `sync`. The journal stays where rows wait in it, and is removed else."""
        try:
            self.sync(retry_s=retry_s)
        finally:
            if self._thread is not None:
                self._thread.end()
                if self._journal.empty or self._writer.lost:
                    self._journal.remove()

    # -- parts ------------------------------------------------------------------------------------

    def _wait(self, retry_s: float) -> None:
        waited_s, pause_s, said_s = 0.0, 0.1, -math.inf
        started = self._clock()
        while not self._done():
            waited_s = max(waited_s, self._clock() - started)
            reason = self._reason()
            if waited_s >= retry_s and (reason is not None or waited_s >= _SOON_S):
                self._patience = False
                raise self._rows_wait()
            if (reason is not None or waited_s >= _SOON_S) and waited_s - said_s >= SAY_S:
                said_s = waited_s
                self._say(self._waiting_text())
            self._sleep(pause_s)
            waited_s += pause_s
            pause_s = min(2 * pause_s, 5.0 if self._thread is None else 0.2)

    def _done(self) -> bool:
        """True once nothing waits. Without a thread this tries to store it."""
        if self._thread is None:
            return self._work()
        if self._writer.broken is not None:
            raise BadStore(f"{self._writer.broken} {self._journal.rows} rows wait in {self._place}.")
        self._thread.wake()
        return self._journal.empty or self._writer.lost

    def _work(self) -> bool:
        was_away = self._writer.away is not None
        done = self._writer.work()
        if not done and not was_away:
            _log.warning("%s Rows wait in memory until it is back.", self._writer.away)
        elif done and was_away and not self._writer.lost:
            _log.info("the database is back, and nothing was lost")
        return done

    def _reason(self) -> str | None:
        """Sentence on a database that does not answer; None while it does."""
        since, now = self._writer.since, self._clock()
        if self._writer.away is not None:
            return str(self._writer.away)
        if since is not None and now - since >= _SLOW_S:
            return f"the database {shown(self._engine)} has not answered for {now - since:.0f} s."
        return None

    @property
    def _place(self) -> str:
        return "memory" if self._journal.file is None or self._journal.problem else str(self._journal.file)

    def _waiting_text(self) -> str:
        reason = self._reason() or f"the database {shown(self._engine)} has not answered yet."
        return f"{_capital(reason)} {self._journal.rows} rows of study '{self._study}' wait in {self._place}."

    def _rows_wait(self) -> RowsWait:
        """Error for rows that the database does not have."""
        if self._journal.file is not None and self._journal.problem is None:
            return RowsWait(self._waiting_text())
        lost = self._journal.lost_rows
        reason = self._reason() or f"the database {shown(self._engine)} has not answered."
        text = f"{_capital(reason)} {lost} rows of study '{self._study}' are not stored."
        if self._journal.file is not None:
            text += f" {self._journal.rows - lost} wait in {self._journal.file}; its disk took no more."
        return RowsWait(text)

    def _opened(self, journals: Path | None) -> Journal:
        try:
            journal = Journal(None if journals is None else journals / f"{self._session}{SUFFIX}")
        except OSError as error:
            raise NoSpace(f"{journals} cannot be written ({error.strerror}), and there rows would wait.") from error
        if journal.problem is not None:
            journal.remove()
            raise NoSpace(f"the disk of {journals} is full, and there rows would wait. Free some space.")
        return journal

    def _seal(self) -> None:
        """Close the group of rows that has come so far: it goes to the journal."""
        if self._writer.lost or self._next.empty:
            self._next = Batch() if self._writer.lost else self._next
            return
        self._journal.append(self._next.to_document(), self._next.rows)
        self._next = Batch()
        self._sealed_at = self._clock()

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
        if self._writer.lost:
            self._next = Batch()
            return
        now = self._clock()
        if self._thread is None:
            if self._writer.due and now - self._writer.wrote_at > GROUP_S:
                self.flush()
        elif now - self._sealed_at > GROUP_S and not self._next.empty:
            self.flush()


def _capital(sentence: str) -> str:
    """The sentence with a capital letter, as its first word has one in a text."""
    return sentence[:1].upper() + sentence[1:]
