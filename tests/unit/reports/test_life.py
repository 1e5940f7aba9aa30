"""Life of a study's process, by its heartbeats where it cannot be asked."""

from __future__ import annotations

import os
import socket

import pytest

from automl.host import identity
from automl.records import StudyRow, StudyState
from automl.reports import life
from automl.reports.life import STALE_S, Life, Pulse, mine, suspended_words
from tests.builders.factories import make_study

NOW, HOUR = 1e9, 3600.0


class Watcher:
    """A pulse with clocks that the test sets: `now` is that of the wall."""

    def __init__(self) -> None:
        self.now = NOW
        self.pulse = Pulse(clock=lambda: self.now - 5e8, posix=lambda: self.now)

    def look(self, heartbeat_at: float) -> Life:
        return self.pulse.look(study(heartbeat_at))


def study(heartbeat_at: float, process: str = "other-boot/1#5") -> StudyRow:
    """A running study whose process has this one's host name and number, in another container."""
    here = {"host": socket.gethostname(), "pid": os.getpid()}
    return make_study(state=StudyState.RUNNING, heartbeat_at=heartbeat_at, process=process, **here)


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(0.0, Life.RUNS), (59.0, Life.RUNS), (61.0, Life.SILENT), (-30.0, Life.RUNS), (-HOUR, Life.RUNS)],
)
def test_a_first_look_believes_a_fresh_heartbeat_and_one_from_the_future(age_s: float, expected: Life) -> None:
    assert Watcher().look(NOW - age_s) is expected


@pytest.mark.parametrize("ahead_s", [HOUR, -HOUR, -50 * 365 * 24 * HOUR])
def test_a_heartbeat_that_moves_is_alive_whatever_its_clock_says(ahead_s: float) -> None:
    watcher = Watcher()
    watcher.look(NOW + ahead_s)
    watcher.now += 5.0
    assert watcher.look(NOW + 5.0 + ahead_s) is Life.RUNS
    watcher.now += STALE_S + 1
    assert watcher.look(NOW + 5.0 + ahead_s) is Life.SILENT


def test_a_heartbeat_from_the_future_that_stands_still_is_no_life() -> None:
    watcher = Watcher()
    assert watcher.look(NOW + HOUR) is Life.RUNS
    watcher.now += STALE_S + 1
    assert watcher.look(NOW + HOUR) is Life.SILENT


@pytest.mark.parametrize(
    ("age_s", "patience_s"), [(0.0, 0.0), (61.0, life.LOOK_S), (HOUR, life.LOOK_S), (-HOUR, STALE_S + 1.0)]
)
def test_a_second_look_is_taken_where_the_first_one_may_be_wrong(age_s: float, patience_s: float) -> None:
    watcher = Watcher()
    assert watcher.pulse.patience_s(study(watcher.now - age_s)) == patience_s


@pytest.mark.parametrize("age_s", [0.0, HOUR, -HOUR])
def test_a_process_of_this_machine_is_asked_whatever_its_heartbeat_says(age_s: float) -> None:
    watcher = Watcher()
    alive = study(watcher.now - age_s, identity.own())
    place, _, start = alive.process.rpartition("#")
    gone = study(watcher.now - age_s, f"{place}#{float(start) + 1:.0f}")
    assert watcher.pulse.look(alive) is Life.RUNS
    assert watcher.pulse.look(gone) is Life.GONE
    assert watcher.pulse.patience_s(alive) == 0.0


def test_the_heartbeat_of_this_process_is_its_own() -> None:
    beat = mine()
    assert (beat.host, beat.pid, beat.process) == (socket.gethostname(), os.getpid(), identity.own())


def test_nothing_is_said_of_a_process_that_runs() -> None:
    assert suspended_words(study(NOW, identity.own())) == ""
