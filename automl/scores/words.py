"""Sentences for verdicts, figures on unseen images and production trainings."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable

from automl import figures
from automl.figures import format_cost
from automl.records import EvaluationRow, StudyRow, TrialRow, TrialState
from automl.scores.halving import last_epochs
from automl.scores.leaderboard import Verdict, gain, nothing_learnt
from automl.scores.trust import CLAIM, TIE, Interval

_NOT_CONFIRMED = "the gain on val is not confirmed"


def trial_name(number: int) -> str:
    """'trial 3', or 'the defaults' for trial 0."""
    return f"trial {number}" if number else "the defaults"


def score_definition(horizon: int) -> str:
    """Meaning of a score, as in 'the mean of a trial's last 5 epochs'."""
    last = last_epochs(horizon)
    return f"the mean of a trial's last {last} epochs" if last > 1 else "a trial's last epoch"


def chance_text(chance: float) -> str:
    """A chance in whole percents, never as a certainty."""
    if 0.01 <= chance <= 0.99:
        return f"{chance:.0%}"
    return "over 99%" if chance > 0.5 else "under 1%"


def interval_text(interval: Interval, digits: int = 3) -> str:
    """Mean and half-width, as '0.499 ± 0.009'."""
    return f"{interval.mean:.{digits}f} ± {interval.half:.{digits}f}"


def seeds_text(count: int, kind: str = "") -> str:
    """'1 seed', '2 seeds', '2 new seeds'."""
    return f"{count} {kind}{'seeds' if count > 1 else 'seed'}"


def verdict_text(verdict: Verdict) -> str:
    """Sentences for a verdict: the winner with interval and chance, or the defaults where no winner is proven."""
    best, base = verdict.best, verdict.of(0)
    assert base is not None, "a verdict holds the defaults"
    assert best.gain is not None, "and a trial with repeats"
    assert best.chance is not None
    chance = chance_text(best.chance)
    defaults = f"{interval_text(base.score)} over {seeds_text(base.seeds)}"
    score = f"{interval_text(best.score)} over {seeds_text(best.seeds, 'new ')}"
    if verdict.winner:
        return (
            f"The winner is trial {best.trial}: mAP50-95 {score} on val (90 % interval), "
            f"{best.gain.mean:+.3f} [{best.gain.low:+.3f}, {best.gain.high:+.3f}] against the defaults' {defaults}. "
            f"The chance that it beats them is {chance}."
        )
    tied = best.gain.mean < TIE
    opening = "The defaults are as good" if tied else "No winner is proven, so the defaults are kept"
    return (
        f"{opening}: mAP50-95 {defaults} on val (90 % interval), against {score} of trial "
        f"{best.trial}, the best with seed repeats. The chance that it beats them is {chance}; a winner is named "
        f"from {CLAIM:.0%} on."
    )


