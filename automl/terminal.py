"""What a user sees on a terminal: live progress, tables, figures. Only the CLI imports this."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from automl.budget import Budget, format_cost
from automl.drivers.session import Notice
from automl.leaderboard import changed, gain
from automl.records import EpochRow, StudyRow, StudySpec, StudyState, TrialRow, TrialState
from automl.service import StudyReport, StudyStatus

_PLAIN: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}


def duration(seconds: float) -> str:
    """'1:02:03', '4:05' or '42 s'."""
    whole = int(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def score(value: float | None) -> str:
    """A fraction with three digits, or a dash."""
    return "–" if value is None or value != value else f"{value:.3f}"


class Tally:
    """What the notices of a search add up to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec: StudySpec | None = None
        self.running: dict[int, dict[str, Any]] = {}
        self.log: deque[str] = deque(maxlen=6)
        self.baseline: float | None = None
        self.incumbent: tuple[float, int] | None = None
        self.begun = self.ended = 0
        self.closed_s = 0.0
        self.at = 0.0
        self._clock = clock
        self._heard = clock()

    def take(self, notice: Notice) -> str | None:
        """Adds a notice; a line for the log where it is worth one."""
        self.at, self._heard = notice.at, self._clock()
        line = getattr(self, f"_{notice.kind}")(notice, notice.values)
        if line is not None:
            self.log.append(line)
        return str(line) if line is not None else None

    def now(self) -> float:
        """Wall seconds of the study."""
        return self.at + self._clock() - self._heard if self.spec is not None and self.begun else self.at

    def spent_s(self) -> float:
        """Slot-seconds until now."""
        now = self.now()
        probe_s = self.spec.probe_s if self.spec is not None else 0.0
        held_s = [float(run["slot_s"] + now - run["at"]) for run in self.running.values()]
        return probe_s + self.closed_s + sum(held_s)

    def _note(self, notice: Notice, values: Mapping[str, Any]) -> str:
        return str(values["text"])

    def _probed(self, notice: Notice, values: Mapping[str, Any]) -> str:
        self.spec = values["spec"]
        fitted = values["fitted"]
        told = f"{fitted} of {values['tensors']} tensors fitted; " if fitted is not None else ""
        rungs = ", ".join(map(str, values["rungs"])) or "none"
        network = f"{self.spec.models[0]} at {self.spec.imgsz[0]} px, {values['parameters'] / 1e6:.1f} M parameters"
        return (
            f"Baseline {network}; {told}{values['train_images']} train and {values['val_images']} val images; "
            f"{values['epoch_s']:.1f} s an epoch; horizon {values['epochs']} epochs, rungs at {rungs}"
        )

    def _trial_started(self, notice: Notice, values: Mapping[str, Any]) -> None:
        self.begun += values["attempt"] == 1
        self.running[notice.trial or 0] = {
            "origin": values["origin"],
            "epoch": values["done_epochs"],
            "epochs": values["epochs"],
            "map50_95": None,
            "best": None,
            "slot_s": 0.0,
            "at": notice.at,
        }

    def _epoch(self, notice: Notice, values: Mapping[str, Any]) -> None:
        run = self.running[notice.trial or 0]
        value = values["map50_95"]
        run |= {"epoch": values["epoch"], "map50_95": value, "slot_s": values["slot_s"], "at": notice.at}
        if value == value:
            run["best"] = max(value, run["best"] or 0.0)
            if notice.trial == 0:
                self.baseline = max(value, self.baseline or 0.0)
            if self.incumbent is None or value > self.incumbent[0]:
                self.incumbent = (value, notice.trial or 0)

    def _trial_ended(self, notice: Notice, values: Mapping[str, Any]) -> str:
        self.running.pop(notice.trial or 0, None)
        self.ended += 1
        self.closed_s += values["slot_s"]
        device = self.spec.slots.device if self.spec is not None else "cpu"
        return (
            f"trial {notice.trial} {values['state']}: mAP50-95 {score(values['map50_95'])}, "
            f"{format_cost(values['slot_s'], device)}; {values['reason']}"
        )


