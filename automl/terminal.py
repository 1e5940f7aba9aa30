"""What a user reads on a terminal at the end: tables, sentences, JSON. Only the CLI's floor imports this."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from automl.budget import format_cost
from automl.leaderboard import Verdict, changed, gain, in_words, unseen_in_words, verdict_on_unseen
from automl.records import EpochRow, Purpose, StudyRow, StudyState, TrialRow, TrialState
from automl.service import StudyReport, StudyStatus
from automl.trust import TIE

PLAIN: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}


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


def as_json(report: StudyReport, epochs: list[EpochRow] | None) -> dict[str, Any]:
    """A report as plain containers, with each trial's gain against the baseline."""
    document: dict[str, Any] = _plain(report)
    for trial, row in zip(document["trials"], report.trials, strict=True):
        trial["gain"] = gain(row, report.baseline)
    for measured, evaluation in zip(document["evaluations"], report.evaluations, strict=True):
        measured["sentence"] = unseen_in_words(evaluation)
    if report.verdict is not None:
        document["verdict"]["sentence"] = in_words(report.verdict)
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
    table = Table(title=f"{spec.name}: best trials on val", title_justify="left", title_style="bold", **PLAIN)
    headings = ["trial", "origin", "mAP50-95", "mAP50", "gain", "epochs", "state", "cost"]
    if report.verdict is not None:
        headings.insert(3, "± 90 % (seeds)")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("origin", "state") else "right", no_wrap=True)
    wide = console.width >= 140
    if wide:
        table.add_column("changed", overflow="ellipsis", no_wrap=True)
    for row in _shown(report, limit):
        cells = _row(row, baseline, spec.slots.device)
        if report.verdict is not None:
            cells.insert(3, _confirmed(report.verdict, row))
        table.add_row(*(cells if wide else cells[:-1]), style="bold" if row.number == 0 else "")
    console.print(table)
    taken = report.winner if report.winner is not None and report.winner.number != 0 else report.best
    if taken is not None and taken.number != 0 and not wide:
        console.print(f"Trial {taken.number} changed: {_differences(taken, baseline)}", highlight=False)
    for line in _sentences(report):
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)
    _print_unseen(console, report)


def _shown(report: StudyReport, limit: int) -> list[TrialRow]:
    """Rows of the leaderboard: those that ran again first, by what came of it; repeats have no row of their own."""
    rows = {row.number: row for row in report.trials if row.best_map50_95 is not None and row.repeats is None}
    first = [each.trial for each in report.verdict.estimates] if report.verdict is not None else []
    shown = [rows[number] for number in (*first, *(n for n in rows if n not in first))][: max(limit, len(first))]
    if 0 in rows and rows[0] not in shown:
        shown.append(rows[0])
    return shown


def _confirmed(decided: Verdict, row: TrialRow) -> str:
    """Mean and interval over the seeds that no search selected."""
    found = decided.of(row.number)
    return "" if found is None else f"{found.score.mean:.3f} ± {found.score.half:.3f} ({found.seeds})"


def _print_unseen(console: Console, report: StudyReport) -> None:
    """Val beside what the search never saw, for the defaults and the winner."""
    by_number = {row.number: row for row in report.trials}
    rows = [row for row in report.evaluations if row.split == report.study.spec.unseen]
    if not rows:
        return
    split, images = rows[0].split, max(row.images for row in rows)
    title = f"{images} images that the search never saw ({split})"
    table = Table(title=title, title_justify="left", title_style="bold", **PLAIN)
    table.add_column("trial", justify="right")
    table.add_column("origin")
    for heading in ("mAP50-95 val", f"mAP50-95 {split}", f"mAP50 {split}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        trial = by_number[row.trial]
        between = "" if row.low is None or row.high is None else escape(f" [{row.low:.3f}, {row.high:.3f}]")
        cells = (str(row.trial), escape(trial.origin), score(trial.best_map50_95), score(row.map50_95) + between)
        table.add_row(*cells, score(row.map50), style="bold" if row.trial == 0 else "")
    console.print(table)
    sentence = verdict_on_unseen(rows)
    if sentence:
        console.print(sentence, highlight=False, markup=False, soft_wrap=not console.is_terminal)


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
    share = f"; {report.paid_share:.0%} of the trials' time was training and validation"
    paid = share * (report.paid_share <= 1)  # the surrogate's seconds are not real ones
    lines = [
        f"Trials: {counts or 'none'}. Ended: {study.reason or study.state.value}.",
        f"Cost: {format_cost(sum(report.spent_s.values()), device)} of {' / '.join(spec.budgets)} ({spent}); "
        f"wall {duration(study.wall_s)}{paid}.",
    ]
    if report.planned_s:
        lines.append(f"Spent of what was planned: {plan_against_spent(report.planned_s, report.spent_s, device)}.")
    known = [trust for trust in report.rungs if trust.correlation is not None and trust.trials >= 5]
    if known:
        ranks = ", ".join(f"{t.level} with {t.following}: {t.correlation:.2f} ({t.trials} trials)" for t in known)
        lines.append(f"Rank correlation of each rung with the next, over the trials that went on: {ranks}.")
    best, baseline = report.best, report.baseline
    if report.verdict is not None:
        cost = format_cost(report.verdict.cost_s, device)
        lines.append(f"{in_words(report.verdict)} The repeats cost {cost}.")
    elif best is not None and baseline is not None and baseline.best_map50_95 is not None:
        lines.append(_verdict(best, baseline))
    return lines


def plan_against_spent(planned_s: Mapping[str, float], spent_s: Mapping[str, float], device: str) -> str:
    """Each purpose with what it was given and what it took: 'search 8.1 of 8.4 cpu-min'."""
    told = []
    for purpose in Purpose:
        planned, spent = planned_s.get(purpose.value, 0.0), spent_s.get(purpose.value, 0.0)
        if planned or spent:
            told.append(f"{purpose.value} {format_cost(spent, device)} of {format_cost(planned, device)}")
    return ", ".join(told)


def _verdict(best: TrialRow, baseline: TrialRow) -> str:
    above = gain(best, baseline) or 0.0
    if best.number == 0 or above <= 0:
        return f"The defaults are as good: no trial beat their mAP50-95 of {score(baseline.best_map50_95)} on val."
    doubt = (
        "That is within what two seeds of one recipe differ by (about 0.01-0.02): take it for a tie."
        if above < TIE
        else "One seed each, and the best of several is optimistic: a second seed would tell more."
    )
    return (
        f"Trial {best.number} reached mAP50-95 {score(best.best_map50_95)} on val, {above:+.3f} against the "
        f"defaults' {score(baseline.best_map50_95)}. {doubt}"
    )


def print_studies(console: Console, rows: list[StudyRow]) -> None:
    """One line for each study."""
    table = Table("study", "state", "trials", "best", "defaults", "spent", "begun", **PLAIN)
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
    if found.planned_s:
        lines.append(f"planned   {plan_against_spent(found.planned_s, found.spent_s, device)}")
    for trial in found.running:
        where = f" on {trial.node} ({trial.device})" if trial.node else ""
        lines.append(
            f"          trial {trial.number} ({trial.origin}): epoch {trial.done_epochs}/{trial.epochs}, "
            f"mAP50-95 {score(trial.last_map50_95)}{where}"
        )
    lines += [f"{time.strftime('%H:%M:%S', time.localtime(e.at))}  {e.text}" for e in found.events]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)
