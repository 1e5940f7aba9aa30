"""Reports on a terminal: tables, sentences and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from automl.costs.budget import budget_words
from automl.figures import duration, format_cost, score
from automl.records import EpochRow, Purpose, StudyState
from automl.reports import board
from automl.reports.card import card
from automl.reports.overview import Overview
from automl.reports.report import StudyReport, StudyStatus
from automl.scores.leaderboard import gain
from automl.scores.words import (
    one_seed_text,
    origin_text,
    production_missing_text,
    production_text,
    rank_correlations,
    unseen_text,
    unseen_verdict_text,
    verdict_text,
)

PLAIN: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
SPARED = (
    "mAP50",
    "epochs",
    "best epoch",
    "state",
    "cost",
    board.CONFIRMED,
)  # columns that a narrow terminal lacks, the first one first
WIDE = 140  # columns of a terminal that also shows what a trial changed
# Keys of the JSON documents.
_OF_REPORT = (
    *("study", "trials", "baseline", "best", "spent_s", "paid_share", "interrupted", "verdict", "winner"),
    *("production", "evaluations", "planned_s", "rungs", "waiting"),
)
_OF_STATUS = (
    *("study", "alive", "running", "share_spent", "events", "spent_s", "planned_s", "baseline", "winner"),
    *("verdict", "waiting"),
)


def as_json(report: StudyReport, epochs: list[EpochRow] | None) -> dict[str, Any]:
    """A report as plain containers, with each trial's gain over the defaults and the sentences of verdicts."""
    document = _picked(report, _OF_REPORT)
    for trial, row in zip(document["trials"], report.trials, strict=True):
        trial["gain"] = gain(row, report.baseline)
    for measured, evaluation in zip(document["evaluations"], report.evaluations, strict=True):
        measured["sentence"] = unseen_text(evaluation)
    if report.verdict is not None:
        document["verdict"] |= {
            "sentence": verdict_text(report.verdict),
            "confidence": report.verdict.confidence.value,
            "repeated": report.verdict.repeated,
        }
        for listed, estimate in zip(document["verdict"]["estimates"], report.verdict.estimates, strict=True):
            listed |= {"seeds": estimate.seeds, "observed": estimate.observed}
    if epochs is not None:
        document["epochs"] = _plain(epochs)
    return document


def status_json(status: StudyStatus) -> dict[str, Any]:
    """A status as plain containers."""
    return _picked(status, _OF_STATUS)


def listing(overview: Overview) -> dict[str, Any]:
    """A study as plain containers, with its winner under `take_home`; null where no trial has a score."""
    document: dict[str, Any] = _plain(overview.study)
    winner, document["take_home"] = overview.winner, None
    if winner is not None:
        document["take_home"] = {
            "trial": winner.number,
            "map50_95": overview.figure(winner),
            "seeds": overview.seeds(winner),
            "gain": overview.gain,
            "defaults": overview.figure(overview.baseline),
        }
    return document


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON of records; NaN, which JSON lacks, becomes null."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _picked(overview: Overview, keys: Sequence[str]) -> dict[str, Any]:
    return {key: _plain(getattr(overview, key)) for key in keys}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def print_report(
    console: Console, report: StudyReport, *, limit: int = 10, details: bool = False, db_words: str = ""
) -> None:
    """Print the card of the answer and the leaderboard.

    details   also costs, trust in the rungs, the plan against what was spent, and the verdict in sentences
    db_words  the `--db` option with which the card's commands reach the database
    """
    print_card(console, report, db_words)
    if report.study.note:
        say(console, f"Note: {report.study.note}")
    table, columns = _fitting(console, report, limit)
    if table.row_count:
        console.print(table)
        say(console, board.caption(columns, report.study.spec.epochs))
        for line in board.meanings(board.leading(report, report.trials, limit)):
            say(console, line)
    for line in _sentences(report) if details else [board.end_text(report, report.trials)]:
        say(console, line)
    if details:
        _print_unseen(console, report)
    if report.waiting:
        say(console, report.waiting + ("" if report.interrupted or report.alive else db_words))
    production, study = report.production, report.study
    if study.spec.train and production is None and study.state is StudyState.FINISHED:
        say(console, production_missing_text(study, db_words))
    if production is not None and details:
        say(console, production_text(production, study.spec.slots.device, report.evaluations))


