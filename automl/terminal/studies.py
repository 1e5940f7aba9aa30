"""Lists of studies and the status of one, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from automl.costs.budget import budget_words
from automl.figures import duration, format_cost, score
from automl.records import StudyState, TrialRow
from automl.reports import lists
from automl.reports.life import suspended_words
from automl.reports.overview import Overview
from automl.reports.report import StudyStatus
from automl.scores.words import origin_text, trial_name
from automl.store.address import command, db_words
from automl.terminal.report import PLAIN, plan_against_spent, say

EDGE = 2  # columns of a terminal that a table of one column leaves free
SPARED = (
    "begun",
    "trials",
    "defaults",
    "spent",
    "gain",
    "winner",
    "mAP50-95",
)  # a narrow terminal lacks the first ones


def print_studies(console: Console, overviews: Sequence[Overview]) -> None:
    """Print one line for each study: the winner and its figure, against the defaults'.

    Names are never cut: every other command needs them. A narrow terminal lacks other columns.
    """
    rows = [dict(zip(lists.HEADINGS, lists.cells(overview), strict=True)) for overview in overviews]
    headings = list(lists.HEADINGS)
    unbounded = console.options.update(max_width=1000)
    for heading in SPARED:
        if console.measure(_studies(rows, headings, console.width), options=unbounded).maximum <= console.width:
            break
        headings.remove(heading)
    console.print(_studies(rows, headings, console.width))
    for row in (overview.study for overview in overviews if overview.study.note):
        say(console, f"{row.name}: {' '.join(row.note.split())}")


def _studies(rows: Sequence[Mapping[str, str]], headings: Sequence[str], most: int) -> Table:
    table = Table(**PLAIN)
    for heading in headings:
        right = heading in (*lists.FIGURES, "trials", "spent")
        # A name that is wider than the terminal goes on in the next line; other cells are cut before it is.
        wraps = {"overflow": "fold"} if heading == "study" else {"overflow": "ellipsis", "no_wrap": True}
        width = min(most - EDGE, max((len(row[heading]) for row in rows), default=0)) if heading == "study" else None
        table.add_column(heading, justify="right" if right else "left", min_width=width, **wraps)
    for row in rows:
        table.add_row(*(escape(row[heading]) for heading in headings))
    return table


def _winner(overview: Overview) -> str:
    """The winner as things stand, and the defaults by the same measure."""
    winner, baseline = overview.winner, overview.baseline
    if winner is None:
        return "no trial has a score yet"
    text = f"{trial_name(winner.number)}: mAP50-95 {score(overview.figure(winner))}, {_seeds(overview, winner)}"
    if not winner.number or baseline is None:
        return text
    return f"{text}, defaults {score(overview.figure(baseline))}, {_seeds(overview, baseline)}"


def _seeds(overview: Overview, row: TrialRow) -> str:
    seeds = overview.seeds(row)
    return "one seed" if seeds == 1 else f"mean of {seeds} seeds"


def print_status(console: Console, status: StudyStatus, *, db: str | None = None) -> None:
    """Print state, winner, cost, running trials and the last lines of the log. `db`: as the user named it."""
    row = status.study
    device = row.spec.slots.device
    lines = [
        f"study     {row.name}: {_state(status, db)}",
        f"winner    {_winner(status)}",
        f"spent     {format_cost(row.slot_s, device)}, wall {duration(row.wall_s)}: {status.share_spent:.0%} of "
        f"{budget_words(row.spec)}",
        f"trials    {row.trials} begun, {len(status.running)} running",
    ]
    if status.waiting:
        lines.append(f"waiting   {status.waiting}{'' if status.alive else db_words(db)}")
    if row.note:
        lines.append(f"note      {' '.join(row.note.split())}")
    if status.planned_s:
        lines.append(f"planned   {plan_against_spent(status.planned_s, status.spent_s, device)}")
    for trial in status.running:
        place = f" on {trial.node} ({trial.device})" if trial.node else ""
        lines.append(
            f"          trial {trial.number} ({origin_text(trial.origin, trial.repeats)}): epoch "
            f"{trial.done_epochs}/{trial.epochs}, mAP50-95 {score(trial.last_map50_95)}{place}"
        )
    lines += [f"{time.strftime('%H:%M:%S', time.localtime(event.at))}  {event.text}" for event in status.events]
    for line in lines:
        say(console, line)


def _state(status: StudyStatus, db: str | None) -> str:
    """State of the study, with the command that continues it where it does not run."""
    row = status.study
    resume = command("resume", row.name, db)
    if row.state is StudyState.RUNNING and not status.alive:
        silence = duration(max(0.0, time.time() - row.heartbeat_at))
        return f"the study process ended unexpectedly (no sign of life for {silence}); {resume}"
    if row.state is StudyState.FINISHED:
        return f"finished; {command('show', row.name, db)}"
    if row.state is StudyState.INTERRUPTED:
        return f"{row.state.value}; {resume}"
    return f"{row.state.value}. {suspended_words(row)}".removesuffix(". ")