class PlainProgress:
    """One line for each thing that matters: for logs and pipes."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console = console
        self._tally = tally

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to put back."""

    def __call__(self, notice: Notice) -> None:
        before = self._tally.incumbent
        line = self._tally.take(notice)
        stamp = duration(notice.at).rjust(7)
        if line is not None:
            self._console.print(f"{stamp}  {line}", highlight=False, markup=False, soft_wrap=True)
        elif notice.kind == "epoch" and self._tally.incumbent != before and self._tally.baseline is not None:
            best, number = self._tally.incumbent or (0.0, 0)
            self._console.print(
                f"{stamp}  best mAP50-95 {best:.3f} (trial {number}, epoch {notice.values['epoch']}); "
                f"defaults {score(self._tally.baseline)}",
                highlight=False,
                soft_wrap=True,
            )


class Silence:
    """No progress at all."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to put back."""

    def __call__(self, notice: Notice) -> None:
        """Says nothing."""


class LiveProgress:
    """A table that is redrawn in place: budget, running trials, incumbent, last events."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._tally = tally
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._live.__exit__(*exception)

    def __call__(self, notice: Notice) -> None:
        self._tally.take(notice)

    def _draw(self) -> RenderableType:
        tally = self._tally
        lines: list[RenderableType] = []
        if tally.spec is not None:
            lines += [self._headline(tally.spec), *(self._gauge(text) for text in tally.spec.budgets)]
            lines.append(self._running())
        lines += [Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in tally.log]
        return Group(*lines)

    def _headline(self, spec: StudySpec) -> Text:
        tally = self._tally
        best, number = tally.incumbent or (None, None)
        told = Text.assemble((f"{spec.name}  ", "bold"), f"trials {tally.begun} begun, {tally.ended} ended   ")
        told.append(f"best mAP50-95 {score(best)}", "bold green")
        if number is not None:
            told.append(f" (trial {number})")
        told.append(f"   defaults {score(tally.baseline)}")
        if best is not None and tally.baseline is not None and number != 0:
            told.append(f"   {best - tally.baseline:+.3f}")
        return told

    def _gauge(self, text: str) -> Table:
        tally, budget = self._tally, Budget.parse(text)
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
            used, total = tally.spent_s(), budget.slot_s or 1.0
            device = budget.device or "cpu"
            shown = f"{format_cost(used, device)} of {format_cost(total, device)}"
            if used > 0 and tally.now() > 0:
                left_s = max(0.0, total - used) / max(1, len(tally.running))
                shown += f"   ends in about {duration(left_s)}"
        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(total=total, completed=min(used, total), width=40), shown)
        return row

    def _running(self) -> Table:
        table = Table("trial", "origin", "epoch", "mAP50-95", "best", "running for", box=None, pad_edge=False)
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
    """Appends every notice to a file, one JSON object a line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, notice: Notice) -> None:
        self._file.write(dumps({"kind": notice.kind, "at_s": notice.at, "trial": notice.trial, **notice.values}) + "\n")
        self._file.flush()


def progress(console: Console, tally: Tally, *, quiet: bool) -> Silence | PlainProgress | LiveProgress:
    """The display that fits: none when quiet, live on a terminal, lines elsewhere."""
    if quiet:
        return Silence()
    return LiveProgress(console, tally) if console.is_terminal else PlainProgress(console, tally)


def as_json(report: StudyReport, epochs: list[EpochRow] | None) -> dict[str, Any]:
    """A report as plain containers, with each trial's gain against the baseline."""
    document: dict[str, Any] = _plain(report)
    for trial, row in zip(document["trials"], report.trials, strict=True):
        trial["gain"] = gain(row, report.baseline)
    if epochs is not None:
        document["epochs"] = _plain(epochs)
    return document


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON of records; NaN, which JSON lacks, becomes null."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return str(value) if isinstance(value, Path) else value


