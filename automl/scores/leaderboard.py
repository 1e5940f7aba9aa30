"""Ranking and winner of trials: one rule for a running search and for stored rows. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from automl.records import Params, ParamValue, Purpose, TrialPoint, TrialRow, TrialState
from automl.scores.halving import final
from automl.scores.trust import TIE, Estimate, estimates
from automl.scores.trust import winner as trust_winner

LEARNT = 0.01  # mAP50-95 of a whole training that has learnt next to nothing
FEW = 5  # best trials among which a winner without repeats lies


def score(scores: Sequence[float], horizon: int) -> float | None:
    """Score of a trial by `halving.final`, the mean mAP50-95 of its last epochs; None before the first epoch."""
    return final(scores, horizon) if scores else None


class Place(NamedTuple):
    """Sort key of a trial: the best trial has the smallest."""

    loss: float  # score with its sign turned
    unfinished: bool
    number: int


def place(number: int, score: float, *, completed: bool = True) -> Place:
    """Place of a trial: by score; of equals full trainings first, then by number.

    Scores that agree to nine digits are equal: a database adds up in another order than this program does.
    """
    return Place(-round(score, 9), not completed, number)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A trial that may be the winner. Failed trials may not."""

    number: int
    score: float
    best: float  # score of its best epoch, which best.pt holds; counts in repeats
    completed: bool  # True once it reached its last epoch
    repeats: int | None = None  # trial whose parameters it trained again


def choose(contenders: Iterable[Contender]) -> int | None:
    """Number of the winner; None without contenders.

    Repeats with other seeds decide. Without them the best score of the completed trials wins, or the defaults if
    both are a tie; while no trial is completed, the best score of all.
    """
    contenders = list(contenders)
    runs = _repeated(contenders)
    if runs:
        return trust_winner(estimates(runs))
    originals = [trial for trial in contenders if trial.repeats is None]
    whole = [trial for trial in originals if trial.completed] or originals
    if not whole:
        return None
    top = min(whole, key=lambda trial: place(trial.number, trial.score, completed=trial.completed))
    tied = any(trial.number == 0 and top.score - trial.score < TIE for trial in whole)
    return 0 if tied else top.number


def _repeated(contenders: Iterable[Contender]) -> dict[int, list[float]]:
    """Best epochs of whole runs that no search selected, by configuration.

    Empty unless the defaults and another configuration have one.

    The best epoch is what best.pt of a new training will hold. The first run of the defaults counts too, since no
    search selected it. Of other trials only repeats count: the score that selected them is optimistic.
    """
    runs: dict[int, list[float]] = {}
    for trial in contenders:
        configuration = trial.number if trial.number == 0 else trial.repeats
        if configuration is not None and trial.completed:
            runs.setdefault(configuration, []).append(trial.best)
    return runs if 0 in runs and len(runs) > 1 else {}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Decision of the repeats with other seeds.

    The winner has the best repeated mean of those trials that beat the defaults with a chance of at least
    `trust.CLAIM`. If none does, the defaults win: trial 0.
    """

    winner: int
    estimates: tuple[Estimate, ...]  # the defaults and every repeated trial, best mean first
    cost_s: float  # slot-seconds of the repeats

    def of(self, trial: int) -> Estimate | None:
        """Estimate of the trial; None for one that was not repeated."""
        return next((row for row in self.estimates if row.trial == trial), None)

    @property
    def best(self) -> Estimate:
        """Estimate of the winner, or of the best mean beside the defaults if they win."""
        return next(row for row in self.estimates if row.trial != 0 and self.winner in (0, row.trial))


def verdict(rows: Iterable[TrialRow]) -> Verdict | None:
    """Verdict of the repeats that reached their last epoch; None if no trial was repeated."""
    rows = list(rows)
    runs = _repeated(_contenders(rows))
    if not runs:
        return None
    ranked = estimates(runs)
    return Verdict(
        winner=trust_winner(ranked),
        estimates=ranked,
        cost_s=sum(row.slot_s for row in rows if row.purpose is Purpose.CONFIRMATION),
    )


def rival(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Best completed trial beside the defaults; None without one."""
    return next((row for row in rank(rows) if row.number and row.state is TrialState.COMPLETED), None)


