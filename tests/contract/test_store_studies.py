"""How studies begin, stop and change hands, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Engine

from automl.errors import StudyConflict, UnknownName
from automl.records import Confirming, Heartbeat, Start, StudySpec, StudyState
from automl.store import read
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study, reopen_study, request_stop

MakeSpec = Callable[..., StudySpec]


@pytest.fixture
def birds(engine: Engine, make_spec: MakeSpec) -> str:
    begin_study(engine, make_spec("birds"), at=100.0, host="here", pid=1)
    return "birds"


def test_a_study_comes_back_as_it_was_begun(engine: Engine, make_spec: MakeSpec) -> None:
    spec = make_spec("birds", rungs=(1, 3), given=(Start("defaults", {}), Start("warm", {"lr0": 0.1})))
    begin_study(engine, spec, at=100.0, host="here", pid=1)
    row = read.study(engine, "birds")
    assert row.spec == spec
    assert (row.state, row.created_at, row.host, row.pid) == (StudyState.RUNNING, 100.0, "here", 1)
    assert (row.slot_s, row.wall_s, row.trials, row.best_trial) == (spec.probe_s, 0.0, 0, None)


def test_a_taken_name_is_refused(engine: Engine, birds: str, make_spec: MakeSpec) -> None:
    with pytest.raises(StudyConflict, match="'birds' exists already"):
        begin_study(engine, make_spec("birds"), at=101.0, host="there", pid=2)


def test_of_two_who_race_for_a_name_one_wins(store_url: str, engine: Engine, make_spec: MakeSpec) -> None:
    barrier = Barrier(2)

    def begin(pid: int) -> str:
        mine = open_store(store_url)
        barrier.wait()
        try:
            begin_study(mine, make_spec("birds"), at=1.0, host="h", pid=pid)
            return "won"
        except StudyConflict:
            return "lost"
        finally:
            mine.dispose()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, (1, 2))) == ["lost", "won"]


def test_studies_are_listed_newest_first(engine: Engine, make_spec: MakeSpec) -> None:
    assert read.latest_study(engine) is None
    for at, name in enumerate(["a", "b", "c"]):
        begin_study(engine, make_spec(name), at=float(at), host="h", pid=1)
    assert [row.name for row in read.studies(engine)] == ["c", "b", "a"]
    latest = read.latest_study(engine)
    assert latest is not None
    assert latest.name == "c"


def test_only_a_running_study_can_be_stopped(engine: Engine, birds: str) -> None:
    recorder = Recorder(engine, birds)
    recorder.study_closed(StudyState.FINISHED, "the budget is spent", at=200.0, slot_s=9.0, wall_s=9.0)
    recorder.close()
    with pytest.raises(StudyConflict, match="'birds' is finished"):
        request_stop(engine, birds)
    with pytest.raises(UnknownName):
        request_stop(engine, "bird")
    row = read.study(engine, birds)
    assert (row.state, row.reason, row.slot_s) == (StudyState.FINISHED, "the budget is spent", 9.0)


def test_a_study_with_a_live_driver_is_not_reopened(engine: Engine, birds: str) -> None:
    early, late = (Heartbeat(host="there", pid=2, at=at) for at in (130.0, 191.0))
    with pytest.raises(StudyConflict, match=r"running on here \(process 1\), heard of 30 s ago"):
        reopen_study(engine, birds, early)
    with pytest.raises(UnknownName):
        reopen_study(engine, "bird", early)
    reopen_study(engine, birds, early, dead=read.study(engine, birds).heartbeat)
    reopen_study(engine, birds, late, dead=early)
    assert read.study(engine, birds).heartbeat == late


def test_of_two_that_found_the_driver_dead_one_takes_the_study_over(engine: Engine, birds: str) -> None:
    found = read.study(engine, birds).heartbeat
    reopen_study(engine, birds, Heartbeat(host="there", pid=2, at=130.0), dead=found)
    with pytest.raises(StudyConflict, match=r"running on there \(process 2\), heard of 1 s ago"):
        reopen_study(engine, birds, Heartbeat(host="here", pid=3, at=131.0), dead=found)
    assert read.study(engine, birds).pid == 2


def test_a_driver_that_was_heard_of_again_is_not_dead(engine: Engine, birds: str) -> None:
    found = read.study(engine, birds).heartbeat
    driver = Recorder(engine, birds)
    driver.heartbeat(at=125.0, slot_s=1.0, wall_s=1.0, running={})
    driver.close()
    with pytest.raises(StudyConflict, match="heard of 5 s ago"):
        reopen_study(engine, birds, Heartbeat(host="there", pid=2, at=130.0), dead=found)


def test_a_study_that_is_taken_over_to_be_confirmed_keeps_what_is_asked_for(engine: Engine, birds: str) -> None:
    spec = read.study(engine, birds).spec
    assert spec.confirming is None
    record = Confirming(seeds=2, budgets=("2cpu-h",), trials=5, slot_s=60.0, wall_s=70.0, reason="it was spent")
    mine = Heartbeat(host="there", pid=2, at=300.0)
    dead = read.study(engine, birds).heartbeat
    reopen_study(engine, birds, mine, dead=dead, spec=replace(spec, confirming=record))
    assert read.study(engine, birds).spec == replace(spec, confirming=record)
    reopen_study(engine, birds, replace(mine, at=600.0), dead=mine)
    assert read.study(engine, birds).spec.confirming == record