def print_report(console: Console, report: StudyReport, *, limit: int = 10) -> None:
    """The leaderboard, what it cost and the honest sentence."""
    spec, baseline = report.study.spec, report.baseline
    table = Table(title=f"{spec.name}: best trials on val", title_justify="left", title_style="bold", **_PLAIN)
    for heading in ("trial", "origin", "mAP50-95", "mAP50", "gain", "epochs", "state", "cost"):
        table.add_column(heading, justify="left" if heading in ("origin", "state") else "right", no_wrap=True)
    wide = console.width >= 140
    if wide:
        table.add_column("changed", overflow="ellipsis", no_wrap=True)
    shown = [row for row in report.trials if row.best_map50_95 is not None][:limit]
    if baseline is not None and baseline not in shown and baseline.best_map50_95 is not None:
        shown.append(baseline)
    for row in shown:
        cells = _row(row, baseline, spec.slots.device)
        table.add_row(*(cells if wide else cells[:-1]), style="bold" if row.number == 0 else "")
    console.print(table)
    if report.best is not None and report.best.number != 0 and not wide:
        console.print(f"Trial {report.best.number} changed: {_differences(report.best, baseline)}", highlight=False)
    for line in _sentences(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _row(row: TrialRow, baseline: TrialRow | None, device: str) -> list[str]:
    above = gain(row, baseline) if row.number else None
    return [
        str(row.number),
        escape(row.origin),
        score(row.best_map50_95),
        score(row.best_map50),
        "" if above is None else f"{above:+.3f}",
        f"{row.done_epochs}/{row.epochs}",
        row.state.value,
        format_cost(row.slot_s, device),
        "" if row.number == 0 else _differences(row, baseline),
    ]


def _differences(row: TrialRow, baseline: TrialRow | None) -> str:
    return escape("  ".join(f"{k}={_short(v)}" for k, v in changed(row, baseline).items()))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _sentences(report: StudyReport) -> list[str]:
    study, spec = report.study, report.study.spec
    device = spec.slots.device
    spent = ", ".join(f"{format_cost(s, device)} {purpose}" for purpose, s in report.spent_s.items() if s > 0)
    states = [row.state for row in report.trials]
    counts = ", ".join(f"{states.count(state)} {state.value}" for state in TrialState if states.count(state))
    lines = [
        f"Trials: {counts or 'none'}. Ended: {study.reason or study.state.value}.",
        f"Cost: {format_cost(sum(report.spent_s.values()), device)} of {' / '.join(spec.budgets)} ({spent}); "
        f"wall {duration(study.wall_s)}; {report.paid_share:.0%} of the trials' time was training and validation.",
    ]
    best, baseline = report.best, report.baseline
    if best is not None and baseline is not None and baseline.best_map50_95 is not None:
        lines.append(_verdict(best, baseline))
    return lines


def _verdict(best: TrialRow, baseline: TrialRow) -> str:
    above = gain(best, baseline) or 0.0
    if best.number == 0 or above <= 0:
        return f"The defaults are as good: no trial beat their mAP50-95 of {score(baseline.best_map50_95)} on val."
    doubt = (
        "That is within what two seeds of one recipe differ by (about 0.01-0.02): take it for a tie."
        if above < 0.02
        else "One seed each, and the best of several is optimistic: a second seed would tell more."
    )
    return (
        f"Trial {best.number} reached mAP50-95 {score(best.best_map50_95)} on val, {above:+.3f} against the "
        f"defaults' {score(baseline.best_map50_95)}. {doubt}"
    )


def print_studies(console: Console, rows: list[StudyRow]) -> None:
    """One line for each study."""
    table = Table("study", "state", "trials", "best", "defaults", "spent", "begun", **_PLAIN)
    for row in rows:
        table.add_row(
            escape(row.name),
            row.state.value,
            str(row.trials),
            score(row.best_map50_95),
            score(row.baseline_map50_95),
            format_cost(row.slot_s, row.spec.slots.device),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created_at)),
        )
    console.print(table)


def print_status(console: Console, found: StudyStatus) -> None:
    """Where a study stands."""
    row = found.study
    state = row.state.value
    if row.state is StudyState.RUNNING and not found.alive:
        state = f"died (no sign of life for {duration(time.time() - row.heartbeat_at)}); automl resume {row.name}"
    elif row.state is StudyState.INTERRUPTED:
        state += f"; automl resume {row.name}"
    device = row.spec.slots.device
    lines = [
        f"study     {row.name}: {state}",
        f"best      mAP50-95 {score(row.best_map50_95)} (trial {'–' if row.best_trial is None else row.best_trial}), "
        f"defaults {score(row.baseline_map50_95)}",
        f"spent     {format_cost(row.slot_s, device)}, wall {duration(row.wall_s)}: {found.share_spent:.0%} of "
        f"{' / '.join(row.spec.budgets)}",
        f"trials    {row.trials} begun, {len(found.running)} running",
    ]
    for trial in found.running:
        where = f" on {trial.node} ({trial.device})" if trial.node else ""
        lines.append(
            f"          trial {trial.number} ({trial.origin}): epoch {trial.done_epochs}/{trial.epochs}, "
            f"mAP50-95 {score(trial.last_map50_95)}{where}"
        )
    lines += [f"{time.strftime('%H:%M:%S', time.localtime(e.at))}  {e.text}" for e in found.events]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
