"""A driver's process that is killed again and again, with `kill -9`: nothing that was stored is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from automl.drivers.clock import posix_offset_s
from automl.drivers.ends import ending_of, state_after
from automl.drivers.session import Session
from automl.drivers.virtual import VirtualDriver
from automl.files import folders
from automl.records import Heartbeat, StudySpec, StudyState
from automl.store import read, write
from automl.store.engine import open_store
from automl.store.replay import replay, waiting_rows
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
    replay(engine, read.study(engine, spec.name))
    dead = read.study(engine, spec.name).heartbeat
    mine = Heartbeat(host="here", pid=os.getpid(), at=time.time())
    write.reopen_study(engine, spec.name, mine, dead=dead)
    rows = Rows.of(engine, spec.name)
    search = make_search(spec)
    ends = search.replay(rows.trials, rows.epochs)
    claimed, journals = write.Claimed(mine.pid, mine.process), folders.journals(spec.directory)
    recorder = write.Recorder(engine, spec.name, claimed=claimed, journals=journals)
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


def driven_until(url: str, spec: StudySpec, there: Callable[[], bool]) -> None:
    """Kill a driver of the study once that is there."""
    driver = multiprocessing.get_context("fork").Process(target=turn, args=(url, spec))
    driver.start()
    assert driver.pid is not None
    deadline = time.monotonic() + WAIT_S
    while not there():
        assert driver.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(driver.pid, signal.SIGKILL)
    driver.join()
    assert driver.exitcode == -signal.SIGKILL


def undisturbed(url: str, spec: StudySpec) -> Rows:
    """The rows of the same study without a fault."""
    folder = Path(spec.directory, "whole")
    folder.mkdir()
    whole = replace(spec, name="whole", directory=str(folder))
    begin(url, whole)
    turn(url, whole)
    engine = open_store(url)
    rows = Rows.of(engine, whole.name)
    engine.dispose()
    return rows


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """No other process can write to the database, as where another one has left it locked."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@pytest.mark.fault
def test_a_study_whose_driver_is_killed_ten_times_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'automl.db'}"
    spec = make_spec(budgets=("2cpu-h",), directory=str(tmp_path))
    begin(url, spec)
    engine = open_store(url)
    before = Rows.of(engine, spec.name)
    for _ in range(TIMES):
        enough = len(before.epochs) + 3
        driven_until(url, spec, lambda enough=enough: len(read.epochs(engine, spec.name)) >= enough)
        now = Rows.of(engine, spec.name)
        assert list(invariants.kept(before, now)) == []
        assert list(invariants.always(now, 2 * EPOCH_S)) == []
        before = now
    turn(url, spec)
    again = Rows.of(engine, spec.name)
    engine.dispose()
    assert again.study.state is StudyState.FINISHED
    assert list(invariants.always(again, 2 * EPOCH_S)) == []
    assert {row.attempt for row in again.trials} != {1}
    assert list(invariants.same(undisturbed(url, spec), again)) == []


@pytest.mark.fault
def test_a_driver_that_is_killed_while_the_database_is_away_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'automl.db'}"
    spec = make_spec(budgets=("2cpu-h",), directory=str(tmp_path))
    begin(url, spec)
    engine = open_store(url)
    with ExitStack() as stack:

        def waits() -> bool:
            """True once epochs wait in the journal of a driver that had begun well."""
            if len(read.epochs(engine, spec.name)) < 3:
                return False
            if not held:
                held.append(stack.enter_context(locked(tmp_path / "automl.db")))
            return waiting_rows(engine, read.study(engine, spec.name)) > 10

        held: list[None] = []
        driven_until(url, spec, waits)
        before = Rows.of(engine, spec.name)
        waiting = waiting_rows(engine, before.study)
    assert waiting > 10
    replay(engine, before.study)
    stored = Rows.of(engine, spec.name)
    assert len(stored.epochs) > len(before.epochs)
    assert [*invariants.kept(before, stored), *invariants.always(stored, 2 * EPOCH_S)] == []
    turn(url, spec)
    again = Rows.of(engine, spec.name)
    engine.dispose()
    assert [*invariants.kept(stored, again), *invariants.always(again, 2 * EPOCH_S)] == []
    assert list(invariants.same(undisturbed(url, spec), again)) == []
