"""Display of a running search: a live table, plain lines, or a file of events."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from automl.costs.budget import Budget, limits_of
from automl.costs.plan import Plan
from automl.errors import NoSpace
from automl.figures import duration, format_cost, score
from automl.records import Listener, Notice, Purpose, StudySpec, TrialState
from automl.scores.words import course_text, state_text
from automl.terminal import plan as plan_view
from automl.terminal.report import dumps

REFRESHES = 4  # of the live table in a second


class Tally:
    """Running totals over the notices of a search."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec: StudySpec | None = None
        self.running: dict[int, dict[str, Any]] = {}
        self.log: deque[str] = deque(maxlen=6)
        self.baseline: float | None = None
        self.best_epoch: tuple[float, int] | None = None
        self.begun = self.ended = 0
        self.closed_s = 0.0  # slot-seconds before this session, and of the trials that ended in it
        self.at = 0.0
        self._clock = clock
        self._heard = clock()

    def take(self, notice: Notice) -> str | None:
        """Add a notice. Returns its line for the log, if it is worth one."""
        self.at, self._heard = notice.at, self._clock()
        line = getattr(self, f"_{notice.kind}")(notice, notice.values)
        if line is not None and notice.kind != "plan":  # which stands above the table
            self.log.append(line)
        return str(line) if line is not None else None

    def now(self) -> float:
        """Wall seconds of the study."""
        return self.at + self._clock() - self._heard if self.spec is not None and self.begun else self.at

    def spent_s(self) -> float:
        """Slot-seconds until now."""
        now = self.now()
        held_s = [float(run["slot_s"] - run["before_s"] + now - run["at"]) for run in self.running.values()]
        return self.closed_s + sum(held_s)

    def _note(self, notice: Notice, values: Mapping[str, Any]) -> str:
        return str(values["text"])

    def _study(self, notice: Notice, values: Mapping[str, Any]) -> str | None:
        self.spec = values["spec"]
        self.closed_s = values["spent_s"]
        self.begun, self.ended = values["begun"], values["ended"]
        self.baseline, self.best_epoch = values["baseline"], values["best_epoch"]
        return f"Going on with {self.begun} trials, {self.ended} of them ended" if self.begun else None

    def _probed(self, notice: Notice, values: Mapping[str, Any]) -> str:
        spec: StudySpec = values["spec"]
        fitted = values["fitted"]
        weights = f"{fitted} of {values['tensors']} tensors fitted; " if fitted is not None else ""
        model, imgsz = spec.fixed.get("model", spec.models[0]), spec.fixed.get("imgsz", spec.imgsz[0])
        network = f"{Path(str(model)).name} at {imgsz} px, {values['parameters'] / 1e6:.1f} M parameters"
        return (
            f"Baseline {network}; {weights}{values['train_images']} train and {values['val_images']} val images; "
            f"{values['epoch_s']:.1f} s an epoch; {course_text(values['epochs'], values['rungs'])}"
        )

    def _plan(self, notice: Notice, values: Mapping[str, Any]) -> str:
        return "\n".join(plan_view.brief(Plan.from_document(values["plan"])))

    def _trial_started(self, notice: Notice, values: Mapping[str, Any]) -> None:
        self.begun += values["attempt"] == 1
        self.running[notice.trial or 0] = {
            "origin": values["origin"],
            "purpose": values["purpose"],
            "repeats": values["repeats"],
            "epoch": values["done_epochs"],
            "epochs": values["epochs"],
            "map50_95": None,
            "best": None,
            "slot_s": values["slot_s"],
            "before_s": values["slot_s"],  # cost of its earlier attempts
            "at": notice.at,
        }

    def _epoch(self, notice: Notice, values: Mapping[str, Any]) -> None:
        run = self.running[notice.trial or 0]
        value = values["map50_95"]
        run |= {"epoch": values["epoch"], "map50_95": value, "slot_s": values["slot_s"], "at": notice.at}
        if not math.isnan(value):
            run["best"] = max(value, run["best"] or 0.0)
            if notice.trial == 0:
                self.baseline = max(value, self.baseline or 0.0)
            if run["purpose"].searched and (self.best_epoch is None or value > self.best_epoch[0]):
                self.best_epoch = (value, notice.trial or 0)

    def _trial_ended(self, notice: Notice, values: Mapping[str, Any]) -> str:
        run = self.running.pop(notice.trial or 0)
        self.ended += values["state"] != TrialState.INTERRUPTED
        self.closed_s += values["slot_s"] - run["before_s"]
        device = self.spec.slots.device if self.spec is not None else "cpu"
        return (
            f"trial {notice.trial} {state_text(TrialState(values['state']))}: best epoch {score(values['map50_95'])}, "
            f"{format_cost(values['slot_s'], device)}; {values['reason']}"
        )


