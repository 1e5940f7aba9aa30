"""Sentences and figures of the page: pure."""

from __future__ import annotations

import math
import re
import shlex
import time
from collections.abc import Sequence

from automl import figures
from automl.costs.budget import Budget, limits_of
from automl.figures import duration, format_cost
from automl.recipes import LONG
from automl.records import EventRow, Purpose, StudyRow, StudyState, TrialRow, TrialState
from automl.reports.overview import Overview
from automl.reports.watch import StudyProgress
from automl.scores.ending import FLOOR
from automl.scores.words import (
    confidence_text,
    measured_text,
    observed_text,
    one_seed_text,
    production_missing_text,
    production_text,
    score_definition,
    seeds_text,
    unseen_verdict_text,
    verdict_text,
)

NO_STUDY = "there is no study yet"
NO_TRIAL = "No trial has begun yet."
NEXT = "What to run next"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")
_LINK = re.compile(r"://|www(?=\.)|@", re.IGNORECASE)  # of which Markdown makes links that nobody wrote
ICONS = {"running": "●", "finished": "✓", "interrupted": "‖", "failed": "✕"}

_ENDS = {StudyState.FINISHED: "finished", StudyState.INTERRUPTED: "been interrupted", StudyState.FAILED: "failed"}


def plain(text: object) -> str:
    """Text of a data set or a user, with every sign of Markdown escaped and addresses unlinked."""
    unlinked = _LINK.sub(lambda match: f"{match[0][0]}\N{WORD JOINER}{match[0][1:]}", " ".join(str(text).split()))
    return _MARKDOWN.sub(r"\\\1", unlinked)


def state_of(study: StudyRow, alive: bool) -> str:
    """'● running'; '✕ crashed' where the study process ended unexpectedly."""
    if study.state is StudyState.RUNNING and not alive:
        return "✕ crashed"
    return f"{ICONS[study.state.value]} {study.state.value}"


def moment(at: float | None) -> str:
    """A POSIX time as date and time of this machine."""
    return "–" if at is None else figures.moment(at)


def clock(at: float, now: float) -> str:
    """A POSIX time as the time of day of this machine, with its date where that is another day than `now`."""
    then, today = time.localtime(at), time.localtime(now)
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", then)


def log_of(events: Sequence[EventRow], now: float) -> str:
    """The log, newest line first: time, trial and text."""
    return "\n".join(
        " ".join([clock(row.at, now), *([] if row.trial is None else [f"trial {row.trial}:"]), *row.text.split()])
        for row in reversed(events)
    )


def cost(slot_s: float, study: StudyRow) -> str:
    """Slot-seconds in the unit of the study's slots."""
    return format_cost(slot_s, study.spec.slots.device)


def headline(progress: StudyProgress) -> str:
    """The winner against the defaults, and its certainty, in sentences."""
    baseline, winner = progress.baseline, progress.winner
    if progress.study.state is StudyState.FAILED and (baseline is None or winner is None):
        return f"The defaults could not be trained, so nothing else was: {progress.study.reason}."
    if baseline is None or winner is None:
        return "No epoch has been reported yet. The defaults train first; nothing else starts before their first score."
    unseen = unseen_verdict_text(progress.evaluations, progress.production)
    if progress.verdict is None:
        return _joined(one_seed_text(winner, baseline), unseen)
    return _joined(_repeats_so_far(progress), verdict_text(progress.verdict), unseen)


def _repeats_so_far(progress: StudyProgress) -> str:
    """Opening of a verdict that may still change; empty once the study has ended."""
    if progress.study.state is not StudyState.RUNNING:
        return ""
    repeats = [point for point in progress.points if point.purpose is Purpose.CONFIRMATION]
    if not repeats:
        return "So far:"
    ended = sum(point.ended_at is not None for point in repeats)
    return f"So far, with {ended} of {len(repeats)} started seed repeats ended:"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def certainty(overview: Overview, row: TrialRow | None) -> str:
    """A few words below a figure: the runs behind it, and how sure it is."""
    if row is None or row.score is None:
        return ""
    estimate = overview.estimate(row)
    if estimate is None:
        return f"one seed, {score_definition(row.epochs)}; not confirmed"
    text = f"{observed_text(estimate)}, over {seeds_text(estimate.seeds)}"
    return text if estimate.chance is None else f"{text}; {confidence_text(estimate)}"


def production(overview: Overview) -> str:
    """Result of the production training, or the command for a missing one; empty where none was asked for."""
    study, production = overview.study, overview.production
    if production is not None:
        return production_text(production, study.spec.slots.device, overview.evaluations)
    missing = study.spec.train and study.state is StudyState.FINISHED
    return production_missing_text(study) if missing else ""


def sureness(overview: Overview) -> str:
    """Certainty that the best recipe beats the defaults, in a few words."""
    if overview.winner is None:
        return "–"
    return "one seed" if overview.verdict is None else confidence_text(overview.verdict.best)


def unseen_score(overview: Overview, row: TrialRow | None) -> str:
    """Figure of a trial on images that the search never saw; empty where it was not measured."""
    rows = (measured for measured in overview.evaluations if row is not None and measured.trial == row.number)
    evaluation = next(rows, None)
    if evaluation is None:
        return ""
    if math.isnan(evaluation.map50_95):
        return f"could not be measured on unseen images ({evaluation.split})"
    return f"{measured_text(evaluation)} ({evaluation.split})"


def share_of_budget(overview: Overview) -> str:
    """Spent share of the budget and the rest of it, in the units of the other costs."""
    study, share = overview.study, overview.share_spent
    budgets = limits_of(study.spec)
    text = f"{share:.0%} of {' or '.join(_limit(budget, study, 1.0) for budget in budgets)}"
    if len(budgets) > 1:  # which one ends first is not sure before it has
        return text
    return f"{text}, {_limit(budgets[0], study, max(0.0, 1.0 - share))} left"


