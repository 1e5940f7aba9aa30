"""Queries of the database, which return frozen records; none writes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, func, literal, null, or_, select

from automl.errors import UnknownName
from automl.files.moved import located
from automl.records import (
    ArtifactRow,
    AttemptRow,
    Board,
    EndedBy,
    EpochRow,
    EvaluationRow,
    EventRow,
    Purpose,
    StudyRow,
    StudyState,
    TrialPage,
    TrialPoint,
    TrialRow,
    TrialState,
)
from automl.store import tables
from automl.store.engine import homes_of, reading, revision_of
from automl.store.statements import ranked

SCORES = ("score", "best_map50_95", "best_map50")
TOP = Board()  # the best hundred
ORDERS = (*SCORES, "number", "done_epochs", "slot_s", "started_at")


def studies(engine: Engine) -> list[StudyRow]:
    """All studies, newest first."""
    with reading(engine) as connection:
        return [_study_row(row, connection) for row in connection.execute(_studies(connection))]


def study(engine: Engine, name: str) -> StudyRow:
    """One study.

    Raises UnknownName, with the names of the newest studies.
    """
    with reading(engine) as connection:
        row = connection.execute(_studies(connection).where(tables.studies.c.name == name)).one_or_none()
        if row is None:
            raise unknown_study(connection, name)
        return _study_row(row, connection)


def latest_study(engine: Engine) -> StudyRow | None:
    """The study that began last; None in an empty database."""
    with reading(engine) as connection:
        row = connection.execute(_studies(connection).limit(1)).one_or_none()
        return None if row is None else _study_row(row, connection)


def trials(engine: Engine, study: str, *, limit: int | None = None, offset: int = 0) -> list[TrialRow]:
    """Trials of a study by number."""
    table = tables.trials
    with reading(engine) as connection:
        query = _TRIALS.where(table.c.study_id == _study_id(connection, study)).order_by(table.c.number)
        return [_trial_row(row) for row in connection.execute(query.limit(limit).offset(offset))]


def best_trials(engine: Engine, study: str, limit: int = 10) -> list[TrialRow]:
    """Trials with a score that did not fail, best score first, equal ones by number."""
    table = tables.trials
    with reading(engine) as connection:
        query = (
            _TRIALS.where(table.c.study_id == _study_id(connection, study), ranked())
            .order_by(table.c.score.desc(), table.c.number)
            .limit(limit)
        )
        return [_trial_row(row) for row in connection.execute(query)]


def trial_page(engine: Engine, study: str, board: Board = TOP) -> TrialPage:
    """Rows of a leaderboard: trials without a value come last, equal ones by number.

    By a score, failed trials come after all others.

    Raises UnknownName for an unknown study or order.
    """
    if board.order not in ORDERS:
        raise UnknownName("order", board.order, ORDERS)
    number = tables.trials.c.number
    with reading(engine) as connection:
        conditions = _on_board(_study_id(connection, study), board)
        # A whole row takes some thousand bytes: sort the numbers alone, then read the rows of this page.
        ranking = select(number, func.count().over()).where(*conditions).order_by(*_sorted(board), number)
        page = connection.execute(ranking.limit(board.limit).offset(board.offset)).all()
        total = page[0][1] if page else connection.scalar(select(func.count()).where(*conditions)) or 0
        numbers = [row[0] for row in page]
        rows = {
            row.number: _trial_row(row) for row in connection.execute(_TRIALS.where(conditions[0], number.in_(numbers)))
        }
    return TrialPage(rows=tuple(rows[number] for number in numbers), total=total)


def _on_board(study_id: int, board: Board) -> list[ColumnElement[bool]]:
    table = tables.trials
    conditions = [table.c.study_id == study_id, table.c.repeats.is_(None)]
    if board.states:
        conditions.append(table.c.state.in_(list(board.states)))
    if board.origin:
        conditions.append(func.lower(table.c.origin).contains(board.origin.lower(), autoescape=True))
    return conditions


def _sorted(board: Board) -> list[ColumnElement[Any]]:
    column = tables.trials.c[board.order]
    first = [tables.trials.c.state == TrialState.FAILED] if board.order in SCORES else []  # last, whatever their score
    return [*first, (column.desc() if board.descending else column.asc()).nulls_last()]


def trials_of(engine: Engine, study: str, numbers: Collection[int]) -> list[TrialRow]:
    """Trials with these numbers, as far as they exist, by number."""
    table = tables.trials
    with reading(engine) as connection:
        query = _TRIALS.where(table.c.study_id == _study_id(connection, study), table.c.number.in_(list(numbers)))
        return [_trial_row(row) for row in connection.execute(query.order_by(table.c.number))]


def running_trials(engine: Engine, study: str) -> list[TrialRow]:
    """Trials that run now, by number."""
    table = tables.trials
    with reading(engine) as connection:
        key = _study_id(connection, study)
        query = _TRIALS.where(table.c.study_id == key, table.c.state == TrialState.RUNNING)
        return [_trial_row(row) for row in connection.execute(query.order_by(table.c.number))]


def sample(engine: Engine, study: str, most: int = 1000) -> list[TrialRow]:
    """Trial 0 and every nth ranked trial, by number; at most `most` of them."""
    table = tables.trials
    with reading(engine) as connection:
        conditions = (table.c.study_id == _study_id(connection, study), ranked(), table.c.repeats.is_(None))
        last = connection.scalar(select(func.max(table.c.number)).where(*conditions)) or 0
        step = -(-(last + 1) // most)
        query = _TRIALS.where(*conditions, table.c.number % step == 0).order_by(table.c.number)
        return [_trial_row(row) for row in connection.execute(query)]


def outline(engine: Engine, study: str, *, after: int = -1, again: Collection[int] = ()) -> list[TrialPoint]:
    """Short records of trials, by number: of those with a number above `after` and of those in `again`."""
    table = tables.trials
    with reading(engine) as connection:
        key = table.c.study_id == _study_id(connection, study)
        query = select(*_columns(table, TrialPoint)).where(
            key, or_(table.c.number > after, table.c.number.in_(list(again)))
        )
        rows = connection.execute(query.order_by(table.c.number))
        return [
            TrialPoint(
                number=number,
                state=_STATES[state],
                purpose=_PURPOSES[purpose],
                score=score,
                best_map50_95=best,
                last_map50_95=last,
                done_epochs=done,
                slot_s=slot_s,
                ended_at=ended_at,
                repeats=repeats,
            )
            for number, state, purpose, score, best, last, done, slot_s, ended_at, repeats in rows
        ]


def trial(engine: Engine, study: str, number: int) -> TrialRow:
    """One trial.

    Raises UnknownName if there is no such study or trial.
    """
    table = tables.trials
    with reading(engine) as connection:
        query = _TRIALS.where(table.c.study_id == _study_id(connection, study), table.c.number == number)
        row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownName("trial", str(number))
    return _trial_row(row)


def epochs(engine: Engine, study: str, number: int | None = None) -> list[EpochRow]:
    """Epochs of a trial, or of all, in the order in which they were reported."""
    table = tables.epochs
    with reading(engine) as connection:
        query = _children(connection, table, EpochRow, study, number)
        rows = connection.execute(query.order_by(table.c.reported_at, table.c.id))
        return [_epoch_row(row) for row in rows]


def epochs_by_trial(engine: Engine, study: str, at_once: int = 100) -> Iterator[EpochRow]:
    """Yield all epochs of a study, read for `at_once` trials at a time: a large study does not fit in memory."""
    numbers = [point.number for point in outline(engine, study)]
    for begin in range(0, len(numbers), at_once):
        yield from epochs_of(engine, study, numbers[begin : begin + at_once])


def epochs_of(engine: Engine, study: str, numbers: Collection[int]) -> list[EpochRow]:
    """Epochs of the trials with these numbers, by trial and epoch."""
    table = tables.epochs
    with reading(engine) as connection:
        query = _children(connection, table, EpochRow, study).where(table.c.trial.in_(list(numbers)))
        return [_epoch_row(row) for row in connection.execute(query.order_by(table.c.trial, table.c.epoch))]


def scores(engine: Engine, study: str, *, latest: int) -> dict[int, list[float]]:
    """mAP50-95 of each epoch, by trial, of the latest trials that are no repeats; NaN where it was not a number."""
    table, parent = tables.epochs, tables.trials
    with reading(engine) as connection:
        key = _study_id(connection, study)
        own = select(parent.c.number).where(parent.c.study_id == key, parent.c.repeats.is_(None))
        newest = own.order_by(parent.c.number.desc()).limit(latest).subquery()
        query = select(table.c.trial, table.c.map50_95).where(table.c.study_id == key)
        rows = connection.execute(
            query.where(table.c.trial.in_(select(newest.c.number))).order_by(table.c.trial, table.c.epoch)
        )
        curves: dict[int, list[float]] = {}
        for trial, map50_95 in rows:
            curves.setdefault(trial, []).append(map50_95)
        return curves


def attempts(engine: Engine, study: str, number: int | None = None) -> list[AttemptRow]:
    """Attempts of a trial, or of all, by trial and number."""
    table = tables.attempts
    with reading(engine) as connection:
        query = _children(connection, table, AttemptRow, study, number)
        rows = connection.execute(query.order_by(table.c.trial, table.c.number))
        return [_attempt_row(row) for row in rows]


def events(engine: Engine, study: str, *, after_id: int = 0, limit: int | None = None) -> list[EventRow]:
    """Events with an id above `after_id`, oldest first; the latest ones if there are more than `limit`."""
    table = tables.events
    with reading(engine) as connection:
        query = _children(connection, table, EventRow, study).where(table.c.id > after_id)
        rows = connection.execute(query.order_by(table.c.id.desc()).limit(limit))
        return [EventRow(**row._asdict()) for row in rows][::-1]


def artifacts(engine: Engine, study: str, number: int | None = None) -> list[ArtifactRow]:
    """Files of a trial, or of all, by trial and kind."""
    table = tables.artifacts
    with reading(engine) as connection:
        query = _children(connection, table, ArtifactRow, study, number)
        rows = connection.execute(query.order_by(table.c.trial, table.c.kind))
        return [ArtifactRow(**row._asdict()) for row in rows]


def evaluations(engine: Engine, study: str, number: int | None = None) -> list[EvaluationRow]:
    """Evaluations of a trial, or of all, on splits that the search never saw, by trial and split."""
    table = tables.evaluations
    with reading(engine) as connection:
        query = _children(connection, table, EvaluationRow, study, number)
        rows = connection.execute(query.order_by(table.c.trial, table.c.split))
        return [EvaluationRow(**row._asdict()) for row in rows]


def unknown_study(connection: Connection, name: str) -> UnknownName:
    """Error for the name of a study that does not exist, with close names, or those of the newest studies."""
    return UnknownName("study", name, list(connection.scalars(select(tables.studies.c.name).order_by(*_NEWEST))))


def _columns(table: Table, record: type) -> list[ColumnElement[Any]]:
    """Columns for which a record has a field."""
    return [table.c[field.name] for field in fields(record) if field.name in table.c]


_STATES = {state.value: state for state in TrialState}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}
_TRIALS = select(*_columns(tables.trials, TrialRow))
_COUNT = (
    select(func.count())
    .where(tables.trials.c.study_id == tables.studies.c.id)
    .correlate(tables.studies)
    .scalar_subquery()
    .label("trials")
)
_NEWEST = (tables.studies.c.created_at.desc(), tables.studies.c.id.desc())


_PROCESS: dict[str, ColumnElement[Any]] = {"process": literal(""), "ended_by": null()}
_MISSING = {"0004": {"note": literal(""), **_PROCESS}, "0005": _PROCESS}  # by revision; those of READABLE


def _studies(connection: Connection) -> Select[*tuple[Any, ...]]:
    """Query for the rows of studies, newest first. A database that a reader found older lacks some columns."""
    columns = _columns(tables.studies, StudyRow)
    missing = _MISSING.get(revision_of(connection) or "", {})
    columns = [missing[column.name].label(column.name) if column.name in missing else column for column in columns]
    return select(*columns, _COUNT).order_by(*_NEWEST)


def _study_id(connection: Connection, name: str) -> int:
    key: int | None = connection.scalar(select(tables.studies.c.id).where(tables.studies.c.name == name))
    if key is None:
        raise unknown_study(connection, name)
    return key


def _children(
    connection: Connection, table: Table, record: type, study: str, number: int | None = None
) -> Select[*tuple[Any, ...]]:
    """Query for the rows of a study, or of one of its trials.

    Raises UnknownName if there is no such study or trial.
    """
    study_id = _study_id(connection, study)
    query = select(*_columns(table, record)).where(table.c.study_id == study_id)
    if number is None:
        return query
    key = (tables.trials.c.study_id == study_id) & (tables.trials.c.number == number)
    if connection.scalar(select(tables.trials.c.number).where(key)) is None:
        raise UnknownName("trial", str(number))
    return query.where(table.c.trial == number)


def _study_row(row: Row[*tuple[Any, ...]], connection: Connection) -> StudyRow:
    """The row with the present paths of its files."""
    values = row._asdict()
    values["state"] = StudyState(row.state)
    values["ended_by"] = None if row.ended_by is None else EndedBy(row.ended_by)
    values["spec"] = located(row.spec, homes_of(connection))
    return StudyRow(**values)


def _trial_row(row: Row[*tuple[Any, ...]]) -> TrialRow:
    values = row._asdict()
    values["state"] = TrialState(row.state)
    values["purpose"] = Purpose(row.purpose)
    if row.done_epochs and row.last_map50_95 is None:
        values["last_map50_95"] = math.nan
    return TrialRow(**values)


def _attempt_row(row: Row[*tuple[Any, ...]]) -> AttemptRow:
    values = row._asdict()
    values["outcome"] = None if row.outcome is None else TrialState(row.outcome)
    return AttemptRow(**values)


def _epoch_row(row: Row[*tuple[Any, ...]]) -> EpochRow:
    values = row._asdict()
    values["losses"] = {name: math.nan if loss is None else loss for name, loss in row.losses.items()}
    return EpochRow(**values)
