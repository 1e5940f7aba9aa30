"""Sentences and figures of the page: pure."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence

from automl import figures
from automl.costs.budget import Budget, parse_all
from automl.figures import duration, format_cost, score
from automl.recipes import LONG
from automl.records import EventRow, Purpose, StudyRow, StudyState, TrialRow, TrialState
from automl.reports.watch import StudyProgress
from automl.scores.ending import FLOOR
from automl.scores.words import (
    chance_text,
    one_seed_text,
    production_missing_text,
    production_text,
    score_definition,
    unseen_verdict_text,
    verdict_text,
)

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")
_LINK = re.compile(r"://|www(?=\.)|@", re.IGNORECASE)  # of which Markdown makes links that nobody wrote
ICONS = {"running": "●", "finished": "✓", "interrupted": "‖", "failed": "✕"}

_ENDS = {StudyState.FINISHED: "finished", StudyState.INTERRUPTED: "been interrupted", StudyState.FAILED: "failed"}


def plain(text: object) -> str:
    """Text of a data set or a user with every sign escaped that Markdown would read as its own, addresses too."""
    unlinked = _LINK.sub(lambda found: f"{found[0][0]}\N{WORD JOINER}{found[0][1:]}", " ".join(str(text).split()))
    return _MARKDOWN.sub(r"\\\1", unlinked)


def state_of(study: StudyRow, alive: bool) -> str:
    """'● running', or that its driver died."""
    if study.state is StudyState.RUNNING and not alive:
        return "✕ driver died"
    return f"{ICONS[study.state.value]} {study.state.value}"


def moment(at: float | None) -> str:
    """A POSIX time as date and time of this machine."""
    return "–" if at is None else figures.moment(at)


def clock(at: float, now: float) -> str:
    """A POSIX time as the time of day of this machine, with its date where that is another day than `now`."""
    then, today = time.localtime(at), time.localtime(now)
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", then)


def log_of(events: Sequence[EventRow], now: float) -> str:
    """The log, newest line first: when, of which trial, what."""
    return "\n".join(
        " ".join([clock(row.at, now), *([] if row.trial is None else [f"trial {row.trial}:"]), *row.text.split()])
        for row in reversed(events)
    )


def cost(slot_s: float, study: StudyRow) -> str:
    """Slot-seconds in the unit of the study's slots."""
    return format_cost(slot_s, study.spec.slots.device)


def headline(seen: StudyProgress) -> str:
    """How good the best is against the defaults, and with which certainty, in sentences."""
    base, winner = seen.baseline, seen.winner
    if seen.study.state is StudyState.FAILED and (base is None or winner is None):
        return f"The defaults could not be trained, so nothing else was: {seen.study.reason}."
    if base is None or winner is None:
        return "No epoch has been reported yet. The defaults train first, and nothing else starts before they scored."
    unseen = unseen_verdict_text(seen.evaluations, seen.production)
    if seen.verdict is None:
        return " ".join(filter(None, (one_seed_text(winner, seen.rival, base), unseen)))
    repeats = [point for point in seen.points if point.purpose is Purpose.CONFIRMATION]
    running = seen.study.state is StudyState.RUNNING
    ended = sum(point.ended_at is not None for point in repeats)
    so_far = f"So far, {ended} of {len(repeats)} repeats that have begun: "
    return " ".join(filter(None, (so_far * running + verdict_text(seen.verdict), unseen)))


def certainty(seen: StudyProgress, row: TrialRow | None) -> str:
    """A figure's interval or what there is instead of it: a few words below it."""
    if row is None or row.score is None:
        return ""
    found = seen.estimate(row)
    if found is None:
        return f"one seed, {score_definition(row.epochs)}; not confirmed"
    chance = "" if found.chance is None else f", {chance_text(found.chance)} sure to beat the defaults"
    seeds = f"{found.seeds} seed{'s' if found.seeds > 1 else ''}"
    return f"± {found.score.half:.3f} (90 %) over the best epochs of {seeds}{chance}"


def produced(seen: StudyProgress) -> str:
    """What the production training has reached, or that it was not done; empty where none was asked for."""
    made, study = seen.production, seen.study
    if study.spec.train and made is None and study.state is StudyState.FINISHED:
        return production_missing_text(study)
    return "" if made is None else production_text(made, seen.study.spec.slots.device, seen.evaluations)


def sureness(seen: StudyProgress) -> str:
    """How sure it is that what is taken home beats the defaults, in two or three words."""
    found = seen.estimate(seen.winner)
    if seen.winner is None:
        return "–"
    if found is None:
        return "one seed"
    return "as good" if found.chance is None else f"{chance_text(found.chance)} sure"


def unseen_score(seen: StudyProgress, row: TrialRow | None) -> str:
    """What a trial scored on images that the search never saw; nothing where it was not measured."""
    found = next((each for each in seen.evaluations if row is not None and each.trial == row.number), None)
    if found is None:
        return ""
    if found.map50_95 != found.map50_95:
        return f"could not be measured on unseen images ({found.split})"
    between = "" if found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{score(found.map50_95)}{between} on {found.images} unseen images ({found.split})"


def share_of_budget(seen: StudyProgress) -> str:
    """How much of the budget is spent and what is left, in the units in which costs are told."""
    budgets = parse_all(seen.study.spec.budgets, seen.study.spec.slots.device)
    told = f"{seen.share_spent:.0%} of {' or '.join(_limit(each, seen.study, 1.0) for each in budgets)}"
    if len(budgets) > 1:  # which one ends first is not sure before it has
        return told
    return f"{told}, {_limit(budgets[0], seen.study, max(0.0, 1.0 - seen.share_spent))} left"


