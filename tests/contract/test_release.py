"""A study whose process lives on after an error is left to be resumed, on SQLite and on Postgres."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from automl.errors import AutoMLError
from automl.host import identity
from automl.records import StudySpec, StudyState
from automl.store import read
from automl.store.release import REASON, released
from automl.store.write import Recorder, begin_study

Begin = Callable[..., None]


@pytest.fixture
def begin(engine: Engine, make_spec: Callable[..., StudySpec]) -> Begin:
    def begin(host: str = socket.gethostname(), pid: int = os.getpid()) -> None:
        begin_study(engine, make_spec("birds"), at=1.0, host=host, pid=pid, process=identity.own())

    return begin


def end(engine: Engine, error: BaseException) -> None:
    with released(engine, "birds"):
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AutoMLError("Ray does not start")])
def test_a_running_study_of_this_process_is_interrupted(engine: Engine, begin: Begin, error: BaseException) -> None:
    begin()
    with pytest.raises(type(error)):
        end(engine, error)
    row = read.study(engine, "birds")
    assert (row.state, row.reason) == (StudyState.INTERRUPTED, REASON)


def test_a_study_that_has_ended_stays_as_it_is(engine: Engine, begin: Begin) -> None:
    begin()
    recorder = Recorder(engine, "birds")
    recorder.study_closed(StudyState.FAILED, "the baseline failed", at=2.0, slot_s=1.0, wall_s=1.0)
    recorder.close()
    with pytest.raises(AutoMLError):
        end(engine, AutoMLError("the baseline failed"))
    row = read.study(engine, "birds")
    assert (row.state, row.reason) == (StudyState.FAILED, "the baseline failed")


def test_a_study_of_another_process_is_left_to_it(engine: Engine, begin: Begin) -> None:
    begin(pid=os.getpid() + 1)
    with pytest.raises(KeyboardInterrupt):
        end(engine, KeyboardInterrupt())
    assert read.study(engine, "birds").state is StudyState.RUNNING


def test_without_an_error_the_study_runs_on(engine: Engine, begin: Begin) -> None:
    begin()
    with released(engine, "birds"):
        pass
    assert read.study(engine, "birds").state is StudyState.RUNNING


def test_a_study_that_had_not_begun_hides_no_error(engine: Engine) -> None:
    with pytest.raises(KeyboardInterrupt):
        end(engine, KeyboardInterrupt())
