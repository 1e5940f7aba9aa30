"""Statements of a batch, each for many rows of one study.

A parameter with the name of a column is its new value; parameters that begin with `b_` select the row.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Integer,
    ScalarSelect,
    Table,
    Update,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from automl.records import TrialState
from automl.store.tables import artifacts, attempts, epochs, evaluations, studies, trials

_STUDY = bindparam("b_study", type_=Integer)
_TRIAL = bindparam("b_trial", type_=Integer)
_ATTEMPT = bindparam("b_attempt", type_=Integer)

_REPLACED = {  # columns that an existing row takes from the new one
    trials: ("state", "attempt", "node", "device", "reason", "error", "ended_at"),
    attempts: ("node", "device", "pid", "started_at", "ended_at", "outcome"),
    artifacts: ("path", "size_bytes"),
    evaluations: (
        *("images", "map50_95", "map50", "precision", "recall", "slot_s", "at"),
        *("low", "high", "gain", "gain_low", "gain_high", "chance"),
    ),
}


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT that updates an existing row of the same primary key."""
    return _upsert(connection.dialect.name, table)


@cache
def _upsert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The statement, built once: to build it takes longer than to execute it."""
    keys = list(table.primary_key)
    if dialect == "postgresql":
        statement = postgresql.insert(table)
        excluded = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=keys, set_={name: excluded[name] for name in _REPLACED[table]}
        )
    lite = sqlite.insert(table)
    excluded = lite.excluded
    return lite.on_conflict_do_update(index_elements=keys, set_={name: excluded[name] for name in _REPLACED[table]})


def _this_trial() -> Update:
    return update(trials).where(trials.c.study_id == _STUDY, trials.c.number == _TRIAL)


def _this_attempt() -> Update:
    return update(attempts).where(
        attempts.c.study_id == _STUDY, attempts.c.trial == _TRIAL, attempts.c.number == _ATTEMPT
    )


def _of_best_epoch(name: str) -> ScalarSelect[float]:
    """A column of the trial's best epoch: the earliest of equal ones, never one without a score."""
    return (
        select(epochs.c[name])
        .where(epochs.c.study_id == _STUDY, epochs.c.trial == _TRIAL, epochs.c.map50_95.is_not(None))
        .order_by(epochs.c.map50_95.desc(), epochs.c.epoch)
        .limit(1)
        .scalar_subquery()
    )


def _of_last_epoch(name: str) -> ScalarSelect[float]:
    return (
        select(epochs.c[name])
        .where(epochs.c.study_id == _STUDY, epochs.c.trial == _TRIAL)
        .order_by(epochs.c.epoch.desc())
        .limit(1)
        .scalar_subquery()
    )


def _score() -> ScalarSelect[float]:
    """Mean of the trial's last epochs without those that have no score, as `leaderboard.score` computes it."""
    mine = (epochs.c.study_id == _STUDY, epochs.c.trial == _TRIAL, epochs.c.map50_95.is_not(None))
    done = select(func.max(epochs.c.epoch)).where(*mine).scalar_subquery()
    whole = case((trials.c.epochs >= 36, 5), (trials.c.epochs < 12, 1), else_=(trials.c.epochs + 4) // 8)
    last = case((done >= trials.c.epochs, whole), else_=5)
    mean = select(func.avg(epochs.c.map50_95)).where(*mine, epochs.c.epoch > done - last)
    return mean.correlate(trials).scalar_subquery()


def _of_best_trial(name: str) -> ScalarSelect[float]:
    """A column of the trial with the study's best epoch: the first of equal ones, never a failed trial."""
    return (
        select(trials.c[name])
        .where(trials.c.study_id == _STUDY, ranked())
        .order_by(trials.c.best_map50_95.desc(), trials.c.number)
        .limit(1)
        .scalar_subquery()
    )


def ranked() -> ColumnElement[bool]:
    """True if a trial takes part in the ranking: it has a score, did not fail and repeats no other one."""
    return trials.c.best_map50_95.is_not(None) & (trials.c.state != TrialState.FAILED) & trials.c.repeats.is_(None)


def _baseline() -> ScalarSelect[float]:
    return select(trials.c.best_map50_95).where(trials.c.study_id == _STUDY, trials.c.number == 0).scalar_subquery()


def _cost_of_earlier_attempts() -> ScalarSelect[float]:
    earlier = attempts.alias()
    return (
        select(func.coalesce(func.sum(earlier.c.slot_s), 0.0))
        .where(earlier.c.study_id == _STUDY, earlier.c.trial == _TRIAL, earlier.c.number < _ATTEMPT)
        .scalar_subquery()
    )


DROP_ARTIFACT: Delete = delete(artifacts).where(
    artifacts.c.study_id == _STUDY, artifacts.c.trial == _TRIAL, artifacts.c.kind == bindparam("b_kind")
)
PROGRESS = _this_trial().values(
    done_epochs=_of_last_epoch("epoch"),
    last_map50_95=_of_last_epoch("map50_95"),
    score=_score(),
    best_map50_95=_of_best_epoch("map50_95"),
    best_map50=_of_best_epoch("map50"),
    best_epoch=_of_best_epoch("epoch"),
    paid_s=trials.c.paid_s + bindparam("b_paid_s"),
)
TRIAL_VALUES = _this_trial()
ATTEMPT_VALUES = _this_attempt()
TRIAL_COST = _this_trial().values(slot_s=bindparam("b_slot_s"))
ATTEMPT_COST = _this_attempt().values(slot_s=bindparam("b_slot_s") - _cost_of_earlier_attempts())
FIRST_EPOCH = _this_attempt().values(first_epoch=func.coalesce(attempts.c.first_epoch, bindparam("b_first")))
ATTEMPT_LOST = (  # nobody closed it: its end follows from its cost
    update(attempts)
    .where(
        attempts.c.study_id == _STUDY,
        attempts.c.trial == _TRIAL,
        attempts.c.number < _ATTEMPT,
        attempts.c.outcome.is_(None),
    )
    .values(outcome=TrialState.INTERRUPTED, ended_at=attempts.c.started_at + attempts.c.slot_s)
)
STUDY_BEST = (
    update(studies)
    .where(studies.c.id == _STUDY)
    .values(
        best_trial=_of_best_trial("number"),
        best_map50_95=_of_best_trial("best_map50_95"),
        baseline_map50_95=_baseline(),
    )
)
