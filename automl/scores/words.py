"""Sentences for verdicts, figures on unseen images and production trainings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from automl import figures
from automl.figures import format_cost
from automl.files.shell import quoted, yolo_train
from automl.records import EvaluationRow, StudyRow, TrialRow, TrialState
from automl.scores.halving import RungTrust, last_epochs
from automl.scores.leaderboard import Verdict, nothing_learnt
from automl.scores.trust import TIE, Confidence, Estimate, Interval

_NOT_CONFIRMED = "the gain on val is not confirmed"
FEWEST = 5  # trials below which a rung's correlation is not shown
SAMPLER_WORDS = {
    "gp": "a Gaussian process",
    "tpe": "a tree-structured Parzen estimator",
    "cmaes": "CMA-ES",
    "evolve": "mutation and crossover of the best",
    "random": "random draws",
}
_LISTED = 4  # runs that are listed one by one


def trial_name(number: int) -> str:
    """'trial 3', or 'the defaults' for trial 0."""
    return f"trial {number}" if number else "the defaults"


def origin_text(origin: str, repeats: int | None = None) -> str:
    """Where a trial's recipe comes from: 'defaults', 'search (gp)', 'from hyp.yaml', 'trial 3, new seed'.

    origin   as stored: the sampler, a known recipe, "warm:" with a source, or why a trial repeats another one
    repeats  number of the trial that is trained again
    """
    if repeats is not None:
        kind = {"confirmation": "new seed"}.get(origin, origin)
        return f"{trial_name(repeats)}, {kind}"
    if origin in SAMPLER_WORDS:
        return f"search ({origin})"
    if origin.startswith("warm:"):
        return f"from {origin.removeprefix('warm:')}"
    return origin.replace("@", " at ", 1)


def state_text(state: TrialState) -> str:
    """State of a trial as people read it: 'stopped early', 'cut short'."""
    return {TrialState.STOPPED: "stopped early", TrialState.CUT: "cut short"}.get(state, state.value)


def course_text(epochs: int, rungs: Sequence[int]) -> str:
    """Length of the trials: 'up to 40 epochs a trial, weak ones end after epoch 5 or 14'."""
    levels = [str(rung) for rung in rungs if rung < epochs]
    if not levels:
        return f"{epochs} epochs a trial, none ends early"
    ends = " or ".join(filter(None, [", ".join(levels[:-1]), levels[-1]]))
    return f"up to {epochs} epochs a trial, weak ones end after epoch {ends}"


def score_definition(horizon: int) -> str:
    """Meaning of a score, as in 'the mean of a trial's last 5 epochs'."""
    last = last_epochs(horizon)
    return f"the mean of a trial's last {last} epochs" if last > 1 else "a trial's last epoch"


def chance_text(chance: float) -> str:
    """A chance in whole percents, never as a certainty."""
    if 0.01 <= chance <= 0.99:
        return f"{chance:.0%}"
    return "over 99%" if chance > 0.5 else "under 1%"


def seeds_text(count: int, kind: str = "") -> str:
    """'1 seed', '2 seeds', '2 new seeds'."""
    return f"{count} {kind}{'seeds' if count > 1 else 'seed'}"


def observed_text(estimate: Estimate) -> str:
    """Observed scores, as '0.381 and 0.332, mean 0.357'; '0.381' for a single run."""
    runs = [f"{score:.3f}" for score in estimate.runs]
    if len(runs) == 1:
        return runs[0]
    if len(runs) > _LISTED:
        return f"mean {estimate.observed:.3f} of {len(runs)} seeds ({min(runs)} to {max(runs)})"
    return f"{', '.join(runs[:-1])} and {runs[-1]}, mean {estimate.observed:.3f}"


def gain_text(gain: Interval, digits: int = 3) -> str:
    """An expected gain with its interval, as '+0.112 [+0.034, +0.181]'."""
    return f"{gain.mean:+.{digits}f} [{gain.low:+.{digits}f}, {gain.high:+.{digits}f}]"


def confidence_text(estimate: Estimate) -> str:
    """The certainty that a recipe beats the defaults, as 'proven, 96%' or 'probably better, 89%'."""
    assert estimate.chance is not None, "the defaults are not compared with themselves"
    return f"{estimate.confidence.value}, {chance_text(estimate.chance)}"


def rank_correlations(rungs: Iterable[RungTrust]) -> str:
    """Sentence on how well each rung's order predicts the next one's; empty where too few trials reached both."""
    known = [rung for rung in rungs if rung.correlation is not None and rung.trials >= FEWEST]
    parts = [
        f"epochs {rung.level} and {rung.following} {rung.correlation:.2f} ({rung.trials} trials)" for rung in known
    ]
    said = f"Rank correlation of the trials' order between two rungs, by which weak ones end: {', '.join(parts)}."
    return said if parts else ""


def verdict_text(verdict: Verdict) -> str:
    """Sentences for a verdict: what is handed over and how sure it is, what was observed, what is expected."""
    best, confidence = verdict.best, verdict.confidence
    assert best.gain is not None, "the best beside the defaults is compared with them"
    assert best.chance is not None
    name, chance = f"trial {best.trial}", chance_text(best.chance)
    if confidence is Confidence.PROVEN:
        opening = f"Trial {best.trial} is better, proven with a chance of {chance}."
    elif confidence is Confidence.NO_DIFFERENCE:
        kept = f"{name} is handed over" if verdict.winner else "the defaults are kept"
        opening = f"No difference found between {name} and the defaults (chance of a gain {chance}): {kept}."
    elif verdict.winner:
        opening = f"Trial {best.trial} is probably better, {chance}."
    else:
        opening = f"Not sure enough that {name} is better ({chance}): the defaults are kept."
    text = (
        f"{opening} mAP50-95 on val: {name} {observed_text(best)}; the defaults {observed_text(verdict.defaults)}. "
        f"Expected gain {gain_text(best.gain)}."
    )
    if not best.new_seeds:
        text += " It has one seed: repeats with other seeds would make it surer."
    return text


def one_seed_text(winner: TrialRow, baseline: TrialRow) -> str:
    """Sentences for a study without a verdict: nothing has learnt, or only the defaults or nothing has ended."""
    base = figures.score(baseline.score)
    defaults = f"mAP50-95 of {base} on val"
    if nothing_learnt(winner) and winner.state is TrialState.COMPLETED:
        return (
            f"No training learnt enough to compare: after {winner.epochs} epochs the defaults are at {defaults}, "
            "and no trial is far from it. Try more --epochs or a larger --imgsz."
        )
    if winner.number:
        lead = f"Trial {winner.number} leads so far with {figures.score(winner.score)} on val"
        if winner.state is TrialState.COMPLETED:
            return f"{lead}; the defaults, at {base}, have not reached their last epoch."
        return f"{lead}; no training has reached its last epoch."
    if winner.state is not TrialState.COMPLETED:
        return f"The defaults lead so far with {defaults}; no trial has reached its last epoch."
    return f"Only the defaults have reached their last epoch: {defaults}, one seed."


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


def production_missing_text(study: StudyRow, db_words: str = "") -> str:
    """Sentences for an ended study without the production training that was asked for: the command that does it.

    The reason is part of the study's own.

    db_words  the `--db` option with which the command reaches the database
    """
    export = quoted("automl", "export", study.name, "--epochs", str(study.spec.train))
    return (
        f"The production training (--train {study.spec.train}) was not done. Do it with: {export}{db_words} "
        f"-o hyp.yaml, then {yolo_train('hyp.yaml')}"
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
