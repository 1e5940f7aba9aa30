"""What a user reads on a terminal at the end: tables, sentences, JSON. Only the CLI's floor imports this."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from automl.figures import duration, format_cost, moment, score
from automl.files import folders
from automl.files.kept import WEIGHTS
from automl.records import EpochRow, Purpose, StudyState, TrialRow, TrialState
from automl.reports.report import StudyReport, StudyStatus
from automl.reports.watch import Overview
from automl.scores.leaderboard import Verdict, changed, gain, gain_shown, rank, rival
from automl.scores.trust import Estimate
from automl.scores.words import (
    missing_in_words,
    named,
    one_seed_in_words,
    production_in_words,
    score_in_words,
    unseen_in_words,
    verdict_in_words,
    verdict_on_unseen,
)
from automl.store.address import command

PLAIN: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
SCORE, CONFIRMED = "mAP50-95", "confirmed (seeds)"  # headings of the leaderboard
SPARED = ("mAP50", "epochs", "best epoch", "state")  # that a narrow terminal does without, in this order
WIDE = 140  # columns of a terminal that also shows what a trial changed


def as_json(report: StudyReport, epochs: list[EpochRow] | None) -> dict[str, Any]:
    """A report as plain containers, with each trial's gain against the baseline."""
    document: dict[str, Any] = _plain(report)
    for trial, row in zip(document["trials"], report.trials, strict=True):
        trial["gain"] = gain(row, report.baseline)
    for measured, evaluation in zip(document["evaluations"], report.evaluations, strict=True):
        measured["sentence"] = unseen_in_words(evaluation)
    if report.verdict is not None:
        document["verdict"]["sentence"] = verdict_in_words(report.verdict)
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
    table, columns = _fitting(console, report, limit)
    if table.row_count:
        console.print(table)
        _say(console, _caption(columns, report.study.spec.epochs))
    taken = report.winner
    if taken is not None and taken.number and "changed" not in columns:
        console.print(f"Trial {taken.number} changed: {_differences(taken, report.baseline)}", highlight=False)
    for line in _sentences(report):
        _say(console, line)
    _print_unseen(console, report)
    made, study = report.production, report.study
    if study.spec.train and made is None and study.state is StudyState.FINISHED:
        _say(console, missing_in_words(study))
    if made is not None:
        _say(console, production_in_words(made, study.spec.slots.device, report.evaluations))
        best = folders.trial(study.spec.directory, made.number) / WEIGHTS[0]
        if best.is_file():
            _say(console, f"Its weights: {best}")


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def _fitting(console: Console, report: StudyReport, limit: int) -> tuple[Table, list[str]]:
    """The leaderboard and its headings, without those of the least use where the terminal is too narrow for all."""
    columns = ["trial", "origin", SCORE, CONFIRMED, "gain", "best epoch", "mAP50", "epochs", "state", "cost"]
    if report.verdict is None:
        columns.remove(CONFIRMED)
    unbounded = console.options.update(max_width=1000)
    for heading in SPARED:
        if console.measure(_board(report, columns, limit), options=unbounded).maximum <= console.width:
            break
        columns.remove(heading)
    columns += ["changed"] * (console.width >= WIDE)
    return _board(report, columns, limit), columns


def _board(report: StudyReport, columns: Sequence[str], limit: int) -> Table:
    title = f"{report.study.name}: best trials on val"
    table = Table(title=title, title_justify="left", title_style="bold", **PLAIN)
    for heading in columns:
        aligned: JustifyMethod = "left" if heading in ("origin", "state", "changed") else "right"
        table.add_column(heading, justify=aligned, overflow="ellipsis", no_wrap=True)
    for row in _shown(report, limit):
        cells = _row(row, report)
        table.add_row(*(cells[heading] for heading in columns), style="bold" if row.number == 0 else "")
    return table


def _caption(columns: Sequence[str], horizon: int) -> str:
    """How the leaderboard is sorted, and what its figures are."""
    told = f"Sorted by {SCORE}, {score_in_words(horizon)}, one seed; gain is against the defaults'."
    if CONFIRMED in columns:
        told += (
            f" {CONFIRMED.capitalize()}: best epochs of runs that no search selected, mean ± 90 % interval; they name "
            "the winner."
        )
    return told + (" Best epoch: what best.pt reached." if "best epoch" in columns else "")


def _shown(report: StudyReport, limit: int) -> list[TrialRow]:
    """Rows of the leaderboard by score: the best, those that ran again, and the defaults."""
    ranked = rank(report.trials)
    again = {each.trial for each in report.verdict.estimates} if report.verdict is not None else set()
    return [row for place, row in enumerate(ranked) if place < limit or row.number == 0 or row.number in again]


def _confirmed(decided: Verdict, row: TrialRow) -> str:
    """Mean and interval over the seeds that no search selected."""
    found = decided.of(row.number)
    return "" if found is None else f"{found.score.mean:.3f} ± {found.score.half:.3f} ({found.seeds})"


