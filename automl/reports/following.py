"""A running study followed in the database: its changes, as the notices that the search itself gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from automl.policy.history import RESUMABLE
from automl.records import Notice, StudyRow, TrialRow, TrialState
from automl.scores.words import origin_text
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

_LINES = 5  # of the log so far that are shown first


class Follower:
    """A study under observation: each look gives the notices of what is new. The first ones say where it stands."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._open: dict[int, int] = {}  # the last epoch told of each trial that runs
        self._resting: set[int] = set()  # interrupted trials, which may go on
        self._last = -1  # number of the newest trial
        self._event: int | None = None

    def first(self, study: StudyRow) -> Iterator[Notice]:
        """The study as it stands."""
        points = read.outline(self._engine, self._name)
        running = [point.number for point in points if point.state is TrialState.RUNNING]
        rows = read.trials_of(self._engine, self._name, running)
        self._last = max((point.number for point in points), default=-1)
        self._resting = {point.number for point in points if point.state in RESUMABLE} - set(running)
        best = (study.best_map50_95, study.best_trial)
        yield self._notice(
            "study",
            study,
            study.heartbeat_at,
            spec=study.spec,
            spent_s=study.slot_s,
            begun=len(points) - sum(row.attempt == 1 for row in rows),
            ended=sum(point.state not in RESUMABLE and point.number not in running for point in points),
            baseline=study.baseline_map50_95,
            best_epoch=None if None in best else best,
        )
        for row in rows:
            yield self._started(study, row, study.heartbeat_at)
        yield from self._notes(study, _LINES)

    def look(self, study: StudyRow) -> Iterator[Notice]:
        """Notices of every change since the last look; the study's row was read just before."""
        again = {*self._open, *self._resting}
        points = read.outline(self._engine, self._name, after=self._last, again=again)
        changed = [
            point.number
            for point in points
            if point.number not in self._resting or point.state is TrialState.RUNNING or point.state not in RESUMABLE
        ]
        rows = read.trials_of(self._engine, self._name, changed)
        for row in rows:
            if row.number not in self._open and row.started_at is not None:
                yield self._started(study, row, row.started_at)
        yield from self._epochs(study)
        for row in rows:
            if row.number in self._open and row.state is not TrialState.RUNNING:
                yield self._ended(study, row)
        self._last = max((self._last, *changed))
        yield from self._notes(study)

    def _started(self, study: StudyRow, row: TrialRow, posix: float) -> Notice:
        self._resting.discard(row.number)
        fresh = row.number > self._last  # all its epochs and its whole cost are still to be told
        done_epochs, slot_s = (0, 0.0) if fresh else (row.done_epochs, row.slot_s)
        self._open[row.number] = done_epochs
        return self._notice(
            "trial_started",
            study,
            posix,
            row.number,
            params=row.params,
            origin=origin_text(row.origin, row.repeats),
            purpose=row.purpose,
            repeats=row.repeats,
            attempt=row.attempt,
            done_epochs=done_epochs,
            epochs=row.epochs,
            slot_s=slot_s,
        )

    def _epochs(self, study: StudyRow) -> Iterator[Notice]:
        for epoch in read.epochs_of(self._engine, self._name, list(self._open)) if self._open else ():
            if epoch.epoch > self._open[epoch.trial]:
                self._open[epoch.trial] = epoch.epoch
                figures = {"map50_95": epoch.map50_95, "map50": epoch.map50, "slot_s": epoch.slot_s}
                yield self._notice("epoch", study, epoch.reported_at, epoch.trial, epoch=epoch.epoch, **figures)

    def _ended(self, study: StudyRow, row: TrialRow) -> Notice:
        del self._open[row.number]
        if row.state in RESUMABLE:
            self._resting.add(row.number)
        figures: dict[str, Any] = {"map50_95": row.best_map50_95, "slot_s": row.slot_s}
        at = study.heartbeat_at if row.ended_at is None else row.ended_at
        return self._notice("trial_ended", study, at, row.number, state=row.state.value, reason=row.reason, **figures)

    def _notes(self, study: StudyRow, limit: int | None = None) -> Iterator[Notice]:
        for event in read.events(self._engine, self._name, after_id=self._event or 0, limit=limit):
            self._event = event.id
            yield self._notice("note", study, event.at, event.trial, text=event.text)

    def _notice(self, kind: str, study: StudyRow, posix: float, trial: int | None = None, **values: Any) -> Notice:
        """The notice at the study's wall seconds, by the clock of its own process."""
        at = max(0.0, study.wall_s + posix - study.heartbeat_at)
        return Notice(kind=kind, at=at, trial=trial, values=values)