def one_seed_text(winner: TrialRow, rival: TrialRow | None, baseline: TrialRow) -> str:
    """Sentences for a winner without seed repeats.

    rival  best completed trial beside the defaults
    """
    base = figures.score(baseline.score)
    defaults = f"mAP50-95 of {base} on val"
    if nothing_learnt(winner) and winner.state is TrialState.COMPLETED:
        return (
            f"No training learnt enough to compare: after {winner.epochs} epochs the defaults are at {defaults}, "
            "and no trial is far from it. Try more --epochs, a larger --imgsz, or --weights."
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
        return f"The defaults lead so far with {defaults}; no trial has reached its last epoch."
    if rival is None:
        return f"Only the defaults have reached their last epoch: {defaults}, one seed."
    above = gain(rival, baseline) or 0.0
    if above <= 0:
        return f"The defaults are as good: no trial beat their {defaults}, one seed each."
    return (
        f"The defaults are as good: trial {rival.number} is {above:+.3f} above their {defaults}. Two seeds of one "
        "recipe differ by about 0.01-0.02, so this is a tie."
    )


def measured_text(row: EvaluationRow, digits: int = 3) -> str:
    """mAP50-95 on unseen images with its interval, as '0.480 [0.441, 0.518] on 72 unseen images'."""
    text = f"{row.map50_95:.{digits}f}"
    if row.low is not None and row.high is not None:
        text += f" [{row.low:.{digits}f}, {row.high:.{digits}f}]"
    return f"{text} on {row.images} unseen images"


def unseen_text(row: EvaluationRow, digits: int = 3) -> str:
    """The figure on unseen images and the gain against the defaults, as the end of a sentence."""
    if math.isnan(row.map50_95):
        return "nothing: it could not be measured on unseen images"
    text = measured_text(row, digits)
    if row.gain is None or row.gain_low is None or row.gain_high is None or row.chance is None:
        return text
    interval = f"[{row.gain_low:+.{digits}f}, {row.gain_high:+.{digits}f}]"
    text += f", {row.gain:+.{digits}f} {interval} against the defaults, {chance_text(row.chance)} chance of a gain"
    if row.gain_low <= 0 <= row.gain_high:
        text += ": these images cannot tell them apart"
    return text


def unseen_verdict_text(rows: Iterable[EvaluationRow], production: TrialRow | None = None) -> str:
    """Sentence on the winner's gain over the defaults on unseen images; empty where one of them was not measured.

    rows        of one split
    production  the production training: too long to be compared with the defaults
    """
    excluded = None if production is None else production.number
    by_trial = {row.trial: row for row in rows if not math.isnan(row.map50_95) and row.trial != excluded}
    if 0 not in by_trial or len(by_trial) < 2:
        return ""
    row = next(row for number, row in by_trial.items() if number)
    if row.gain is None or row.gain_low is None:
        return _verdict_without_interval(row, row.map50_95 - by_trial[0].map50_95)
    text = f"Trial {row.trial} scored {unseen_text(row)} ({row.split}; 90 % intervals over the images)."
    if (row.gain_high or 0.0) < 0:
        return f"{text} So {_NOT_CONFIRMED}."
    if row.gain_low > 0 and row.gain < TIE:
        return f"{text} Two seeds of one recipe differ by as much."
    return text


def _verdict_without_interval(row: EvaluationRow, above: float) -> str:
    subject = f"On {row.split}, which the search never saw, trial {row.trial}"
    if above <= 0:
        return f"{subject} does not beat the defaults ({above:+.3f}): {_NOT_CONFIRMED}."
    if above < TIE:
        return (
            f"{subject} is {above:+.3f} above the defaults. Two seeds of one recipe differ by as much on "
            f"{row.images} images, so this is a tie."
        )
    return f"{subject} is {above:+.3f} above the defaults."


def production_missing_text(study: StudyRow) -> str:
    """Sentences for an ended study without the production training that was asked for: the command that does it.

    The reason is part of the study's own.
    """
    return (
        f"The production training (--train {study.spec.train}) was not done. Do it with: automl export "
        f"{shlex.quote(study.name)} --epochs {study.spec.train} -o hyp.yaml, then yolo detect train cfg=hyp.yaml"
    )


def production_text(row: TrialRow, device: str, evaluations: Iterable[EvaluationRow] = ()) -> str:
    """Sentence on a production training and its best epoch. No gain: no other training was as long.

    device  "gpu" or "cpu": unit of its cost
    """
    text = (
        f"Production (trial {row.number}): {trial_name(row.repeats or 0)} trained for {row.done_epochs} of "
        f"{row.epochs} epochs, {format_cost(row.slot_s, device)}"
    )
    if row.state in (TrialState.RUNNING, TrialState.INTERRUPTED):
        return f"{text} so far: best epoch {figures.score(row.best_map50_95)} on val."
    if row.best_map50_95 is not None:
        text += f": best epoch {figures.score(row.best_map50_95)} on val (epoch {row.best_epoch}, one seed)"
    evaluation = next((measured for measured in evaluations if measured.trial == row.number), None)
    if evaluation is not None:
        text += f", {unseen_text(evaluation)} ({evaluation.split})"
    if row.state is TrialState.COMPLETED and row.done_epochs < row.epochs:
        text += f"; it ended there, since {row.reason}"
    if row.state is TrialState.CUT:
        return f"{text}. It was cut: {row.reason}."
    if row.state is TrialState.FAILED:
        return f"{text}. It failed: {row.reason}."
    return f"{text}."