def _over_seeds(found: Estimate) -> str:
    return f"{found.score.mean:.3f} ± {found.score.half:.3f} (90 % interval, {found.seeds} seeds)"


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
    for heading in ("best epoch, val", f"mAP50-95 {split}", f"mAP50 {split}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        trial = by_number[row.trial]
        between = "" if row.low is None or row.high is None else escape(f" [{row.low:.3f}, {row.high:.3f}]")
        cells = (str(row.trial), escape(trial.origin), score(trial.best_map50_95), score(row.map50_95) + between)
        table.add_row(*cells, score(row.map50), style="bold" if row.trial == 0 else "")
    console.print(table)
    sentence = verdict_on_unseen(rows, report.production)
    if sentence:
        _say(console, sentence)


def _row(row: TrialRow, report: StudyReport) -> dict[str, str]:
    """Cells of the leaderboard by heading."""
    above = gain_shown(row, report.baseline)
    return {
        "trial": str(row.number),
        "origin": escape(row.origin),
        SCORE: score(row.score),
        CONFIRMED: "" if report.verdict is None else _confirmed(report.verdict, row),
        "gain": "" if above is None else f"{above:+.3f}",
        "best epoch": score(row.best_map50_95),
        "mAP50": score(row.best_map50),
        "epochs": f"{row.done_epochs}/{row.epochs}",
        "state": row.state.value,
        "cost": format_cost(row.slot_s, report.study.spec.slots.device),
        "changed": "" if row.number == 0 else _differences(row, report.baseline),
    }


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
    baseline = report.baseline
    if report.verdict is not None:
        cost = format_cost(report.verdict.cost_s, device)
        lines.append(f"{verdict_in_words(report.verdict)} The repeats cost {cost}.")
    elif report.winner is not None and baseline is not None and baseline.score is not None:
        lines.append(one_seed_in_words(report.winner, rival(report.trials), baseline))
    return lines


def plan_against_spent(planned_s: Mapping[str, float], spent_s: Mapping[str, float], device: str) -> str:
    """Each purpose with what it was given and what it took: 'search 8.1 of 8.4 cpu-min'."""
    told = []
    for purpose in Purpose:
        planned, spent = planned_s.get(purpose.value, 0.0), spent_s.get(purpose.value, 0.0)
        if planned or spent:
            told.append(f"{purpose.value} {format_cost(spent, device)} of {format_cost(planned, device)}")
    return ", ".join(told)


def listing(seen: Overview) -> dict[str, Any]:
    """A study as plain containers, with the trial to take home as the list shows it; null where none has a score."""
    document: dict[str, Any] = _plain(seen.study)
    taken, document["take_home"] = seen.winner, None
    if taken is not None:
        document["take_home"] = {
            "trial": taken.number,
            "map50_95": seen.figure(taken),
            "seeds": seen.seeds(taken),
            "gain": seen.gain,
            "defaults": seen.figure(seen.baseline),
        }
    return document


def print_studies(console: Console, found: Sequence[Overview]) -> None:
    """One line for each study: the trial to take home and its figure, against the defaults'."""
    table = Table("study", "state", "trials", "take home", **PLAIN)
    for heading in (SCORE, "gain", "defaults"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("spent", "begun"):
        table.add_column(heading)
    for seen in found:
        row, taken = seen.study, seen.winner
        seeds = seen.seeds(taken) if taken is not None else 0
        table.add_row(
            escape(row.name),
            "died" if row.state is StudyState.RUNNING and not seen.alive else row.state.value,
            str(row.trials),
            "" if taken is None else f"trial {taken.number}" if taken.number else "defaults",
            score(seen.figure(taken)) + f" ({seeds} seeds)" * (seeds > 1),
            "" if seen.gain is None else f"{seen.gain:+.3f}",
            score(seen.figure(seen.baseline)),
            format_cost(row.slot_s, row.spec.slots.device),
            moment(row.created_at),
        )
    console.print(table)


def _leading(found: StudyStatus) -> str:
    """The trial to take home as things stand, and what the defaults score by the same measure."""
    winner, base = found.winner, found.baseline
    if winner is None:
        return "no trial has a score yet"
    name = named(winner.number)
    known = found.verdict.of(winner.number) if found.verdict is not None else None
    if found.verdict is None or known is None:
        told = f"{name}: mAP50-95 {score(winner.score)}, one seed"
        return told + (f", defaults {score(base.score)}" if winner.number and base is not None else "")
    told = f"{name}, confirmed: mAP50-95 {_over_seeds(known)}"
    again = found.verdict.of(0)
    return told + (f", defaults {_over_seeds(again)}" if winner.number and again is not None else "")


def print_status(console: Console, found: StudyStatus, *, db: str | None = None) -> None:
    """Where a study stands. `db`: the database, as the user named it."""
    row = found.study
    state, again = row.state.value, command("resume", row.name, db)
    if row.state is StudyState.RUNNING and not found.alive:
        state = f"died (no sign of life for {duration(time.time() - row.heartbeat_at)}); {again}"
    elif row.state is StudyState.INTERRUPTED:
        state += f"; {again}"
    device = row.spec.slots.device
    lines = [
        f"study     {row.name}: {state}",
        f"best      {_leading(found)}",
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
        _say(console, line)
