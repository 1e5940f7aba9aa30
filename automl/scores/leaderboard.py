"""Ranking and winner of trials: one rule for a running search and for stored rows. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from automl.records import Params, ParamValue, Purpose, TrialPoint, TrialRow, TrialState
from automl.scores.halving import final, last_epochs
from automl.scores.trust import TIE, Confidence, Estimate, delivered, estimates, scatter_of

LEARNT = 0.01  # mAP50-95 of a whole training that has learnt next to nothing
FEW = 5  # best trials without repeats that an overview shows


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
    last: float | None  # mAP50-95 of its last epoch
    epochs: int  # done: the horizon, once it is completed
    completed: bool  # True once it reached its last epoch
    repeats: int | None = None  # trial whose parameters it trained again


def choose(contenders: Iterable[Contender]) -> int | None:
    """Number of the winner; None without contenders.

    One rule for studies that run, have ended or were cut, with repeats or without: `trust.delivered` by all completed
    trials. While none is completed the best score of all leads, or the defaults if both are a tie.
    """
    contenders = list(contenders)
    ranked = estimates_of(contenders)
    if ranked:
        return delivered(ranked)
    originals = [trial for trial in contenders if trial.repeats is None]
    whole = [trial for trial in originals if trial.completed] or originals
    if not whole:
        return None
    top = min(whole, key=lambda trial: place(trial.number, trial.score, completed=trial.completed))
    tied = any(trial.number == 0 and top.score - trial.score < TIE for trial in whole)
    return 0 if tied else top.number


def estimates_of(contenders: Iterable[Contender]) -> tuple[Estimate, ...]:
    """Estimates by `trust.estimates` from all completed trials and their repeats, best mean first.

    Empty unless the defaults and another trial are completed and one of them has learnt anything.
    """
    whole = sorted((trial for trial in contenders if trial.completed), key=lambda trial: trial.number)
    runs = {trial.number: [trial.score] for trial in whole if trial.repeats is None}
    if 0 not in runs or len(runs) < 2 or max(trial.score for trial in whole) < LEARNT:
        return ()
    ends = [(trial.last, trial.score) for trial in whole if trial.repeats is None and trial.last is not None]
    for trial in whole:
        if trial.repeats is not None:
            runs.setdefault(trial.repeats, []).append(trial.score)
    return estimates(runs, scatter_of(ends, last_epochs(whole[0].epochs)))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Decision of the completed trials, by `trust.delivered`. Trial 0, the defaults, wins without a better one."""

    winner: int
    estimates: tuple[Estimate, ...]  # of the defaults, every repeated trial and the best others, best mean first
    cost_s: float  # slot-seconds of the repeats

    def __repr__(self) -> str:
        winner = f"trial {self.winner}" if self.winner else "the defaults"
        return f"<Verdict: {winner} of {len(self.estimates)} compared, {self.confidence.value}>"

    def of(self, trial: int) -> Estimate | None:
        """Estimate of the trial; None for one that is neither repeated nor among the best."""
        return next((row for row in self.estimates if row.trial == trial), None)

    @property
    def best(self) -> Estimate:
        """Estimate of the winner, or of the best mean beside the defaults if they win."""
        return next(row for row in self.estimates if row.trial != 0 and self.winner in (0, row.trial))

    @property
    def defaults(self) -> Estimate:
        """Estimate of the defaults."""
        return next(row for row in self.estimates if row.trial == 0)

    @property
    def confidence(self) -> Confidence:
        """What may be said of `best` against the defaults."""
        return self.best.confidence

    @property
    def repeated(self) -> bool:
        """True if any recipe was trained with a new seed."""
        return any(row.new_seeds for row in self.estimates)


def verdict(rows: Iterable[TrialPoint | TrialRow]) -> Verdict | None:
    """Verdict of all trials that reached their last epoch; None where `estimates_of` has none."""
    rows = list(rows)
    ranked = estimates_of(_contenders(rows))
    if not ranked:
        return None
    return Verdict(
        winner=delivered(ranked),
        estimates=ranked,
        cost_s=sum(row.slot_s for row in rows if row.purpose is Purpose.CONFIRMATION),
    )


def nothing_learnt(row: TrialRow) -> bool:
    """True if a training's best epoch is too low to be compared with others."""
    return (row.best_map50_95 or 0.0) < LEARNT


def winner(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Winner by the rule of `choose`, from all rows of a study; None before any trial has a score."""
    rows = list(rows)
    number = winning(rows)
    return next((row for row in rows if row.number == number), None)


def winning(rows: Iterable[TrialPoint | TrialRow]) -> int | None:
    """Number of the winner by the rule of `choose`, from all trials of a study."""
    return choose(_contenders(rows))


def _contenders(rows: Iterable[TrialPoint | TrialRow]) -> list[Contender]:
    return [
        Contender(
            number=row.number,
            score=row.score,
            last=row.last_map50_95,
            epochs=row.done_epochs,
            completed=row.state is TrialState.COMPLETED,
            repeats=row.repeats,
        )
        for row in rows
        if row.score is not None and row.state is not TrialState.FAILED
        if row.purpose is not Purpose.PRODUCTION  # of another length: its score does not compare
    ]


def finalists(points: Iterable[TrialPoint | TrialRow]) -> set[int]:
    """Numbers of the trials that an overview shows whole; the winner is among them.

    The defaults, repeats and the trials that they repeat, the best FEW of all others, and of the completed ones.
    """
    points = list(points)
    numbers = {point.number for point in points if point.number == 0}
    for point in points:
        if point.repeats is not None:
            numbers |= {point.number, point.repeats}
    others = [
        point
        for point in points
        if point.score is not None and point.state is not TrialState.FAILED and point.purpose.searched
        if point.number not in numbers
    ]
    for group in (others, [point for point in others if point.state is TrialState.COMPLETED]):
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
