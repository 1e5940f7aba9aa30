"""A study at a glance, read without loading every trial's parameters: what the page opens with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from automl.costs.budget import Budget, Ledger, parse_all
from automl.policy.history import at_horizon
from automl.records import EvaluationRow, Purpose, StudyRow, StudyState, TrialPoint, TrialRow, TrialState
from automl.reports.report import is_dead, spent_by_purpose
from automl.scores import leaderboard
from automl.scores.ending import LOOK_BACK, promised
from automl.scores.leaderboard import Verdict
from automl.scores.trust import Estimate
from automl.store import read
from automl.store.engine import together

if TYPE_CHECKING:
    from sqlalchemy import Engine

_DONE = (TrialState.COMPLETED, TrialState.STOPPED, TrialState.CUT)
_GO_ON = (TrialState.RUNNING, TrialState.INTERRUPTED)


class Rise(NamedTuple):
    """The best score so far when a trial ended."""

    spent_s: float  # slot-seconds
    score: float  # mean mAP50-95 of the trial's last epochs
    trial: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """How good the best is, what it cost and whether it is worth waiting."""

    study: StudyRow
    alive: bool  # whether its driver was heard of lately
    points: tuple[TrialPoint, ...]  # every trial, by number
    running: tuple[TrialRow, ...]
    baseline: TrialRow | None
    winner: TrialRow | None  # to take home, as `automl export` would
    rival: TrialRow | None  # the best completed trial beside the defaults
    verdict: Verdict | None  # what repeats with other seeds decided so far
    evaluations: tuple[EvaluationRow, ...]
    share_spent: float  # of the budget that is nearest to its end
    spent_s: Mapping[str, float]  # slot-seconds by purpose
    planned_s: Mapping[str, float]
    production: TrialRow | None = None  # the longer training of what is taken home, where one was asked for
    latest: tuple[tuple[float, float], ...] = ()  # score at the horizon and slot-seconds of those that ended last

    @property
    def states(self) -> Mapping[str, int]:
        """Number of trials by state."""
        return {state.value: count for state, count in Counter(point.state for point in self.points).items()}

    @cached_property
    def rises(self) -> Sequence[Rise]:
        """How the best score rose with what was spent, the probe included; see `incumbent`."""
        return incumbent(self.points, self.study.spec.probe_s)

    def estimate(self, row: TrialRow | None) -> Estimate | None:
        """What repeats with other seeds say of a trial; None where it did not run again."""
        return self.verdict.of(row.number) if self.verdict is not None and row is not None else None

    def figure(self, row: TrialRow | None) -> float | None:
        """mAP50-95 on val as a trial's figure: the mean over seeds where it ran again, else its only run's score."""
        found = self.estimate(row)
        return found.score.mean if found is not None else row.score if row is not None else None

    def seeds(self, row: TrialRow) -> int:
        """How many runs that figure is of."""
        found = self.estimate(row)
        return 1 if found is None else found.seeds

    @property
    def gain(self) -> float | None:
        """mAP50-95 of what is taken home above the defaults, as the figures show it; None for the defaults."""
        winner, base = self.winner, self.baseline
        if winner is None or base is None or winner.number == 0:
            return None
        found = self.estimate(winner)
        return found.gain.mean if found is not None and found.gain is not None else leaderboard.gain_shown(winner, base)

    @property
    def left_s(self) -> float | None:
        """Wall seconds until the budget is spent at today's pace; None where nothing runs or nothing is spent."""
        if not self.alive or self.share_spent <= 0.0:
            return None
        left_s = self.study.wall_s * max(0.0, 1.0 - self.share_spent) / self.share_spent
        if any(budget.slot_s is None for budget in self._budgets):
            return left_s
        made_s = self.spent_s.get(Purpose.PRODUCTION.value, 0.0)
        one_by_one_s = max(0.0, self.planned_s.get(Purpose.PRODUCTION.value, 0.0) - made_s)  # on one slot
        slots = max(1.0, self.study.slot_s / self.study.wall_s) if self.study.wall_s else 1.0
        return left_s + one_by_one_s * (1.0 - 1.0 / slots)

    @cached_property
    def _budgets(self) -> tuple[Budget, ...]:
        return parse_all(self.study.spec.budgets, self.study.spec.slots.device)

    @property
    def expected_gain(self) -> float | None:
        """By how much mAP50-95 the rest of the search's share is expected to raise the best score, in fractions.

        As the search itself judges whether it goes on, but for what `at_horizon` says of stopped trials, and with
        what is left told from today's pace. None before so many trials have ended, once repeats have begun, or
        where nothing runs.
        """
        if self.left_s is None or any(each.repeats is not None for each in self.points):
            return None
        best = max((each.score or 0.0 for each in self.points if each.state is TrialState.COMPLETED), default=None)
        if best is None:
            return None
        left_s = self.study.slot_s * (1.0 - self.share_spent) / self.share_spent
        spec, kept_s = self.study.spec, self.planned_s.get(Purpose.PRODUCTION.value, 0.0)
        idle = spec.slots.count if any(budget.wall_s for budget in self._budgets) else 1  # beside it within wall time
        left_s = max(0.0, left_s - kept_s * idle - spec.reserve_s - spec.measuring_s)
        return promised(self.latest, best, left_s)


