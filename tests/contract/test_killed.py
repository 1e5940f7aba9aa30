"""A driver's process that is killed again and again, with `kill -9`: nothing that was stored is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from automl.drivers.clock import posix_offset_s
from automl.drivers.ends import ending_of, state_after
from automl.drivers.session import Session
from automl.drivers.virtual import VirtualDriver
from automl.records import Heartbeat, StudySpec, StudyState
from automl.store import read, write
from automl.store.engine import open_store
from automl.trainers.surrogate import SurrogateTrainer
from benchmarks.soak import invariants
from benchmarks.soak.invariants import Rows
from tests.builders.factories import EPOCH_S, make_search, make_spec

TIMES = 10  # that the driver is killed
PACE = 0.0005  # of a real second for each virtual one: some hundredths of a second an epoch
WAIT_S = 240.0  # only a guard


def turn(url: str, spec: StudySpec) -> None:
    """One session of the study's driver, in a process of its own."""
    engine = open_store(url)
    dead = read.study(engine, spec.name).heartbeat
    mine = Heartbeat(host="here", pid=os.getpid(), at=time.time())
    write.reopen_study(engine, spec.name, mine, stale_after_s=60.0, dead=dead)
    rows = Rows.of(engine, spec.name)
    search = make_search(spec)
    ends = search.replay(rows.trials, rows.epochs)
    recorder = write.Recorder(engine, spec.name)
    wall_s = rows.study.wall_s
    offset_s = posix_offset_s(time.time(), wall_s, rows.trials, rows.epochs)
    session = Session(search, recorder, posix_offset_s=offset_s)
    session.settle(ends, wall_s)
    at = VirtualDriver(session, SurrogateTrainer(epoch_s=EPOCH_S, pace=PACE), slots=1).run(wall_s)
    ending = ending_of(search, interrupted=False)
    state, slot_s = state_after(search, ending), search.ledger.spent_s()
    recorder.study_closed(state, ending.sentence, at=time.time(), slot_s=slot_s, wall_s=at)
    recorder.close()


def begin(url: str, spec: StudySpec) -> None:
    engine = open_store(url)
    write.begin_study(engine, spec, at=time.time(), host="here", pid=0)
    engine.dispose()


@pytest.mark.fault
def test_a_study_whose_driver_is_killed_ten_times_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'automl.db'}"
    spec = make_spec(budgets=("2cpu-h",), directory=str(tmp_path))
    processes = multiprocessing.get_context("fork")
    begin(url, spec)
    engine = open_store(url)
    before = Rows.of(engine, spec.name)
    for _ in range(TIMES):
        driver = processes.Process(target=turn, args=(url, spec))
        driver.start()
        assert driver.pid is not None
        deadline = time.monotonic() + WAIT_S
        while len(read.epochs(engine, spec.name)) < len(before.epochs) + 3:
            assert driver.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(driver.pid, signal.SIGKILL)
        driver.join()
        assert driver.exitcode == -signal.SIGKILL
        now = Rows.of(engine, spec.name)
        assert list(invariants.kept(before, now)) == []
        assert list(invariants.always(now, 2 * EPOCH_S)) == []
        before = now
    engine.dispose()
    turn(url, spec)
    whole = replace(spec, name="whole")
    begin(url, whole)
    turn(url, whole)
    engine = open_store(url)
    again, undisturbed = Rows.of(engine, spec.name), Rows.of(engine, whole.name)
    assert again.study.state is StudyState.FINISHED
    assert list(invariants.always(again, 2 * EPOCH_S)) == []
    assert {row.attempt for row in again.trials} != {1}
    assert list(invariants.same(undisturbed, again)) == []
