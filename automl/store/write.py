"""Beginning, taking over and stopping of studies. `Recorder` writes while one runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from automl.errors import StudyConflict, UnknownName
from automl.files.moved import portable
from automl.records import Heartbeat, StudySpec, StudyState, TrialState
from automl.store.engine import explain, writing
from automl.store.read import unknown_study
from automl.store.recorder import Claimed, Recorder
from automl.store.tables import attempts, studies, trials

__all__ = ["Claimed", "Recorder", "begin_study", "reopen_study", "request_stop"]


def begin_study(engine: Engine, spec: StudySpec, *, at: float, host: str, pid: int, process: str = "") -> None:
    """Create a running study.

    at                  POSIX seconds
    host, pid, process  as in Heartbeat

    Raises StudyConflict if another study has its name.
    """
    row = insert(studies).values(
        name=spec.name,
        state=StudyState.RUNNING,
        reason="",
        spec=portable(spec),
        created_at=at,
        heartbeat_at=at,
        host=host,
        pid=pid,
        process=process,
        stop_requested=False,
        slot_s=spec.probe_s,
        wall_s=0.0,
        written=0,
    )
    with changing(engine) as connection:
        try:
            connection.execute(row)
        except IntegrityError:
            raise StudyConflict(
                f"a study named '{spec.name}' exists already. Resume it, or choose another name."
            ) from None


def reopen_study(
    engine: Engine,
    name: str,
    mine: Heartbeat,
    *,
    dead: Heartbeat | None = None,
    spec: StudySpec | None = None,
) -> None:
    """Make this process the study's driver; an earlier one writes nothing from now on.

    Trials that were still running become INTERRUPTED.

    mine  the first heartbeat of the new driver
    dead  the last heartbeat of a driver that the caller knows to be dead, however recent. It counts only while it
          is the latest: of two callers that saw the same driver die, one gets the study
    spec  with what changes for this driver; None: as it was

    Raises StudyConflict if the study is running and its driver is not known to be dead.
    """
    free = is_free(dead)
    session = {"state": StudyState.RUNNING, "reason": "", "ended_by": None, **_columns(mine)}
    changed = {} if spec is None else {"spec": portable(spec)}
    takeover = (
        update(studies)
        .where(studies.c.name == name, free)
        .values(**session, **changed, stop_requested=False, writer=None, written=0)
    )
    with changing(engine) as connection:
        if connection.execute(takeover).rowcount == 0:
            raise still_running(connection, name, at=mine.at)
        _interrupt_trials(connection, name)


def request_stop(engine: Engine, name: str) -> None:
    """Ask the study's driver to stop.

    Raises StudyConflict if the study is not running.
    """
    running = (studies.c.name == name) & (studies.c.state == StudyState.RUNNING)
    with changing(engine) as connection:
        if connection.execute(update(studies).where(running).values(stop_requested=True)).rowcount:
            return
        state = connection.scalar(select(studies.c.state).where(studies.c.name == name))
        if state is None:
            raise unknown_study(connection, name)
        raise StudyConflict(f"study '{name}' is {state}, so there is nothing to stop.")


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A transaction. Raises BadStore if the database fails."""
    try:
        with writing(engine) as connection:
            yield connection
    except SQLAlchemyError as error:
        raise explain(engine, error) from None


def _columns(heartbeat: Heartbeat) -> dict[str, str | int | float]:
    process: dict[str, str | int | float] = {"host": heartbeat.host, "pid": heartbeat.pid, "process": heartbeat.process}
    return {**process, "heartbeat_at": heartbeat.at}


def is_free(dead: Heartbeat | None) -> ColumnElement[bool]:
    """True if no driver has the study: it does not run, or this last heartbeat is that of a dead driver."""
    idle = studies.c.state != StudyState.RUNNING
    return idle if dead is None else or_(idle, is_latest(dead))


def is_latest(heartbeat: Heartbeat) -> ColumnElement[bool]:
    """True if this heartbeat is the study's latest."""
    return and_(*(studies.c[name] == value for name, value in _columns(heartbeat).items()))


def still_running(connection: Connection, name: str, *, at: float) -> StudyConflict | UnknownName:
    """Error for a study that is not free, or that does not exist."""
    row = connection.execute(select(studies).where(studies.c.name == name)).one_or_none()
    if row is None:
        return unknown_study(connection, name)
    return StudyConflict(
        f"study '{name}' is running on {row.host} (process {row.pid}), heard of "
        f"{max(0.0, at - row.heartbeat_at):.0f} s ago. Stop it there first. On another machine or in another container "
        "a study process counts as ended once it is silent for 60 s."
    )


def _interrupt_trials(connection: Connection, name: str) -> None:
    """Close the trials and attempts of a dead driver. The end of an attempt follows from its cost."""
    study_id = select(studies.c.id).where(studies.c.name == name).scalar_subquery()
    connection.execute(
        update(attempts)
        .where(attempts.c.study_id == study_id, attempts.c.outcome.is_(None))
        .values(outcome=TrialState.INTERRUPTED, ended_at=attempts.c.started_at + attempts.c.slot_s)
    )
    last_end = (
        select(func.max(attempts.c.ended_at))
        .where(attempts.c.study_id == trials.c.study_id, attempts.c.trial == trials.c.number)
        .scalar_subquery()
    )
    connection.execute(
        update(trials)
        .where(trials.c.study_id == study_id, trials.c.state == TrialState.RUNNING)
        .values(state=TrialState.INTERRUPTED, reason="the study process ended before it did", ended_at=last_end)
    )