class PlainProgress:
    """One line for each event that matters, for logs and pipes."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console = console
        self._tally = tally

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

    def _draw(self) -> RenderableType:
        tally = self._tally
        lines: list[RenderableType] = []
        if tally.spec is not None:
            lines += [self._headline(tally.spec), *(self._gauge(budget) for budget in limits_of(tally.spec))]
            lines.append(self._running())
        lines += [Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in tally.log]
        return Group(*lines)

    def _headline(self, spec: StudySpec) -> Text:
        tally = self._tally
        best, number = tally.best_epoch or (None, None)
        line = Text.assemble((f"{spec.name}  ", "bold"), f"trials {tally.begun} begun, {tally.ended} ended   ")
        line.append(f"best epoch {score(best)} mAP50-95", "bold green")
        if number is not None:
            line.append(f" (trial {number})")
        return line.append(f"   the defaults' {score(tally.baseline)}")

    def _gauge(self, budget: Budget) -> Table:
        tally = self._tally
        if budget.trials is not None:
            used, total, shown = (
                float(tally.begun),
                float(budget.trials),
                f"{tally.begun} of {budget.trials} trials",
            )
        elif budget.wall_s is not None:
            used, total = tally.now(), budget.wall_s
            shown = f"{duration(used)} of {duration(total)}"
        else:
            used, total = tally.spent_s(), budget.limit_s or 1.0
            device = budget.device or "cpu"
            shown = f"{format_cost(used, device)} of {format_cost(total, device)}"
            if used > 0 and tally.now() > 0:
                left_s = max(0.0, total - used)
                last_s = min(left_s, self._production_s())
                left_s = (left_s - last_s) / max(1, len(tally.running)) + last_s
                shown += f"   ends in about {duration(left_s)}"
        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(total=total, completed=min(used, total), width=40), shown)
        return row

    def _production_s(self) -> float:
        """Slot-seconds of the winner's production training before it begins; it has one slot to itself."""
        spec = self._tally.spec
        if spec is None:
            return 0.0
        defaults = range(max(1, len(spec.points)) if spec.compare else 0)
        running = [run for run in self._tally.running.values() if run["purpose"] is Purpose.PRODUCTION]
        if any(run["repeats"] not in defaults for run in running):
            return 0.0
        share_s = float(spec.plan.get("shares", {}).get(Purpose.PRODUCTION.value, 0.0))
        return share_s / 2 if spec.compare else share_s

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


class JsonEvents:
    """File of events: every notice is appended, one JSON object a line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, notice: Notice) -> None:
        self._file.write(dumps({"kind": notice.kind, "at_s": notice.at, "trial": notice.trial, **notice.values}) + "\n")
        self._file.flush()


@contextmanager
def shown(console: Console, *, quiet: bool, events: Path | None = None) -> Iterator[Listener]:
    """Listener that shows a search's notices while it runs, and appends them to a file where one is named.

    Raises NoSpace if the file cannot be opened.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_opened(events)) if events is not None else None
        screen = display(console, quiet=quiet)
        stack.enter_context(screen)
        listeners: list[Listener] = [screen] if file is None else [screen, JsonEvents(file)]

        def listen(notice: Notice) -> None:
            for listener in listeners:
                listener(notice)

        yield listen


def display(console: Console, *, quiet: bool) -> Silence | PlainProgress | LiveProgress:
    """Display for the console: none when quiet, live on a terminal, lines elsewhere."""
    tally = Tally()
    if quiet:
        return Silence()
    return LiveProgress(console, tally) if console.is_terminal else PlainProgress(console, tally)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise NoSpace(f"{path} cannot be written ({error.strerror}). Choose another --json-events.") from error
