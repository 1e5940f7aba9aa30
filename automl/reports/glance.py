"""A study at a glance where Python shows it: a few lines of text, or the card and tables as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from automl import markup
from automl.figures import duration, score
from automl.records import EventRow, StudyState, TrialRow
from automl.reports import board
from automl.reports.card import Line, card
from automl.reports.overview import Overview
from automl.store.address import command

ROWS = 10  # of the leaderboard
_IN_TEXT = ("best found", "defaults", "difference", "but", "cost", "next")  # lines of the card that a `repr` has


@dataclass(frozen=True, kw_only=True, repr=False)
class Glance(Overview):
    """An overview that shows itself in a console and in a notebook."""

    def __repr__(self) -> str:
        lines = [f"{line.label:<11} {line.text}" for line in lines_of(self) if line.label in _IN_TEXT]
        return "\n  ".join([f"<{type(self).__name__} '{self.study.name}': {headline(self)}>", *lines])

    def _repr_html_(self) -> str:
        return html(self)


def state_of(overview: Overview) -> str:
    """State of the study in a word; 'crashed' where its process ended unexpectedly."""
    study = overview.study
    return "crashed" if study.state is StudyState.RUNNING and not overview.alive else study.state.value


def headline(overview: Overview) -> str:
    """State and number of trials: 'finished, 12 trials'."""
    trials = overview.study.trials
    return f"{state_of(overview)}, {trials} trial{'' if trials == 1 else 's'}"


def lines_of(overview: Overview) -> list[Line]:
    """The card, with the next command also where the study has not finished."""
    lines = list(card(overview, db_words=overview.db_words))
    study = overview.study
    if not lines:
        lines.append(Line("defaults", "no score yet"))
    if study.state is StudyState.INTERRUPTED or (study.state is StudyState.RUNNING and not overview.alive):
        lines.append(Line("next", command("resume", study.name, None) + overview.db_words))
    return lines


def html(overview: Overview, *parts: str) -> str:
    """The card as HTML, and further parts of HTML below it."""
    study = overview.study
    ended = f"Ended: {study.reason}." if study.reason and study.state is not StudyState.RUNNING else ""
    return markup.block(
        f"{study.name}: {headline(overview)}", markup.labelled(lines_of(overview)), *parts, markup.paragraph(ended)
    )


def leaderboard_html(overview: Overview, trials: Sequence[TrialRow]) -> str:
    """The best trials as HTML, with the meaning of the columns; empty before any trial has a score."""
    columns = board.headings(overview)
    rows = board.leading(overview, trials, ROWS)
    cells = [board.cells(row, overview) for row in rows]
    if not rows:
        return ""
    defaults = [place for place, row in enumerate(rows) if row.number == 0]
    table = markup.table(columns, [[row[name] for name in columns] for row in cells], left=board.LEFT, strong=defaults)
    more = "" if len(rows) == len(trials) else f" All {len(trials)} trials: to_dataframe()."
    return (
        markup.heading("Best trials on val")
        + table
        + markup.paragraph(board.caption(columns, overview.study.spec.epochs) + more)
    )


def running_html(trials: Sequence[TrialRow]) -> str:
    """The running trials as HTML; empty without any."""
    headings = ("trial", "origin", "epoch", "mAP50-95", "runs for")
    rows = [
        [str(row.number), row.origin, f"{row.done_epochs}/{row.epochs}", score(row.last_map50_95), duration(row.slot_s)]
        for row in trials
    ]
    return markup.table(headings, rows, left=("origin",))


def log_html(events: Sequence[EventRow]) -> str:
    """The last lines of a study's log as HTML."""
    return markup.paragraph("\n".join(event.text for event in events))