class Watch:
    """A study that is looked at again and again. A look reads what is new, and keeps the rest; many may share one.

    A trial that has ended changes no more, but for an interrupted one, which goes on when its study is resumed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._points: dict[int, TrialPoint] = {}
        self._rows: dict[int, TrialRow] = {}  # those that an overview shows whole
        self._curves: dict[int, list[float]] = {}  # mAP50-95 by epoch of the trials that were completed last
        self._final: list[TrialRow] = []
        self._judged: tuple[TrialRow | None, Verdict | None] = (None, None)
        self._last: Overview | None = None

    def look(self, engine: Engine, row: StudyRow) -> Overview:
        """The study as it stands in the database now; `row` was read just before."""
        with self._lock:
            if self._last is None or row.state is StudyState.RUNNING or self._last.study != row:
                with together(engine):
                    self._last = self._overview(engine, row)
            return self._last

    def _overview(self, engine: Engine, row: StudyRow) -> Overview:
        points = self._follow(engine, row.name)
        running = {p.number for p in points if p.state is TrialState.RUNNING and row.state is StudyState.RUNNING}
        finalists = leaderboard.finalists(points)
        self._hold(engine, row.name, finalists | running)
        self._judge([self._rows[number] for number in sorted(finalists & self._rows.keys())])
        winner, verdict = self._judged
        evaluations = tuple(read.evaluations(engine, row.name))
        ledger = Ledger(parse_all(row.spec.budgets, row.spec.slots.device))
        ledger.charge(None, row.slot_s)
        alive = row.state is StudyState.RUNNING and not is_dead(row)
        return Overview(
            study=row,
            alive=alive,
            points=points,
            running=tuple(self._rows[number] for number in sorted(running & self._rows.keys())),
            baseline=leaderboard.baseline_of(self._final),
            winner=winner,
            rival=leaderboard.rival(self._final),
            verdict=verdict,
            production=leaderboard.production_of(self._final),
            evaluations=evaluations,
            share_spent=ledger.share_spent(row.wall_s, len(points)),
            spent_s=spent_by_purpose(row, points, evaluations),
            planned_s=row.spec.plan.get("shares", {}),
            latest=self._latest(engine, row, points) if alive else (),
        )

    def _latest(self, engine: Engine, row: StudyRow, points: Sequence[TrialPoint]) -> tuple[tuple[float, float], ...]:
        """What `promised` asks of the trials that ended last."""
        ended = [each for each in in_order(points) if each.repeats is None and each.state in _DONE]
        whole = [each.number for each in ended if each.state is TrialState.COMPLETED][-LOOK_BACK:]
        self._curves = {number: self._curves[number] for number in whole if number in self._curves}
        missing = [number for number in whole if number not in self._curves]
        for epoch in read.epochs_of(engine, row.name, missing) if missing else ():
            self._curves.setdefault(epoch.trial, []).append(epoch.map50_95)
        return tuple(at_horizon(ended[-LOOK_BACK:], self._curves, row.spec.rungs, row.spec.epochs))

    def _judge(self, final: list[TrialRow]) -> None:
        """Names the winner, where something has changed among those that could be it."""
        if final != self._final:
            self._final = final
            self._judged = (leaderboard.winner(final), leaderboard.verdict(final))

    def _follow(self, engine: Engine, name: str) -> tuple[TrialPoint, ...]:
        again = [number for number, point in self._points.items() if point.state in _GO_ON]
        for point in read.outline(engine, name, after=max(self._points, default=-1), again=again):
            self._points[point.number] = point
            self._rows.pop(point.number, None)
        return tuple(self._points.values())

    def _hold(self, engine: Engine, name: str, numbers: set[int]) -> None:
        self._rows = {number: row for number, row in self._rows.items() if number in numbers}
        missing = numbers - self._rows.keys()
        if missing:
            self._rows |= {row.number: row for row in read.trials_of(engine, name, missing)}


def incumbent(points: Sequence[TrialPoint], probe_s: float = 0.0) -> list[Rise]:
    """Slot-seconds spent, the best score so far and its trial: one entry for each trial that ended with a score.

    In the order in which trials ended. Repeats and failures cost, and score nothing; trials that still run do neither.

    probe_s  slot-seconds that were spent before the first trial
    """
    spent_s, best_score, best_trial, rises = probe_s, float("-inf"), -1, []
    for point in in_order(points):
        spent_s += point.slot_s
        if point.score is None or point.repeats is not None or point.state is TrialState.FAILED:
            continue
        if point.score > best_score:
            best_score, best_trial = point.score, point.number
        rises.append(Rise(spent_s, best_score, best_trial))
    return rises


def in_order(points: Sequence[TrialPoint]) -> list[TrialPoint]:
    """The trials that have ended, in the order in which they did."""
    gone = [each for each in points if each.ended_at is not None]
    return sorted(gone, key=lambda each: (each.ended_at or 0.0, each.number))
