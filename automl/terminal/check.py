"""The report on a data set as text, and the progress of a check."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from automl.records import DataReport, Finding, Severity
from automl.reports import data_words as words
from automl.reports.data_report import plain
from automl.terminal.report import PLAIN
from automl.terminal.report import say as say_as_it_is
from automl.terminal.tables import open_console

PLACES = 3  # of a finding that are shown
SUSPECTS = 5  # suspicious labels that are shown
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}

_WRAPPED: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}  # paths can be copied

Hear = Callable[[str, int, int], None]  # what is being read, how many are done, of how many


@contextmanager
def bars(progress: bool | None) -> Iterator[Hear]:
    """Listener that shows how far a check is, on standard error.

    progress  None: where someone looks, True: always, False: never
    """
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield lambda what, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=open_console(stderr=True), transient=True) as display:
        tasks: dict[str, int] = {}

        def hear(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = display.add_task(escape(what), total=total)
            display.update(display.task_ids[list(tasks).index(what)], completed=done, total=total)

        yield hear


def sayer(progress: bool | None) -> Callable[[str], None]:
    """Function that prints a sentence on standard error; nothing with progress=False."""
    if progress is False:
        return lambda text: None
    return lambda text: print(words.clean(text), file=sys.stderr)


def say(console: Console, line: str, before: str = "") -> None:
    """Print a line without control characters, which names of files and classes may hold.

    before  text at its beginning, under whose end further lines begin on a terminal
    """
    text, rest = words.clean(line), " " * len(before)
    wrapped = [before + text]
    if console.is_terminal:
        wrapped = wrap(text, console.width, initial_indent=before, subsequent_indent=rest, **_WRAPPED) or [""]
    for part in wrapped:
        say_as_it_is(console, part)


def print_check(console: Console, report: DataReport, data: str, *, written: bool = False) -> None:
    """Print the verdict, the splits, the findings by severity, the recommendations and the commands that go on.

    data     the words that name the data set on a command line
    written  True where its HTML page was just written
    """
    say(console, words.verdict(report))
    first = words.first_step(report)
    if first:
        say(console, f"First: {first}")
    _print_splits(console, report)
    for severity in Severity:
        _print_findings(console, report, severity)
    _print_recommendations(console, report)
    _print_suspects(console, report)
    say(console, "")
    for purpose, command in words.next_commands(report, data, written=written):
        say(console, f"{purpose}:")
        say_as_it_is(console, f"    {words.clean(command)}")


def _print_splits(console: Console, report: DataReport) -> None:
    head, rows = words.splits_table(report)
    if not rows:
        return
    table = Table(**PLAIN)
    for heading in head:
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def _print_findings(console: Console, report: DataReport, severity: Severity) -> None:
    findings = report.of(severity)
    if not findings:
        return
    console.print(f"\n[{_STYLES[severity]}]{words.counted(len(findings), severity.value)}[/]", highlight=False)
    for finding in findings:
        _print_finding(console, finding)


def _print_finding(console: Console, finding: Finding) -> None:
    say(console, finding.title, "- ")
    places = finding.places[:PLACES]
    lines = [words.place_text(place) for place in places]
    more = words.more_text(finding, len(places))
    for line in filter(None, [*lines, more]):
        say(console, line, "    ")
    say(console, f"What to do: {finding.advice}", "  ")


def _print_suspects(console: Console, report: DataReport) -> None:
    if report.suspects:
        console.print(f"\n[bold]{escape(words.suspects_text(report))}[/]", highlight=False)
        for suspect in report.suspects[:SUSPECTS]:
            say(console, words.suspect_text(suspect, report.names), "- ")
        say(console, "Look at each before you change it: the model can be wrong too. All with pictures: --html FILE.")
    for sentence in filter(None, (report.judged, report.price)):
        say(console, "")
        say(console, sentence)


def _print_recommendations(console: Console, report: DataReport) -> None:
    entries = words.further(report)
    if not entries:
        return
    console.print("\n[bold]Recommended[/]", highlight=False)
    for entry in entries:
        say(console, entry.text, "- ")
        say(console, f"Why: {entry.why} (Source: {words.source_text(entry.source)}.)", "  ")


def check_json(report: DataReport) -> str:
    """The report as one JSON document, with its verdict in words."""
    document = report.as_document()
    summary = {
        "trainable": report.trainable,
        "verdict": words.verdict(report),
        "first": words.first_step(report),
        "counts": {severity.value: len(report.of(severity)) for severity in Severity},
    }
    return json.dumps(plain({**summary, **document}), indent=2, allow_nan=False)
