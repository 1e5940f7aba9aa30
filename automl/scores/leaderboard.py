"""Which trial is best: one rule, for a search that runs and for stored rows. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl.records import Params, ParamValue, Purpose, TrialPoint, TrialRow, TrialState
from automl.scores.halving import final
from automl.scores.trust import TIE, Estimate, estimates
from automl.scores.trust import winner as trust_winner

LEARNT = 0.01  # mAP50-95 below which a whole training has learnt nothing to speak of
FEW = 5  # a winner without repeats is among so many of the best


def score(scores: Sequence[float], horizon: int) -> float | None:
    """A trial's score, the mean mAP50-95 of its last epochs, see `halving.final`; None before the first."""
    return final(scores, horizon) if scores else None


def place(number: int, score: float, *, completed: bool = True) -> tuple[float, bool, int]:
    """What sorts trials, best first: by score, of equals full trainings first, then by number.

    Scores that agree to nine digits are equal: a database adds up in another order than this program does.
    """
    return (-round(score, 9), not completed, number)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """What decides whether a trial is taken home. A failed trial is none."""

    number: int
    score: float
    best: float  # of a single epoch, which best.pt holds: what a repeat counts with
    completed: bool  # whether it reached its last epoch
    repeats: int | None = None


def choose(contenders: Iterable[Contender]) -> int | None:
    """The trial to take home; None where there is none.

    What repeats with other seeds decided. Without them the best score of the completed trials, or the defaults
    where that is a tie with them; of all trials while none is completed.
    """
    contenders = list(contenders)
    runs = _repeated(contenders)
    if runs:
        return trust_winner(estimates(runs))
    first = [each for each in contenders if each.repeats is None]
    whole = [each for each in first if each.completed] or first
    if not whole:
        return None
    top = min(whole, key=lambda each: place(each.number, each.score, completed=each.completed))
    tied = any(each.number == 0 and top.score - each.score < TIE for each in whole)
    return 0 if tied else top.number


def _repeated(contenders: Iterable[Contender]) -> dict[int, list[float]]:
    """Best epochs of whole runs that no search selected, by configuration; empty unless there are some to compare.

    The best epoch is what a new training's best.pt will hold: the figure to expect, where the score compares. Of the
    defaults their first run counts too: nobody selected it. Of the others only repeats count, since the score for
    which they were chosen is optimistic.
    """
    runs: dict[int, list[float]] = {}
    for each in contenders:
        of = each.number if each.number == 0 else each.repeats
        if of is not None and each.completed:
            runs.setdefault(of, []).append(each.best)
    return runs if 0 in runs and len(runs) > 1 else {}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the repeats with other seeds decided.

    The winner is the best confirmed mean of those trials that beat the defaults with a chance of at least 90 %;
    where none does, the defaults, trial 0.
    """

    winner: int
    estimates: tuple[Estimate, ...]  # the defaults and every repeated trial, best mean first
    cost_s: float  # slot-seconds of the repeats

    def of(self, trial: int) -> Estimate | None:
        """The trial's estimate; None for one that was not repeated."""
        return next((each for each in self.estimates if each.trial == trial), None)

    @property
    def best(self) -> Estimate:
        """What to say of the repeats: the winner's, else that of the best mean beside the defaults."""
        return next(each for each in self.estimates if each.trial != 0 and self.winner in (0, each.trial))


def verdict(rows: Iterable[TrialRow]) -> Verdict | None:
    """The winner by the repeats that reached their last epoch; None where no trial was repeated."""
    rows = list(rows)
    runs = _repeated(_contenders(rows))
    if not runs:
        return None
    found = estimates(runs)
    return Verdict(
        winner=trust_winner(found),
        estimates=found,
        cost_s=sum(row.slot_s for row in rows if row.purpose is Purpose.CONFIRMATION),
    )


def rival(rows: Iterable[TrialRow]) -> TrialRow | None:
    """The best completed trial beside the defaults."""
    return next((row for row in rank(rows) if row.number and row.state is TrialState.COMPLETED), None)


def nothing_learnt(row: TrialRow) -> bool:
    """Whether a training's best epoch is so low that no other can be told from it."""
    return (row.best_map50_95 or 0.0) < LEARNT


def winner(rows: Iterable[TrialRow]) -> TrialRow | None:
    """The trial to take home, as `choose` names it; None before any trial has a score."""
    rows = list(rows)
    chosen = choose(_contenders(rows))
    return next((row for row in rows if row.number == chosen), None)


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
        if row.purpose is not Purpose.PRODUCTION  # of another length: it tells nothing of the choice
    ]


def finalists(points: Iterable[TrialPoint | TrialRow]) -> set[int]:
    """Numbers of the trials whose rows name the winner and prove it.

    The defaults, repeats and what they repeat, the best few of all trials and of the completed ones.
    """
    points = list(points)
    own = [
        point
        for point in points
        if point.score is not None and point.state is not TrialState.FAILED and point.repeats is None
    ]
    found = {point.number for point in points if point.number == 0}
    for point in points:
        if point.repeats is not None:
            found |= {point.number, point.repeats}
    for those in (own, [point for point in own if point.state is TrialState.COMPLETED]):
        best = heapq.nsmallest(FEW, those, key=lambda point: place(point.number, point.score or 0.0))
        found |= {point.number for point in best}
    return found


def rank(rows: Iterable[TrialRow]) -> list[TrialRow]:
    """Trials with a score in the order of `place`.

    Repeats are folded into the trial that they repeat: they have no place of their own.
    """
    known = {row.number: row for row in rows}
    first = [each for each in _contenders(known.values()) if each.repeats is None]
    ranked = sorted(first, key=lambda each: place(each.number, each.score, completed=each.completed))
    return [known[each.number] for each in ranked]


def production_of(rows: Iterable[TrialRow]) -> TrialRow | None:
    """The latest production training, when one has begun: a study is resumed with a new one where the first failed."""
    return max((row for row in rows if row.purpose is Purpose.PRODUCTION), key=lambda row: row.number, default=None)


def baseline_of(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Trial 0, when it has begun."""
    return next((row for row in rows if row.number == 0), None)


def gain(row: TrialRow, baseline: TrialRow | None) -> float | None:
    """The score above the baseline's, as a difference of fractions; None before both have one."""
    if baseline is None or baseline.score is None or row.score is None:
        return None
    return row.score - baseline.score


def gain_shown(row: TrialRow, baseline: TrialRow | None) -> float | None:
    """The gain as a table may show it: of whole trainings only, since epochs of other stages do not compare."""
    whole = row.state is TrialState.COMPLETED and baseline is not None and baseline.state is TrialState.COMPLETED
    return gain(row, baseline) if whole and row.number else None


def changed(row: TrialRow, baseline: TrialRow | None) -> dict[str, ParamValue]:
    """The parameters in which a trial differs from the baseline."""
    before: Params = baseline.params if baseline is not None else {}
    return {key: value for key, value in row.params.items() if key not in before or before[key] != value}