def nothing_learnt(row: TrialRow) -> bool:
    """True if a training's best epoch is too low to be compared with others."""
    return (row.best_map50_95 or 0.0) < LEARNT


def winner(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Winner by the rule of `choose`; None before any trial has a score."""
    rows = list(rows)
    number = choose(_contenders(rows))
    return next((row for row in rows if row.number == number), None)


def _contenders(rows: Iterable[TrialRow]) -> list[Contender]:
    return [
        Contender(
            number=row.number,
            score=row.score,
            best=row.best_map50_95,
            completed=row.state is TrialState.COMPLETED,
            repeats=row.repeats,
        )
        for row in rows
        if row.score is not None and row.best_map50_95 is not None and row.state is not TrialState.FAILED
        if row.purpose is not Purpose.PRODUCTION  # of another length: its score does not compare
    ]


def finalists(points: Iterable[TrialPoint | TrialRow]) -> set[int]:
    """Numbers of the trials that suffice to name the winner and to prove it.

    The defaults, repeats and the trials that they repeat, the best FEW of all trials and of the completed ones.
    """
    points = list(points)
    originals = [
        point
        for point in points
        if point.score is not None and point.state is not TrialState.FAILED and point.purpose.searched
    ]
    numbers = {point.number for point in points if point.number == 0}
    for point in points:
        if point.repeats is not None:
            numbers |= {point.number, point.repeats}
    for group in (originals, [point for point in originals if point.state is TrialState.COMPLETED]):
        best = heapq.nsmallest(FEW, group, key=lambda point: place(point.number, point.score or 0.0))
        numbers |= {point.number for point in best}
    return numbers


def rank(rows: Iterable[TrialRow]) -> list[TrialRow]:
    """Trials with a score in the order of `place`, without repeats and the production training."""
    by_number = {row.number: row for row in rows}
    originals = [trial for trial in _contenders(by_number.values()) if trial.repeats is None]
    ranked = sorted(originals, key=lambda trial: place(trial.number, trial.score, completed=trial.completed))
    return [by_number[trial.number] for trial in ranked]


def production_of(rows: Iterable[TrialRow], winner: TrialRow | None = None) -> TrialRow | None:
    """The winner's best production training, else the latest of any recipe; None before one has begun."""
    trained = [row for row in rows if row.purpose is Purpose.PRODUCTION]
    own = [row for row in trained if winner is not None and row.repeats == winner.number]
    if own:
        return max(own, key=lambda row: (row.state is not TrialState.FAILED, row.best_map50_95 or 0.0, row.number))
    return max(trained, key=lambda row: row.number, default=None)


def baseline_of(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Trial 0; None before it has begun."""
    return next((row for row in rows if row.number == 0), None)


def gain(row: TrialRow, baseline: TrialRow | None) -> float | None:
    """Score less that of the baseline, as a fraction; None before both have one."""
    if baseline is None or baseline.score is None or row.score is None:
        return None
    return row.score - baseline.score


def gain_shown(row: TrialRow, baseline: TrialRow | None) -> float | None:
    """Gain as a table shows it: of whole trainings only, since scores after fewer epochs do not compare."""
    whole = row.state is TrialState.COMPLETED and baseline is not None and baseline.state is TrialState.COMPLETED
    return gain(row, baseline) if whole and row.number else None


def changed(row: TrialRow, baseline: TrialRow | None) -> dict[str, ParamValue]:
    """Parameters in which a trial differs from the baseline."""
    before: Params = baseline.params if baseline is not None else {}
    return {key: value for key, value in row.params.items() if key not in before or before[key] != value}
