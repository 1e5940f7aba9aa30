"""A study that is looked at again and again, without the parameters of every trial: what the page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from automl.costs.budget import Budget, limits_of
from automl.policy.history import RESUMABLE, at_horizon
from automl.records import Purpose, StudyRow, StudyState, TrialPoint, TrialRow, TrialState
from automl.reports.glance import Glance
from automl.reports.overview import overview_of
from automl.reports.report import is_alive, waiting_of
from automl.scores import leaderboard
from automl.scores.ending import LOOK_BACK, promised
from automl.store import read
from automl.store.engine import together

if TYPE_CHECKING:
    from sqlalchemy import Engine

_DONE = (TrialState.COMPLETED, TrialState.STOPPED, TrialState.CUT)


class Rise(NamedTuple):
    """Best score so far when a trial ended."""

    spent_s: float  # slot-seconds
    score: float  # mean mAP50-95 of the trial's last epochs
    trial: int


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyProgress(Glance):
    """A study with the history of its best score, and what the rest of its budget promises."""

    points: tuple[TrialPoint, ...]  # every trial, by number
    latest: tuple[tuple[float, float], ...] = ()  # score at the horizon and slot-seconds of those that ended last

    @property
    def states(self) -> Mapping[str, int]:
        """Number of trials by state."""
        return {state.value: count for state, count in Counter(point.state for point in self.points).items()}

    @cached_property
    def rises(self) -> Sequence[Rise]:
        """Best score so far against cost, the probe included; see `best_so_far`."""
        return best_so_far(self.points, self.study.spec.probe_s)

    @property
    def left_s(self) -> float | None:
        """Wall seconds until the budget is spent at today's pace; None where nothing runs or nothing is spent."""
        if not self.alive or self.share_spent <= 0.0:
            return None
        left_s = self.study.wall_s * max(0.0, 1.0 - self.share_spent) / self.share_spent
        if any(budget.slot_s is None for budget in self._budgets):
            return left_s
        spent_s = self.spent_s.get(Purpose.PRODUCTION.value, 0.0)
        one_by_one_s = max(0.0, self.planned_s.get(Purpose.PRODUCTION.value, 0.0) - spent_s)  # on one slot
        slots = max(1.0, self.study.slot_s / self.study.wall_s) if self.study.wall_s else 1.0
        return left_s + one_by_one_s * (1.0 - 1.0 / slots)

    @cached_property
    def _budgets(self) -> tuple[Budget, ...]:
        return limits_of(self.study.spec)

    @property
    def expected_gain(self) -> float | None:
        """Expected rise of the best score, in fractions of mAP50-95, by the rest of the search's share.

        The search's own rule for an early end, except for what `at_horizon` says of stopped trials, and with the
        rest estimated from today's pace. None before enough trials have ended, once repeats have begun, or where
        nothing runs.
        """
        if self.left_s is None or not all(point.purpose.searched for point in self.points):
            return None
        scores = (point.score or 0.0 for point in self.points if point.state is TrialState.COMPLETED)
        best = max(scores, default=None)
        if best is None:
            return None
        left_s = self.study.slot_s * (1.0 - self.share_spent) / self.share_spent
        spec, reserved_s = self.study.spec, self.planned_s.get(Purpose.PRODUCTION.value, 0.0)
        idle = spec.slots.count if any(budget.wall_s for budget in self._budgets) else 1  # beside it within wall time
        left_s = max(0.0, left_s - reserved_s * idle - spec.reserve_s - spec.measuring_s)
        return promised(self.latest, best, left_s)


class Watch:
    """A study under observation: each look reads what is new and keeps the rest. Safe to share between threads.

    A trial that has ended changes no more, except an interrupted one, which continues when its study is resumed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._points: dict[int, TrialPoint] = {}
        self._rows: dict[int, TrialRow] = {}  # those that an overview shows whole
        self._curves: dict[int, list[float]] = {}  # mAP50-95 by epoch of the trials that were completed last
        self._last: StudyProgress | None = None

    def look(self, engine: Engine, study: StudyRow) -> StudyProgress:
        """The study as it stands in the database now; its row was read just before."""
        with self._lock:
            if self._last is None or study.state is StudyState.RUNNING or self._last.study != study:
                with together(engine):
                    self._last = self._progress(engine, study)
            return self._last

    def _progress(self, engine: Engine, study: StudyRow) -> StudyProgress:
        points = self._follow(engine, study.name)
        runs = study.state is StudyState.RUNNING
        running = {point.number for point in points if runs and point.state is TrialState.RUNNING}
        finalists = leaderboard.finalists(points)
        self._hold(engine, study.name, finalists | running)
        overview = overview_of(
            study,
            alive=is_alive(study),
            trials=points,
            finalists=self._held(finalists),
            running=self._held(running),
            evaluations=read.evaluations(engine, study.name),
            waiting=waiting_of(engine, study),
        )
        latest = self._latest(engine, study, points) if overview.alive else ()
        return StudyProgress.extend(overview, points=points, latest=latest)

    def _latest(self, engine: Engine, study: StudyRow, points: Sequence[TrialPoint]) -> tuple[tuple[float, float], ...]:
        """Arguments of `promised` from the trials that ended last."""
        ended = [point for point in in_order(points) if point.purpose.searched and point.state in _DONE]
        whole = [point.number for point in ended if point.state is TrialState.COMPLETED][-LOOK_BACK:]
        self._curves = {number: self._curves[number] for number in whole if number in self._curves}
        missing = [number for number in whole if number not in self._curves]
        for epoch in read.epochs_of(engine, study.name, missing) if missing else ():
            self._curves.setdefault(epoch.trial, []).append(epoch.map50_95)
        return tuple(at_horizon(ended[-LOOK_BACK:], self._curves, study.spec.rungs, study.spec.epochs))

    def _follow(self, engine: Engine, name: str) -> tuple[TrialPoint, ...]:
        again = [number for number, point in self._points.items() if point.state in RESUMABLE]
        for point in read.outline(engine, name, after=max(self._points, default=-1), again=again):
            self._points[point.number] = point
            self._rows.pop(point.number, None)
        return tuple(self._points.values())

    def _hold(self, engine: Engine, name: str, numbers: set[int]) -> None:
        self._rows = {number: row for number, row in self._rows.items() if number in numbers}
        missing = numbers - self._rows.keys()
        if missing:
            self._rows |= {row.number: row for row in read.trials_of(engine, name, missing)}

    def _held(self, numbers: set[int]) -> list[TrialRow]:
        return [self._rows[number] for number in sorted(numbers & self._rows.keys())]


def best_so_far(points: Sequence[TrialPoint], probe_s: float = 0.0) -> list[Rise]:
    """One entry for each trial that ended with a score, in the order in which trials ended.

    Repeats and failed trials add cost only; trials that still run add nothing.

    probe_s  slot-seconds that were spent before the first trial
    """
    spent_s, best_score, best_trial, rises = probe_s, float("-inf"), -1, []
    for point in in_order(points):
        spent_s += point.slot_s
        if point.score is None or not point.purpose.searched or point.state is TrialState.FAILED:
            continue
        if point.score > best_score:
            best_score, best_trial = point.score, point.number
        rises.append(Rise(spent_s, best_score, best_trial))
    return rises


def in_order(points: Sequence[TrialPoint]) -> list[TrialPoint]:
    """Trials that have ended, in that order."""
    ended = [point for point in points if point.ended_at is not None]
    return sorted(ended, key=lambda point: (point.ended_at or 0.0, point.number))
