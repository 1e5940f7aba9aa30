"""Sentences and figures of the page: pure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from html import escape

from automl import figures
from automl.costs.budget import Budget, limits_of
from automl.figures import format_cost, span
from automl.files.shell import quoted, yolo_train
from automl.recipes import Subject
from automl.records import EventRow, Purpose, StudyRow, StudyState, TrialRow, TrialState
from automl.reports.card import Line, card
from automl.reports.life import suspended_words
from automl.reports.overview import Overview
from automl.reports.watch import StudyProgress
from automl.scores.ending import FLOOR
from automl.scores.words import (
    chance_text,
    one_seed_text,
    origin_text,
    production_missing_text,
    production_text,
    state_text,
    trial_name,
    verdict_text,
)

NO_STUDY = "there is no study yet"
NO_TRIAL = "No trial has begun yet."
NEXT = "What to run next"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")
_LINK = re.compile(r"://|www(?=\.)|@", re.IGNORECASE)  # of which Markdown makes links that nobody wrote
_CARD_STYLE = """<style>
.answer {display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem}
dl.answer.answer, .answer.answer dd, .answer.answer dt {margin: 0; padding: 0}
.answer dt {font-weight: 600}
.answer dd {overflow-wrap: anywhere}
@media (max-width: 640px) {.answer {grid-template-columns: 1fr; gap: 0} .answer.answer dd {margin-bottom: .6rem}}
</style>"""
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
    """Sentence in place of the card, as long as there is nothing to compare."""
    study, baseline = progress.study, progress.baseline
    if study.state is StudyState.FAILED and progress.winner is None:
        return f"The defaults could not be trained, so nothing else was: {study.reason}."
    if baseline is not None and baseline.state is TrialState.FAILED:
        return "The defaults have failed, so no trial can be compared with them."
    return "No epoch has been reported yet. The defaults train first; nothing else starts before their first score."


def card_title(study: StudyRow) -> str:
    """'The answer', or 'The answer so far' of a study that may go on."""
    return "The answer" if study.state in (StudyState.FINISHED, StudyState.FAILED) else "The answer so far"


def card_html(lines: Iterable[Line]) -> str:
    """The card's lines as HTML: labels beside their text, above it on a phone. Nothing of a user is read as HTML."""
    rows = "".join(f"<dt>{escape(line.label)}</dt><dd>{escape(line.text)}</dd>" for line in lines)
    return f'{_CARD_STYLE}<dl class="answer">{rows}</dl>'


def outcome(overview: Overview) -> str:
    """The card's lines on the difference, in one text; empty without a card or a recipe to compare."""
    lines = [line for line in card(overview) if line.label in ("difference", "but")]
    return " ".join(f"{line.label.capitalize()}: {line.text.rstrip('.')}." for line in lines)


def no_outcome(progress: StudyProgress) -> str:
    """Text in the place of `outcome`: the card's line on the best recipe found, or the headline without a card."""
    best = [line.text for line in card(progress) if line.label == "best found"]
    return f"{best[0].capitalize()}." if best else headline(progress)


def length_of(subject: Subject) -> str:
    """Epochs that a recipe is for, in a sentence."""
    epochs, searched = subject.length, subject.trial.epochs
    if epochs == searched:
        return f"For a training of {epochs} epochs, as the search trained it."
    source = "as its production training had" if subject.produced is not None else "the length of production"
    return f"For a training of {epochs} epochs, {source}; the search trained it for {searched}."


def missing_production(study: StudyRow, production: TrialRow | None, db: str = "") -> str:
    """Command for a production training that was asked for and not done; empty where there is one or none was.

    db  the words that name the database
    """
    missing = study.spec.train and study.state is StudyState.FINISHED and production is None
    return production_missing_text(study, db) if missing else ""


def productions(overview: Overview) -> list[TrialRow]:
    """Production trainings of the winner and of both sides of the answer, and those that run, by number."""
    answer = overview.answer
    sides = [] if answer is None else [side.trained for side in (answer.defaults, answer.recipe) if side is not None]
    rows = [overview.production, *sides, *overview.running]
    by_number = {row.number: row for row in rows if row is not None and row.purpose is Purpose.PRODUCTION}
    return [by_number[number] for number in sorted(by_number)]


def produced_name(repeats: int | None, study: StudyRow) -> str:
    """The recipe that a production training trains: 'the defaults' of any operating point, or 'trial 3'."""
    number = repeats or 0
    return trial_name(0 if number < max(1, len(study.spec.points)) else number)


