"""Ranking of trials and the winner among them: pure functions over stored rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl.records import EvaluationRow, Params, ParamValue, TrialRow, TrialState
from automl.trust import CLAIM, TIE, Estimate, estimates
from automl.trust import winner as trust_winner


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


def unseen_in_words(row: EvaluationRow, digits: int = 3) -> str:
    """A figure on unseen images with what these images say of it, as the end of a sentence."""
    if row.map50_95 != row.map50_95:
        return "nothing: it could not be measured on unseen images"
    told = f"{row.map50_95:.{digits}f}"
    if row.low is not None and row.high is not None:
        told += f" [{row.low:.{digits}f}, {row.high:.{digits}f}]"
    told += f" on {row.images} unseen images"
    if row.gain is None or row.gain_low is None or row.gain_high is None or row.chance is None:
        return told
    between = f"[{row.gain_low:+.{digits}f}, {row.gain_high:+.{digits}f}]"
    told += f", {row.gain:+.{digits}f} {between} against the defaults, {odds(row.chance)} chance of a gain"
    return told + ": these images cannot tell them apart" * (row.gain_low <= 0 <= row.gain_high)


def verdict_on_unseen(rows: Iterable[EvaluationRow]) -> str:
    """Whether the winner is better than the defaults on unseen images too; empty where one was not measured.

    rows  of one split
    """
    found = {row.trial: row for row in rows if row.map50_95 == row.map50_95}
    if 0 not in found or len(found) < 2:
        return ""
    row = next(row for number, row in found.items() if number)
    if row.gain is None or row.gain_low is None:
        return _verdict_without_interval(row, row.map50_95 - found[0].map50_95)
    told = f"Trial {row.trial} scored {unseen_in_words(row)} ({row.split}; 90 % intervals over the images)."
    if (row.gain_high or 0.0) < 0:
        return f"{told} What it gained on val is not confirmed."
    return told + " Two seeds of one recipe differ by as much." * (row.gain_low > 0 and row.gain < TIE)


def _verdict_without_interval(row: EvaluationRow, above: float) -> str:
    where = f"On {row.split}, which the search never saw, trial {row.trial}"
    if above <= 0:
        return f"{where} does not beat the defaults ({above:+.3f}): what it gained on val is not confirmed."
    doubt = f", within what two seeds of one recipe differ by on {row.images} images: take it for a tie" * (above < TIE)
    return f"{where} is {above:+.3f} above the defaults{doubt}."


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