def _limit(budget: Budget, study: StudyRow, share: float) -> str:
    if budget.trials is not None:
        count = round(share * budget.trials)
        return f"{count} trial{'' if count == 1 else 's'}"
    if budget.wall_s is not None:
        return f"{duration(share * budget.wall_s)} of wall time"
    return cost(share * (budget.slot_s or 0.0), study)


def took(study: StudyRow) -> str:
    """Wall time and slots."""
    count = study.spec.slots.count
    return f"{duration(study.wall_s)} of wall time on {count} slot{'s' if count > 1 else ''}"


def described(study: StudyRow) -> str:
    """What is searched, in a line: data, models, image sizes, horizon, sampler."""
    spec = study.spec
    models = ", ".join(each.rsplit("/", 1)[-1] for each in spec.models)
    sizes = ", ".join(map(str, spec.imgsz))
    start = "pretrained" if spec.weights else "from scratch"
    return f"{spec.data} · {models} at {sizes} px, {start} · {spec.epochs} epochs · sampler {spec.sampler}"


def worth(seen: StudyProgress, db: str = "") -> str:
    """Whether it pays to wait: when the best came, what has followed, and when the budget ends."""
    rises = seen.rises
    if not rises:
        if seen.study.state is StudyState.FAILED and seen.winner is None:
            return "The study has failed."  # the headline has the reason
        return _state_in_words(seen, db) or "Nothing has ended yet."
    best = rises[-1][2]
    at = next(spent for spent, _, trial in rises if trial == best)
    since = sum(spent > at for spent, _, _ in rises)
    share = min(1.0, at / seen.study.slot_s) if seen.study.slot_s else 0.0
    followed = f"{since or 'no'} trial{'' if since == 1 else 's'} of the search ended after it"
    told = f"The best single run, trial {best}, ended after {share:.0%} of what is spent; {followed}."
    if best == 0:
        yet = " yet" * (seen.study.state is StudyState.RUNNING)
        told = f"No single run is above the defaults'{yet}; {followed}."
    state = _state_in_words(seen, db)
    if state:
        return f"{told} {state}"
    left, gain = seen.left_s, seen.expected_gain
    if left is None:
        return told
    adds = "" if gain is None else f"about {gain:.3f}" if gain >= FLOOR else f"less than {FLOOR}"
    more = adds and f" The rest of the search is expected to add {adds} to the best single run."
    return f"{told} At this pace the rest of the budget takes {duration(left)}.{more}"


def _state_in_words(seen: StudyProgress, db: str) -> str:
    """Why nothing more is to be waited for; empty while the study runs."""
    if seen.study.state is not StudyState.RUNNING:
        return f"The study has {_ENDS[seen.study.state]}: {seen.study.reason}."
    if seen.alive:
        return ""
    return f"Its driver died. Go on with: automl resume {shlex.quote(seen.study.name)}{db}"


def held_order(new: int | None) -> str:
    """That ticked rows keep a table's order, where it is not that of now any more.

    new  trials that the order of now would show and the held one does not; None where they are the same
    """
    if new is None:
        return ""
    came = f"{new} trial{' has' if new == 1 else 's have'} come in" if new else "the order has changed"
    return f"Ticked rows stay in place; {came}."


def ended(row: TrialRow) -> str:
    """How a trial ended, in a sentence: a stopped one at which rung and against which threshold."""
    if row.state is TrialState.RUNNING:
        return f"Runs: {row.done_epochs} of {row.epochs} epochs, on {row.node or 'this machine'}."
    return f"{row.state.value.capitalize()}: {row.reason or 'no reason was written down'}."


def proposed(row: TrialRow) -> str:
    """Where a trial's parameters come from, in a sentence; empty where another trial had them."""
    if row.repeats is not None:
        return ""
    return "These are the defaults." if row.origin == "defaults" else f"Proposed by {row.origin}."


def repeated(row: TrialRow) -> str:
    """Of which trial a training is another one, in a sentence; empty where it is none."""
    if row.repeats is None:
        return ""
    if row.purpose is Purpose.PRODUCTION:
        return f"It is the production training of trial {row.repeats}: longer, on what the search has left for it."
    return f"It repeats trial {row.repeats} with seed {row.seed}."


def next_command(seen: StudyProgress, trial: TrialRow | None = None, db: str = "") -> str:
    """The command line to run next. `db`: the words that name the database."""
    name = shlex.quote(seen.study.name)
    dead = seen.study.state is StudyState.RUNNING and not seen.alive
    if trial is None and (dead or seen.study.state is StudyState.INTERRUPTED):
        return f"automl resume {name}{db}"
    if seen.winner is None:
        return f"automl show {name}{db}"
    chosen = "" if trial is None or (seen.winner and trial.number == seen.winner.number) else f" --trial {trial.number}"
    made, own = seen.production, trial if trial is not None else seen.winner
    trained = made is not None and own.number in (made.number, made.repeats)  # then its recipe has that length
    short = seen.study.spec.epochs < LONG and not trained  # than the guide's production training
    length = f" --epochs {seen.study.spec.train or LONG}" if short else ""
    return f"automl export {name}{chosen}{length}{db} -o hyp.yaml && yolo detect train cfg=hyp.yaml"


def export_command(study: StudyRow, trial: TrialRow, db: str = "") -> str:
    """The command line that writes the trial's recipe with its initial weights. `db`: the words for the database."""
    return f"automl export {shlex.quote(study.name)} --trial {trial.number}{db} -o hyp.yaml"