def details(progress: StudyProgress) -> list[str]:
    """Sentences below the card: repeats that have ended, what they say, the unseen images, production trainings."""
    baseline, winner = progress.baseline, progress.winner
    if progress.answer is None or baseline is None or winner is None:
        return []
    verdict = progress.verdict
    text = one_seed_text(winner, baseline) if verdict is None else verdict_text(verdict)
    device = progress.study.spec.slots.device
    return [
        f"Trainings of {progress.study.spec.epochs} epochs: {_joined(_repeats_so_far(progress), text)}",
        *(production_text(row, device, progress.evaluations) for row in productions(progress)),
    ]


def _repeats_so_far(progress: StudyProgress) -> str:
    """Opening of a verdict that may still change; empty once the study has ended, and without repeats."""
    repeats = [point for point in progress.points if point.purpose is Purpose.CONFIRMATION]
    if progress.study.state is not StudyState.RUNNING:
        return ""
    if not repeats:
        return "So far:"
    ended = sum(point.ended_at is not None for point in repeats)
    return f"So far, with {ended} of {len(repeats)} started seed repeats ended:"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def sureness(overview: Overview) -> str:
    """Certainty that the best recipe found beats the defaults, in two or three words."""
    answer = overview.answer
    if answer is None or answer.chance is None:
        return "–"
    return f"loses on {overview.study.spec.unseen}" if answer.vetoed else f"{chance_text(answer.chance)} sure"


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
        return f"{span(share * budget.wall_s)} of wall time"
    return cost(share * (budget.limit_s or 0.0), study)


def trials(progress: StudyProgress) -> str:
    """Number of trials by state, and slots: '34 trials, 2 at a time: 14 completed, 20 stopped early'."""
    count, slots = len(progress.points), progress.study.spec.slots.count
    states = ", ".join(
        f"{of_state} {state_text(TrialState(state))}" for state, of_state in sorted(progress.states.items())
    )
    text = f"{count} trial{'' if count == 1 else 's'}, {'one' if slots == 1 else slots} at a time"
    return f"{text}: {states}." if states else f"{text}."


def description(study: StudyRow) -> str:
    """The search in a line: data, models, image sizes, horizon, sampler."""
    spec = study.spec
    models = ", ".join(model.rsplit("/", 1)[-1] for model in spec.models)
    sizes = ", ".join(map(str, spec.imgsz))
    start = "pretrained" if spec.weights or spec.weights_of else "from scratch"
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
    text = f"{text} At this pace the rest of the budget takes {span(left_s)}."
    if gain is None:
        return text
    rise = f"about {gain:.3f}" if gain >= FLOOR else f"less than {FLOOR}"
    return f"{text} The rest of the search is expected to add {rise} to the best single run."


def _state_text(overview: Overview, db: str) -> str:
    """Sentence on a study that does not run any more, or is suspended; empty while it runs."""
    if overview.study.state is not StudyState.RUNNING:
        return f"The study has {_ENDS[overview.study.state]}: {overview.study.reason}."
    if overview.alive:
        return suspended_words(overview.study)
    resume = quoted("automl", "resume", overview.study.name) + db
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
    return f"{state_text(row.state).capitalize()}: {row.reason or 'no reason was written down'}."


def source_of(row: TrialRow) -> str:
    """Source of a trial's parameters, in a sentence; empty for a repeat and a production training."""
    if row.repeats is not None:
        return ""
    return f"Recipe from: {origin_text(row.origin)}." if row.number else "These are the defaults."


def repeat_of(row: TrialRow) -> str:
    """Sentence that names the trial which a repeat or a production training trains again; empty for others."""
    if row.repeats is None:
        return ""
    if row.purpose is Purpose.PRODUCTION:
        return f"It is a production training of {trial_name(row.repeats)}, for {row.epochs} epochs."
    return f"It repeats trial {row.repeats} with seed {row.seed}."


def next_command(overview: Overview, trial: TrialRow | None = None, db: str = "") -> str:
    """Command line to run next. `db`: the words that name the database."""
    study, winner = overview.study, overview.winner
    name = study.name
    crashed = study.state is StudyState.RUNNING and not overview.alive
    if trial is None and (crashed or study.state is StudyState.INTERRUPTED):
        return quoted("automl", "resume", name) + db
    if winner is None:
        return quoted("automl", "show", name) + db
    choice = () if trial is None or trial.number == winner.number else ("--trial", str(trial.number))
    return f"{quoted('automl', 'export', name, *choice)}{db} -o hyp.yaml && {yolo_train('hyp.yaml')}"


def export_command(study: StudyRow, trial: TrialRow, db: str = "") -> str:
    """Command line that writes the trial's recipe with its initial weights. `db`: the words for the database."""
    return f"{quoted('automl', 'export', study.name, '--trial', str(trial.number))}{db} -o hyp.yaml"
