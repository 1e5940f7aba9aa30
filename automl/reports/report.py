"""What is told of a study: its trials ranked, its cost, whether its driver lives."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from automl.costs.budget import Ledger, limits_of
from automl.records import (
    EndedBy,
    EvaluationRow,
    EventRow,
    Purpose,
    StudyRow,
    StudyState,
    TrialPoint,
    TrialRow,
    TrialState,
)
from automl.scores import leaderboard
from automl.scores.halving import RungTrust, rung_trust
from automl.scores.leaderboard import Verdict
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

LATEST = 1000  # trials from which the trust in rungs is told
STALE_S = 60.0  # a driver that was silent for so long counts as dead


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """A study with its trials, ranked; what `search`, `resume` and `show` answer."""

    study: StudyRow
    trials: tuple[TrialRow, ...]  # best first, then those without a score
    baseline: TrialRow | None
    best: TrialRow | None  # the best score, be it a tie with the defaults or not confirmed
    spent_s: Mapping[str, float]  # slot-seconds by purpose; their sum is what was charged
    paid_share: float  # share of the trials' slot-seconds that went into training and validation
    interrupted: bool = False
    ended_by: EndedBy | None = None  # what ended the session that this report is of; None for a study that was read
    verdict: Verdict | None = None  # what repeats with other seeds decided; None where there are none
    winner: TrialRow | None = None  # to take home, by the rule of `leaderboard.choose`
    production: TrialRow | None = None  # the longer training of what is taken home, where one was asked for
    evaluations: tuple[EvaluationRow, ...] = ()  # on images that the search never saw
    planned_s: Mapping[str, float] = field(default_factory=dict)  # what the plan gave to each; empty without a plan
    rungs: tuple[RungTrust, ...] = ()  # how far each rung's order can be trusted, by the latest trials


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """What a study is doing now."""

    study: StudyRow
    alive: bool  # whether its driver was heard of lately
    running: tuple[TrialRow, ...]
    share_spent: float  # of the budget that is nearest to its end
    events: tuple[EventRow, ...]
    spent_s: Mapping[str, float] = field(default_factory=dict)  # slot-seconds by purpose
    planned_s: Mapping[str, float] = field(default_factory=dict)  # what the plan gave to each; empty without a plan
    baseline: TrialRow | None = None
    winner: TrialRow | None = None  # to take home, as `show` and `export` name it
    verdict: Verdict | None = None  # what repeats with other seeds decided; None where there are none


def report_of(engine: Engine, row: StudyRow, *, ended_by: EndedBy | None = None) -> StudyReport:
    """The study with its trials, ranked, and what was spent on which purpose."""
    rows = read.trials(engine, row.name)
    ranked = leaderboard.rank(rows)
    seen = {r.number for r in ranked}
    evaluations = tuple(read.evaluations(engine, row.name))
    charged = sum(r.slot_s for r in rows)
    return StudyReport(
        study=row,
        trials=(*ranked, *(r for r in rows if r.number not in seen)),
        baseline=leaderboard.baseline_of(rows),
        best=ranked[0] if ranked else None,
        spent_s=spent_by_purpose(row, rows, evaluations),
        planned_s=row.spec.plan.get("shares", {}),
        paid_share=sum(r.paid_s for r in rows) / charged if charged else 0.0,
        interrupted=row.state is StudyState.INTERRUPTED and ended_by is not None,
        ended_by=ended_by,
        verdict=leaderboard.verdict(rows),
        winner=leaderboard.winner(rows),
        production=leaderboard.production_of(rows),
        evaluations=evaluations,
        rungs=rung_trust(read.scores(engine, row.name, latest=LATEST), row.spec.rungs, row.spec.epochs),
    )


def status_of(engine: Engine, row: StudyRow) -> StudyStatus:
    """Where the study stands now."""
    rows = read.trials(engine, row.name)
    ledger = Ledger(limits_of(row.spec))
    ledger.charge(None, row.slot_s)
    return StudyStatus(
        study=row,
        alive=row.state is StudyState.RUNNING and not is_dead(row),
        running=tuple(r for r in rows if r.state is TrialState.RUNNING),
        share_spent=ledger.share_spent(row.wall_s, len(rows)),
        events=tuple(read.events(engine, row.name, limit=10)),
        spent_s=spent_by_purpose(row, rows, read.evaluations(engine, row.name)),
        planned_s=row.spec.plan.get("shares", {}),
        baseline=leaderboard.baseline_of(rows),
        winner=leaderboard.winner(rows),
        verdict=leaderboard.verdict(rows),
    )


def spent_by_purpose(
    row: StudyRow, rows: Iterable[TrialRow | TrialPoint], evaluations: Iterable[EvaluationRow]
) -> dict[str, float]:
    """Slot-seconds by purpose; their sum is what was charged."""
    found = {Purpose.PROBE: row.spec.probe_s}
    for trial in rows:
        found[trial.purpose] = found.get(trial.purpose, 0.0) + trial.slot_s
    for each in evaluations:
        found[Purpose.CONFIRMATION] = found.get(Purpose.CONFIRMATION, 0.0) + each.slot_s
    return {purpose.value: slot_s for purpose, slot_s in found.items()}


def is_dead(row: StudyRow) -> bool:
    """Whether the study's driver is gone: on this machine its process says so, else its silence."""
    if row.host == socket.gethostname():
        try:
            process = psutil.Process(row.pid)
            return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > row.heartbeat_at
        except psutil.NoSuchProcess:  # at any of these questions: it may end between two of them
            return True
    return time.time() - row.heartbeat_at > STALE_S
