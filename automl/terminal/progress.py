"""Display of a running search: a live table, plain lines, or a file of events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from automl.costs.plan import Plan
from automl.errors import NoSpace
from automl.figures import duration, score
from automl.records import Listener, Notice, StudySpec
from automl.reports import board
from automl.reports.report import StudyReport
from automl.store.address import command
from automl.terminal.lasting import Lines
from automl.terminal.report import dumps, print_card
from automl.terminal.tally import Gauge, Tally

REFRESHES = 4  # of the live table in a second


def print_result(console: Console, result: StudyReport | Plan) -> None:
    """Print the card of a study with its end. A plan was printed when it was made."""
    if isinstance(result, Plan):
        return
    print_card(console, result, result.db_words)
    text = board.end_text(result, result.trials)
    if result.waiting:
        text += f"\n{result.waiting}"
    if result.interrupted:
        text += f"\nGo on with: {command('resume', result.study.name, None)}{result.db_words}"
    console.print(text, highlight=False, markup=False, soft_wrap=not console.is_terminal)


class PlainProgress:
    """One line for each event that matters, for logs and pipes."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console = console
        self._tally = tally

    def conclude(self, result: StudyReport | Plan) -> None:
        """Print the card of a study."""
        print_result(self._console, result)

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to restore."""

    def __call__(self, notice: Notice) -> None:
        before = self._tally.best_epoch
        line = self._tally.take(notice)
        stamp = duration(notice.at).rjust(7)
        if line is not None:
            self._console.print(f"{stamp}  {line}", highlight=False, markup=False, soft_wrap=True)
        elif notice.kind == "epoch" and self._tally.best_epoch != before and self._tally.baseline is not None:
            best, number = self._tally.best_epoch or (0.0, 0)
            self._console.print(
                f"{stamp}  best epoch {best:.3f} mAP50-95 (trial {number}, epoch {notice.values['epoch']}); "
                f"the defaults' {score(self._tally.baseline)}",
                highlight=False,
                soft_wrap=True,
            )


class Silence:
    """Display of nothing."""

    def conclude(self, result: StudyReport | Plan) -> None:
        """Show nothing."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to restore."""

    def __call__(self, notice: Notice) -> None:
        """Ignore the notice."""


class LiveProgress:
    """Table that is redrawn in place: budget, running trials, best epoch, last events."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._tally = tally
        self._console = console
        self._live = Live(console=console, get_renderable=self._draw, auto_refresh=False, transient=True)
        self._above: list[str] = []
        self._size = console.size
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._redraw_often, daemon=True)

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._over.set()
        self._thread.join()
        self._live.__exit__(*exception)

    def __call__(self, notice: Notice) -> None:
        line = self._tally.take(notice)
        if notice.kind == "plan" and line is not None:  # stays above the table
            self._above.append(line)
            self._print(line)

    def _redraw_often(self) -> None:
        while not self._over.wait(1 / REFRESHES):
            self.redraw()

    def redraw(self) -> None:
        """Draw the table as it is now.

        A terminal of another size has broken the lines of the last table anew, so nobody knows how many there are: the
        screen is cleared, and what stands above the table is printed again.
        """
        size, self._size = self._size, self._console.size
        if size != self._size:
            self._console.control(Control.clear(), Control.home())
            for line in self._above:
                self._print(line)
        self._live.refresh()

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)

    def conclude(self, result: StudyReport | Plan) -> None:
        """Print the card of a study, in place of the table."""
        print_result(self._console, result)

    def _draw(self) -> RenderableType:
        tally = self._tally
        lines: list[RenderableType] = []
        if tally.spec is not None:
            lines += [self._headline(tally.spec), *map(_gauge, tally.gauges())]
            lines.append(self._running())
        lines += [Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in tally.log]
        return Group(*lines)

    def _headline(self, spec: StudySpec) -> Text:
        line = Text.assemble((f"{spec.name}  ", "bold"), f"{self._tally.counts()}   {self._tally.best_text()}")
        line.highlight_regex(r"best epoch \S+ mAP50-95", "bold green")
        return line

    def _running(self) -> Table:
        table = Table("trial", "recipe", "epoch", "mAP50-95", "best", "running for", box=None, pad_edge=False)
        now = self._tally.now()
        for number, run in sorted(self._tally.running.items()):
            table.add_row(
                str(number),
                escape(run["origin"]),
                f"{run['epoch']}/{run['epochs']}",
                score(run["map50_95"]),
                score(run["best"]),
                duration(run["slot_s"] + now - run["at"]),
            )
        return table


def _gauge(gauge: Gauge) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(ProgressBar(total=1.0, completed=gauge.share, width=40), gauge.text)
    return row


class JsonEvents:
    """File of events: every notice is appended, one JSON object a line.

    A file that cannot be written any more, on a disk that is full, is said once and ends no search.
    """

    def __init__(self, add: Callable[[str], object]) -> None:
        self._add = add

    def __call__(self, notice: Notice) -> None:
        self._add(dumps({"kind": notice.kind, "at_s": notice.at, "trial": notice.trial, **notice.values}) + "\n")


@contextmanager
def shown(console: Console, *, quiet: bool, events: Path | None = None) -> Iterator[Listener]:
    """Listener that shows a search's notices while it runs, and appends them to a file where one is named.

    Raises NoSpace if the file cannot be opened.
    """
    with ExitStack() as stack:
        lines = Lines(stack.enter_context(_opened(events))) if events is not None else None
        written = JsonEvents(lines.add) if lines is not None else None
        screen = display(console, quiet=quiet)
        stack.enter_context(screen)

        def listen(notice: Notice) -> None:
            screen(notice)
            if lines is not None and written is not None:
                before = lines.problem
                written(notice)
                if lines.problem is not None and before is None:  # said once: the search goes on without
                    text = f"{events} cannot be written ({lines.problem.strerror}): events are left out until it can"
                    screen(Notice(kind="note", at=notice.at, values={"text": text}))

        yield listen


def display(console: Console, *, quiet: bool) -> Silence | PlainProgress | LiveProgress:
    """Display for the console: none when quiet, live on a terminal, lines elsewhere."""
    tally = Tally()
    if quiet:
        return Silence()
    return LiveProgress(console, tally) if console.is_terminal else PlainProgress(console, tally)


def _opened(path: Path) -> FileIO:
    try:
        return path.open("ab", buffering=0)
    except OSError as error:
        raise NoSpace(f"{path} cannot be written ({error.strerror}). Choose another --json-events.") from error
