"""Which trial is best: one rule, for a search that runs and for stored rows. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl import figures
from automl.records import EvaluationRow, Params, ParamValue, Purpose, TrialPoint, TrialRow, TrialState
from automl.scores.halving import final, last_epochs
from automl.scores.trust import CLAIM, TIE, Estimate, estimates
from automl.scores.trust import winner as trust_winner

LEARNT = 0.01  # mAP50-95 below which a whole training has learnt nothing to speak of
FEW = 5  # a winner without repeats is among so many of the best


def score(scores: Sequence[float], horizon: int) -> float | None:
    """A trial's score, the mean mAP50-95 of its last epochs, see `halving.final`; None before the first."""
    return final(scores, horizon) if scores else None


def score_in_words(horizon: int) -> str:
    """What a score is, as in 'the mean of a trial's last 5 epochs'."""
    last = last_epochs(horizon)
    return f"the mean of a trial's last {last} epochs" if last > 1 else "a trial's last epoch"


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
    tied = best.gain.mean < TIE
    opening = "The defaults are as good" if tied else "No winner is proven, so the defaults are kept"
    return (
        f"{opening}: mAP50-95 {defaults} on val (90 % interval), against {theirs} of trial "
        f"{best.trial}, the best that ran again. The chance that it beats them is {chance}; a winner is named "
        f"from {CLAIM:.0%} on."
    )


def rival(rows: Iterable[TrialRow]) -> TrialRow | None:
    """The best completed trial beside the defaults."""
    return next((row for row in rank(rows) if row.number and row.state is TrialState.COMPLETED), None)


def nothing_learnt(row: TrialRow) -> bool:
    """Whether a training's best epoch is so low that no other can be told from it."""
    return (row.best_map50_95 or 0.0) < LEARNT


def one_seed_in_words(winner: TrialRow, rival: TrialRow | None, baseline: TrialRow) -> str:
    """What one seed each says of the trial to take home.

    rival  the best completed trial beside the defaults
    """
    base = figures.score(baseline.score)
    theirs = f"mAP50-95 of {base} on val"
    if nothing_learnt(winner) and winner.state is TrialState.COMPLETED:
        return (
            f"Nothing was learnt that can be told apart: after {winner.epochs} epochs the defaults are at {theirs}, "
            "and no training is far from it. Try more --epochs, a larger --imgsz, or --weights."
        )
    if winner.number and TrialState.COMPLETED not in (winner.state, baseline.state):
        own = figures.score(winner.score)
        return f"Trial {winner.number} leads so far with {own} on val; no training has reached its last epoch."
    if winner.number:
        return (
            f"Trial {winner.number} reached mAP50-95 {figures.score(winner.score)} on val, "
            f"{gain(winner, baseline):+.3f} against the defaults' {base}. One seed each, and the best of several is "
            "optimistic: a second seed would tell more."
        )
    if winner.state is not TrialState.COMPLETED:
        return f"The defaults lead so far with {theirs}; no trial has reached its last epoch."
    above = 0.0 if rival is None else gain(rival, baseline) or 0.0
    if rival is None:
        return f"Only the defaults have reached their last epoch: {theirs}, one seed."
    if above <= 0:
        return f"The defaults are as good: no trial beat their {theirs}, one seed each."
    return (
        f"The defaults are as good: trial {rival.number} is {above:+.3f} above their {theirs}. That is within what "
        "two seeds of one recipe differ by (about 0.01-0.02): take it for a tie."
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


def verdict_on_unseen(rows: Iterable[EvaluationRow], production: TrialRow | None = None) -> str:
    """Whether the winner is better than the defaults on unseen images too; empty where one was not measured.

    rows        of one split
    production  the production training, which is no match for the defaults' shorter one
    """
    beside = None if production is None else production.number
    found = {row.trial: row for row in rows if row.map50_95 == row.map50_95 and row.trial != beside}
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


def finalists(points: Iterable[TrialPoint]) -> set[int]:
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