def print_card(console: Console, overview: Overview, db_words: str = "") -> None:
    """Print the card of the answer; nothing before the defaults have a score."""
    lines = card(overview, db_words=db_words)
    if not lines:
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row(line.label, escape(line.text))
    console.print(f"[bold]{escape(overview.study.name)}[/bold]: the answer", highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    for line in lines:
        say(console, f"{line.label:<11} {line.text}")


def say(console: Console, line: str) -> None:
    """Print a line as it is; a pipe gets it unbroken."""
    console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def _fitting(console: Console, report: StudyReport, limit: int) -> tuple[Table, list[str]]:
    """The leaderboard and its headings; the least useful columns are left out until it fits the terminal."""
    columns = board.headings(report)
    unbounded = console.options.update(max_width=1000)
    for heading in SPARED:
        if console.measure(_board(report, columns, limit), options=unbounded).maximum <= console.width:
            break
        columns.remove(heading)
    if console.width >= WIDE:
        columns.append("changed")
    return _board(report, columns, limit), columns


def _board(report: StudyReport, columns: Sequence[str], limit: int) -> Table:
    title = f"{report.study.name}: best trials on val"
    table = Table(title=title, title_justify="left", title_style="bold", **PLAIN)
    for heading in columns:
        aligned: JustifyMethod = "left" if heading in board.LEFT else "right"
        table.add_column(heading, justify=aligned, overflow="ellipsis", no_wrap=True)
    for row in board.leading(report, report.trials, limit):
        cells = board.cells(row, report)
        table.add_row(*(escape(cells[heading]) for heading in columns), style="bold" if row.number == 0 else "")
    return table


def _print_unseen(console: Console, report: StudyReport) -> None:
    """Print figures on val beside those on unseen images, for the defaults and the winner."""
    by_number = {row.number: row for row in report.trials}
    rows = [row for row in report.evaluations if row.split == report.study.spec.unseen]
    if not rows:
        return
    split, images = rows[0].split, max(row.images for row in rows)
    title = f"{images} images that the search never saw ({split})"
    table = Table(title=title, title_justify="left", title_style="bold", **PLAIN)
    table.add_column("trial", justify="right")
    table.add_column("recipe")
    for heading in ("best epoch, val", f"mAP50-95 {split}", f"mAP50 {split}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        trial = by_number[row.trial]
        interval = "" if row.low is None or row.high is None else escape(f" [{row.low:.3f}, {row.high:.3f}]")
        cells = (
            str(row.trial),
            escape(origin_text(trial.origin, trial.repeats)),
            score(trial.best_map50_95),
            score(row.map50_95) + interval,
        )
        table.add_row(*cells, score(row.map50), style="bold" if row.trial == 0 else "")
    console.print(table)
    sentence = unseen_verdict_text(rows, report.production)
    if sentence:
        say(console, sentence)


def _sentences(report: StudyReport) -> list[str]:
    """End, cost, plan, trust in the rungs and verdict, a line each."""
    device = report.study.spec.slots.device
    lines = [board.end_text(report, report.trials), _cost(report)]
    if report.planned_s:
        lines.append(f"Spent of the plan: {plan_against_spent(report.planned_s, report.spent_s, device)}.")
    lines += filter(None, [rank_correlations(report.rungs)])
    baseline = report.baseline
    if report.verdict is not None:
        cost = f" The repeats cost {format_cost(report.verdict.cost_s, device)}." if report.verdict.cost_s else ""
        lines.append(f"{verdict_text(report.verdict)}{cost}")
    elif report.winner is not None and baseline is not None and baseline.score is not None:
        lines.append(one_seed_text(report.winner, baseline))
    return lines


def _cost(report: StudyReport) -> str:
    study, spec = report.study, report.study.spec
    device, total_s = spec.slots.device, sum(report.spent_s.values())
    parts = ", ".join(f"{format_cost(s, device)} {purpose}" for purpose, s in report.spent_s.items() if s > 0)
    text = f"Cost: {format_cost(total_s, device)} of {budget_words(spec)} ({parts}); wall {duration(study.wall_s)}"
    if report.paid_share <= 1:  # the surrogate's seconds are not real ones
        text += f"; {report.paid_share:.0%} of the trials' time was training and validation"
    return f"{text}."


def plan_against_spent(planned_s: Mapping[str, float], spent_s: Mapping[str, float], device: str) -> str:
    """Spent and planned cost of each purpose: 'search 8.1 of 8.4 cpu-min'."""
    parts = []
    for purpose in Purpose:
        planned, spent = planned_s.get(purpose.value, 0.0), spent_s.get(purpose.value, 0.0)
        if planned or spent:
            parts.append(f"{purpose.value} {format_cost(spent, device)} of {format_cost(planned, device)}")
    return ", ".join(parts)