def _limit(budget: Budget, study: StudyRow, share: float) -> str:
    if budget.trials is not None:
        count = round(share * budget.trials)
        return f"{count} trial{'' if count == 1 else 's'}"
    if budget.wall_s is not None:
        return f"{duration(share * budget.wall_s)} of wall time"
    return cost(share * (budget.limit_s or 0.0), study)


def wall_time(study: StudyRow) -> str:
    """Wall time and slots."""
    count = study.spec.slots.count
    return f"{duration(study.wall_s)} of wall time on {count} slot{'s' if count > 1 else ''}"


def description(study: StudyRow) -> str:
    """The search in a line: data, models, image sizes, horizon, sampler."""
    spec = study.spec
    models = ", ".join(model.rsplit("/", 1)[-1] for model in spec.models)
    sizes = ", ".join(map(str, spec.imgsz))
    start = "pretrained" if spec.weights else "from scratch"
    return f"{spec.data} · {models} at {sizes} px, {start} · {spec.epochs} epochs · sampler {spec.sampler}"


def outlook(progress: StudyProgress, db: str = "") -> str:
    """Sentences on waiting: cost of the best so far, trials after it, and the rest of the budget."""
    study, rises = progress.study, progress.rises
    if not rises:
        if study.state is StudyState.FAILED and progress.winner is None:
            return "The study has failed."  # the headline has the reason
        return _state_text(progress, db) or "No trial has ended yet."
    best = rises[-1].trial
    at_s = next(rise.spent_s for rise in rises if rise.trial == best)
    since = sum(rise.spent_s > at_s for rise in rises)
    share = min(1.0, at_s / study.slot_s) if study.slot_s else 0.0
    after = f"{since or 'no'} trial{'' if since == 1 else 's'} of the search ended after it"
    text = f"The best single run, trial {best}, ended after {share:.0%} of what is spent; {after}."
    if best == 0:
        yet = " yet" if study.state is StudyState.RUNNING else ""
        text = f"No single run is above the defaults'{yet}; {after}."
    state = _state_text(progress, db)
    if state:
        return f"{text} {state}"
    left_s, gain = progress.left_s, progress.expected_gain
    if left_s is None:
        return text
    text = f"{text} At this pace the rest of the budget takes {duration(left_s)}."
    if gain is None:
        return text
    rise = f"about {gain:.3f}" if gain >= FLOOR else f"less than {FLOOR}"
    return f"{text} The rest of the search is expected to add {rise} to the best single run."


def _state_text(overview: Overview, db: str) -> str:
    """Sentence on a study that does not run any more; empty while it runs."""
    if overview.study.state is not StudyState.RUNNING:
        return f"The study has {_ENDS[overview.study.state]}: {overview.study.reason}."
    if overview.alive:
        return ""
    resume = f"automl resume {shlex.quote(overview.study.name)}{db}"
    return f"The study process ended unexpectedly. Continue with: {resume}"


def held_order(new: int | None) -> str:
    """Sentence for a table whose ticked rows keep an order that is out of date.

    new  trials that are missing from the held order; None where it is up to date
    """
    if new is None:
        return ""
    change = f"{new} trial{' has' if new == 1 else 's have'} come in" if new else "the order has changed"
    return f"Ticked rows stay in place; {change}."


def end_of(row: TrialRow) -> str:
    """End of a trial, in a sentence: of a stopped one the rung and the threshold."""
    if row.state is TrialState.RUNNING:
        return f"Runs: {row.done_epochs} of {row.epochs} epochs, on {row.node or 'this machine'}."
    return f"{row.state.value.capitalize()}: {row.reason or 'no reason was written down'}."


def source_of(row: TrialRow) -> str:
    """Source of a trial's parameters, in a sentence; empty for a repeat and a production training."""
    if row.repeats is not None:
        return ""
    return f"Proposed by {row.origin}." if row.number else "These are the defaults."


def repeat_of(row: TrialRow) -> str:
    """Sentence that names the trial which a repeat or a production training trains again; empty for others."""
    if row.repeats is None:
        return ""
    if row.purpose is Purpose.PRODUCTION:
        return f"It is the production training of trial {row.repeats}: longer, on what the search has left for it."
    return f"It repeats trial {row.repeats} with seed {row.seed}."


def next_command(overview: Overview, trial: TrialRow | None = None, db: str = "") -> str:
    """Command line to run next. `db`: the words that name the database."""
    study, winner, production = overview.study, overview.winner, overview.production
    name = shlex.quote(study.name)
    crashed = study.state is StudyState.RUNNING and not overview.alive
    if trial is None and (crashed or study.state is StudyState.INTERRUPTED):
        return f"automl resume {name}{db}"
    if winner is None:
        return f"automl show {name}{db}"
    choice = "" if trial is None or trial.number == winner.number else f" --trial {trial.number}"
    number = winner.number if trial is None else trial.number
    trained = production is not None and number in (production.number, production.repeats)  # its recipe has that length
    short = study.spec.epochs < LONG and not trained  # than the guide's production training
    length = f" --epochs {study.spec.train or LONG}" if short else ""
    return f"automl export {name}{choice}{length}{db} -o hyp.yaml && yolo detect train cfg=hyp.yaml"


def export_command(study: StudyRow, trial: TrialRow, db: str = "") -> str:
    """Command line that writes the trial's recipe with its initial weights. `db`: the words for the database."""
    return f"automl export {shlex.quote(study.name)} --trial {trial.number}{db} -o hyp.yaml"
