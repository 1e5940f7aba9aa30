"""A study has one driver: it is claimed once, and every write asks for the claim, on SQLite and on Postgres."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from sqlalchemy import Engine

from automl.errors import StudyConflict
from automl.host import identity
from automl.records import Heartbeat, StudySpec, StudyState
from automl.reports import life
from automl.reports.report import is_alive
from automl.setup.managing import check_not_running
from automl.store import read
from automl.store.beat import beating
from automl.store.write import Claimed, Recorder, begin_study, reopen_study

MINE = Claimed(os.getpid(), identity.own())


@pytest.fixture
def birds(engine: Engine, make_spec: Callable[..., StudySpec]) -> str:
    beat = life.mine()
    begin_study(engine, make_spec("birds"), at=beat.at, host=beat.host, pid=beat.pid, process=beat.process)
    return "birds"


def close(recorder: Recorder) -> None:
    recorder.study_closed(StudyState.INTERRUPTED, "enough", at=time.time(), slot_s=1.0, wall_s=1.0)
    recorder.close()


@pytest.mark.fault
def test_of_many_recorders_at_the_same_time_one_gets_the_study(engine: Engine, birds: str) -> None:
    recorders: list[Recorder] = []
    refused: list[StudyConflict] = []
    gate = threading.Barrier(6)

    def claim() -> None:
        gate.wait()
        try:
            recorders.append(Recorder(engine, birds, claimed=MINE))
        except StudyConflict as error:
            refused.append(error)

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(recorders), len(refused)) == (1, 5)
    close(recorders[0])
    assert read.study(engine, birds).state is StudyState.INTERRUPTED


def test_a_driver_that_wakes_after_another_took_over_claims_nothing(engine: Engine, birds: str) -> None:
    other = Heartbeat(host="there", pid=5, at=time.time(), process="other-boot/1#7")
    reopen_study(engine, birds, other, dead=read.study(engine, birds).heartbeat)
    with pytest.raises(StudyConflict, match="taken over by another session before this one began"):
        Recorder(engine, birds, claimed=MINE)
    close(Recorder(engine, birds, claimed=Claimed(other.pid, other.process)))


def test_of_many_that_resume_at_the_same_time_one_gets_the_study(engine: Engine, birds: str) -> None:
    close(Recorder(engine, birds, claimed=MINE))
    got: list[int] = []
    gate = threading.Barrier(6)

    def reopen(number: int) -> None:
        gate.wait()
        try:
            reopen_study(engine, birds, Heartbeat(host="there", pid=number, at=time.time(), process=f"b/1#{number}"))
            got.append(number)
        except StudyConflict:
            pass

    threads = [threading.Thread(target=reopen, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [read.study(engine, birds).pid]


def test_a_study_beats_while_its_driver_begins(engine: Engine, birds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.store.beat._PAUSE_S", 0.05)
    before = read.study(engine, birds).heartbeat_at
    with beating(engine, birds):
        deadline = time.monotonic() + 30
        while read.study(engine, birds).heartbeat_at == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert read.study(engine, birds).heartbeat_at > before
        recorder = Recorder(engine, birds, claimed=MINE)
        recorder.heartbeat(at=7.0, slot_s=1.0, wall_s=1.0, running={})
        recorder.flush()
        time.sleep(0.5)
        assert read.study(engine, birds).heartbeat_at == 7.0  # the driver's own is left alone


@pytest.fixture
def driver(engine: Engine, birds: str) -> Iterator[psutil.Popen]:
    """A process that has the study."""
    line = "from automl.host import identity; print(identity.own(), flush=True); input()"
    process = psutil.Popen([sys.executable, "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    mine = Heartbeat(host="there", pid=process.pid, at=time.time(), process=process.stdout.readline().strip())
    reopen_study(engine, birds, mine, dead=read.study(engine, birds).heartbeat)
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.fault
def test_a_suspended_driver_is_not_dead_however_long_it_is_silent(
    engine: Engine, birds: str, driver: psutil.Popen
) -> None:
    recorder = Recorder(engine, birds)
    recorder.heartbeat(at=time.time() - 3600, slot_s=1.0, wall_s=1.0, running={})
    recorder.close()
    driver.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 30
    while driver.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
        time.sleep(0.02)
    row = read.study(engine, birds)
    assert is_alive(row)
    assert life.dead_heartbeat(engine, row) is None
    with pytest.raises(StudyConflict, match=rf"suspended .*`kill -CONT {driver.pid}`, and `kill -KILL {driver.pid}`"):
        check_not_running(engine, row, None)
    driver.kill()
    driver.wait()
    assert life.dead_heartbeat(engine, row) == row.heartbeat


@pytest.mark.fault
@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_driver_elsewhere_whose_clock_is_wrong_is_alive_while_its_heartbeat_moves(
    engine: Engine, birds: str, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    monkeypatch.setattr(life, "LOOK_S", 3.0)
    monkeypatch.setattr(life, "STALE_S", 3.0)
    there = Heartbeat(host="there", pid=5, at=time.time() + ahead_s, process="other-boot/1#7")
    reopen_study(engine, birds, there, dead=read.study(engine, birds).heartbeat)
    recorder, over = Recorder(engine, birds), threading.Event()
    row = read.study(engine, birds)

    def beat() -> None:
        while not over.wait(0.3):
            recorder.heartbeat(at=time.time() + ahead_s, slot_s=1.0, wall_s=1.0, running={})

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert life.dead_heartbeat(engine, row) is None
    finally:
        over.set()
        thread.join()
    recorder.close()
    row, deadline = read.study(engine, birds), time.monotonic() + 60
    while (dead := life.dead_heartbeat(engine, row)) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert dead == row.heartbeat  # it has been silent for STALE_S
