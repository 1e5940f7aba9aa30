"""Sentences of verdicts, figures on unseen images and production trainings."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from automl import figures
from automl.figures import format_cost
from automl.records import EvaluationRow, StudyRow, TrialRow, TrialState
from automl.scores.halving import last_epochs
from automl.scores.leaderboard import Verdict, gain, nothing_learnt
from automl.scores.trust import CLAIM, TIE


def score_in_words(horizon: int) -> str:
    """What a score is, as in 'the mean of a trial's last 5 epochs'."""
    last = last_epochs(horizon)
    return f"the mean of a trial's last {last} epochs" if last > 1 else "a trial's last epoch"


def verdict_in_words(decided: Verdict) -> str:
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


def missing_in_words(study: StudyRow) -> str:
    """That the production training which was asked for has not been done, and how to do it; for an ended study."""
    why = study.reason.rpartition("; ")[2]
    return (
        f"The production training (--train {study.spec.train}) was not done: {why}. Do it with: automl export "
        f"{shlex.quote(study.name)} --epochs {study.spec.train} -o hyp.yaml, then yolo detect train cfg=hyp.yaml"
    )


def named(number: int) -> str:
    """A trial in a sentence."""
    return f"trial {number}" if number else "the defaults"


def production_in_words(row: TrialRow, device: str, evaluations: Iterable[EvaluationRow] = ()) -> str:
    """What the production training has reached, in a sentence. No gain: no other training was as long.

    device  "gpu" or "cpu": what its cost is counted in
    """
    told = f"Production (trial {row.number}): {named(row.repeats or 0)} trained for {row.done_epochs} of {row.epochs} "
    told += f"epochs, {format_cost(row.slot_s, device)}"
    if row.state in (TrialState.RUNNING, TrialState.INTERRUPTED):
        return f"{told} so far: best epoch {figures.score(row.best_map50_95)} on val."
    if row.best_map50_95 is not None:
        told += f": best epoch {figures.score(row.best_map50_95)} on val (epoch {row.best_epoch}, one seed)"
    found = next((each for each in evaluations if each.trial == row.number), None)
    if found is not None:
        told += f", {unseen_in_words(found)} ({found.split})"
    if row.state is TrialState.COMPLETED and row.done_epochs < row.epochs:
        told += f"; it ended there, since {row.reason}"
    ended = {TrialState.CUT: f". It was cut: {row.reason}.", TrialState.FAILED: f". It failed: {row.reason}."}
    return told + ended.get(row.state, ".")
