"""Ranking of trials and the winner among them: pure functions over stored rows."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl.records import Params, ParamValue, TrialPoint, TrialRow, TrialState
from automl.trust import CLAIM, TIE, Estimate, estimates
from automl.trust import winner as trust_winner

FEW = 5  # a winner without repeats is among so many of the best


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the repeats with other seeds decided.

    The winner is the trial with the best confirmed mean, if the chance that it beats the defaults is at
    least 90 %; else the defaults, trial 0.
    """

    winner: int
    estimates: tuple[Estimate, ...]  # the defaults and every repeated trial, best mean first
    cost_s: float  # slot-seconds of the repeats

    def of(self, trial: int) -> Estimate | None:
        """The trial's estimate; None for one that was not repeated."""
        return next((each for each in self.estimates if each.trial == trial), None)

    @property
    def best(self) -> Estimate:
        """The repeated trial with the best mean, whether it beats the defaults or not."""
        return next(each for each in self.estimates if each.trial != 0)


def verdict(rows: Iterable[TrialRow]) -> Verdict | None:
    """The winner by the repeats that reached their last epoch; None where no trial was repeated.

    Of the defaults their first run counts too: nobody selected it. Of the others only repeats count, since
    the score for which they were chosen is optimistic.
    """
    rows = list(rows)
    runs: dict[int, list[float]] = {}
    for row in rows:
        of = row.number if row.number == 0 else row.repeats
        if of is not None and row.state is TrialState.COMPLETED and row.best_map50_95 is not None:
            runs.setdefault(of, []).append(row.best_map50_95)
    if 0 not in runs or len(runs) == 1:
        return None
    found = estimates(runs)
    return Verdict(
        winner=trust_winner(found),
        estimates=found,
        cost_s=sum(row.slot_s for row in rows if row.repeats is not None),
    )


def in_words(decided: Verdict) -> str:
    """The winner with its interval and its chance, or that the defaults are as good, in sentences."""
    best, base = decided.best, decided.of(0)
    assert base is not None, "a verdict holds the defaults"
    assert best.gain is not None, "and a trial that ran again"
    assert best.chance is not None
    chance = odds(best.chance)
    defaults = f"{base.score.mean:.3f} ± {base.score.half:.3f} over {_seeds(base.seeds)}"
    theirs = f"{best.score.mean:.3f} ± {best.score.half:.3f} over {_seeds(best.seeds, 'new ')}"
    if decided.winner:
        return (
            f"The winner is trial {best.trial}: mAP50-95 {theirs} on val (90 % interval), "
            f"{best.gain.mean:+.3f} [{best.gain.low:+.3f}, {best.gain.high:+.3f}] against the defaults' {defaults}. "
            f"The chance that it beats them is {chance}."
        )
    return (
        f"The defaults are as good: mAP50-95 {defaults} on val (90 % interval), against {theirs} of trial "
        f"{best.trial}, the best that ran again. The chance that it beats them is {chance}; a winner is named "
        f"from {CLAIM:.0%} on."
    )


def odds(chance: float) -> str:
    """A chance in whole percents, never as a certainty."""
    if 0.01 <= chance <= 0.99:
        return f"{chance:.0%}"
    return "over 99%" if chance > 0.5 else "under 1%"


def _seeds(count: int, kind: str = "") -> str:
    return f"{count} {kind}seed{'s' if count > 1 else ''}"


def winner(rows: Iterable[TrialRow]) -> TrialRow | None:
    """The trial to take home: the confirmed winner, or the defaults where none beats them.

    Without repeats it is the best score of the completed trials, or the defaults where it is a tie with them; of
    all trials while none is completed. None before any trial has a score.
    """
    rows = list(rows)
    decided, ranked = verdict(rows), rank(rows)
    if decided is None:
        whole = [row for row in ranked if row.state is TrialState.COMPLETED] or ranked
        base = baseline_of(whole)
        above = gain(whole[0], base) if whole else None
        return base if above is not None and above < TIE else next(iter(whole), None)
    return next(row for row in rows if row.number == decided.winner)


def finalists(points: Iterable[TrialPoint]) -> set[int]:
    """Numbers of the trials whose rows name the winner and prove it.

    The defaults, repeats and what they repeat, the best few of all trials and of the completed ones.
    """
    points = list(points)
    own = [
        point
        for point in points
        if point.best_map50_95 is not None and point.state is not TrialState.FAILED and point.repeats is None
    ]
    found = {point.number for point in points if point.number == 0}
    for point in points:
        if point.repeats is not None:
            found |= {point.number, point.repeats}
    for those in (own, [point for point in own if point.state is TrialState.COMPLETED]):
        best = heapq.nsmallest(FEW, those, key=lambda point: (-(point.best_map50_95 or 0.0), point.number))
        found |= {point.number for point in best}
    return found


def rank(rows: Iterable[TrialRow]) -> list[TrialRow]:
    """Trials with a score, best mAP50-95 on val first; ties: full trainings first, then by number.

    Repeats are folded into the trial that they repeat: they have no place of their own.
    """
    scored = [
        row
        for row in rows
        if row.best_map50_95 is not None and row.state is not TrialState.FAILED and row.repeats is None
    ]
    return sorted(
        scored, key=lambda row: (-(row.best_map50_95 or 0.0), row.state is not TrialState.COMPLETED, row.number)
    )


def baseline_of(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Trial 0, when it has begun."""
    return next((row for row in rows if row.number == 0), None)


def gain(row: TrialRow, baseline: TrialRow | None) -> float | None:
    """mAP50-95 above the baseline's, as a difference of fractions; None before the baseline has scored."""
    if baseline is None or baseline.best_map50_95 is None or row.best_map50_95 is None:
        return None
    return row.best_map50_95 - baseline.best_map50_95


def changed(row: TrialRow, baseline: TrialRow | None) -> dict[str, ParamValue]:
    """The parameters in which a trial differs from the baseline."""
    before: Params = baseline.params if baseline is not None else {}
    return {key: value for key, value in row.params.items() if key not in before or before[key] != value}


def best_so_far(scores: Sequence[float]) -> list[float]:
    """The running maximum of scores in their order; NaN counts for nothing."""
    found: list[float] = []
    for score in scores:
        top = found[-1] if found else float("-inf")
        found.append(score if score > top else top)
    return found
