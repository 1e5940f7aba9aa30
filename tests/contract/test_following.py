"""A running study followed in the database, shown as the search itself shows it, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from automl.records import EndedBy, EpochMetrics, Notice, Outcome, StudySpec, StudyState, Trial, TrialState
from automl.reports import attending, life
from automl.reports.attending import attend
from automl.reports.following import Follower
from automl.store import read
from automl.store.write import Recorder, begin_study
from automl.terminal.tally import Tally


class Driver:
    """A recorder that writes at once."""

    def __init__(self, engine: Engine, spec: StudySpec) -> None:
        beat = life.mine()
        begin_study(engine, spec, at=beat.at, host=beat.host, pid=beat.pid, process=beat.process)
        self.recorder, self.began = Recorder(engine, spec.name), beat.at

    def start(self, number: int, attempt: int = 1) -> None:
        trial = Trial(number=number, params={"lr0": 0.01}, epochs=9, seed=0, origin="search", attempt=attempt)
        self.recorder.trial_started(trial, at=self.began + 1, node="n", device="cpu", pid=7)
        self.recorder.flush()

    def epoch(self, number: int, epoch: int, score: float, attempt: int = 1) -> None:
        figures = {"map50_95": score, "map50": score, "precision": score, "recall": score}
        metrics = EpochMetrics(epoch=epoch, **figures, train_s=1.0, val_s=1.0)
        self.recorder.epoch(number, attempt, metrics, slot_s=2.0 * epoch, at=self.began + 2)
        self.recorder.flush()

    def end(self, number: int, state: TrialState = TrialState.COMPLETED) -> None:
        self.recorder.trial_closed(number, Outcome(state=state, reason="it ended"), slot_s=9.0, at=self.began + 3)
        self.recorder.flush()

    def close(self) -> None:
        figures = {"at": self.began + 60, "slot_s": 9.0, "wall_s": 60.0}
        self.recorder.study_closed(StudyState.INTERRUPTED, "by hand", ended_by=EndedBy.STOP, **figures)
        self.recorder.close()


@pytest.fixture
def driver(engine: Engine, make_spec: Callable[..., StudySpec]) -> Driver:
    return Driver(engine, make_spec("birds"))


class Viewer:
    """A follower with the display that it feeds."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.follower, self.tally = engine, Follower(engine, "birds"), Tally()
        self.take(self.follower.first(read.study(engine, "birds")))

    def take(self, notices: object) -> list[str]:
        kinds = []
        for notice in notices:  # type: ignore[attr-defined]
            self.tally.take(notice)
            kinds.append(notice.kind)
        return kinds

    def look(self) -> list[str]:
        return self.take(self.follower.look(read.study(self.engine, "birds")))


def test_a_follower_sees_where_a_study_stands_and_what_is_new(engine: Engine, driver: Driver) -> None:
    driver.start(0)
    driver.epoch(0, 1, 0.4)
    driver.end(0)
    driver.start(1)
    driver.epoch(1, 1, 0.5)
    viewer = Viewer(engine)
    tally = viewer.tally
    assert (tally.begun, tally.ended, tally.baseline, tally.best_epoch) == (2, 1, 0.4, (0.5, 1))
    assert tally.running[1]["epoch"] == 1
    assert viewer.look() == []

    driver.epoch(1, 2, 0.6)
    driver.recorder.event("note", "a line", at=driver.began)
    driver.recorder.flush()
    assert viewer.look() == ["epoch", "note"]
    assert tally.running[1]["epoch"] == 2
    driver.end(1)
    driver.start(2)
    assert viewer.look() == ["trial_started", "trial_ended"]
    assert (tally.begun, tally.ended, sorted(tally.running), tally.best_epoch) == (3, 2, [2], (0.6, 1))


def test_a_trial_that_began_and_ended_between_two_looks_is_told_whole(engine: Engine, driver: Driver) -> None:
    viewer = Viewer(engine)
    before_s = viewer.tally.closed_s
    driver.start(0)
    driver.epoch(0, 1, 0.4)
    driver.end(0)
    assert viewer.look() == ["trial_started", "epoch", "trial_ended"]
    assert (viewer.tally.begun, viewer.tally.ended, viewer.tally.running) == (1, 1, {})
    assert (viewer.tally.best_epoch, viewer.tally.closed_s - before_s) == ((0.4, 0), 9.0)
    assert viewer.look() == []


def test_an_interrupted_trial_that_goes_on_is_told_again(engine: Engine, driver: Driver) -> None:
    driver.start(0)
    viewer = Viewer(engine)
    driver.end(0, TrialState.INTERRUPTED)
    assert viewer.look() == ["trial_ended"]
    assert viewer.look() == []
    driver.start(0, attempt=2)
    assert viewer.look() == ["trial_started"]
    assert (viewer.tally.begun, viewer.tally.ended) == (1, 0)


def test_attendance_ends_with_the_study_and_knows_what_ended_it(
    engine: Engine, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attending, "PAUSE_S", 0.01)
    driver.start(0)
    kinds: list[str] = []

    def listen(notice: Notice) -> None:
        kinds.append(notice.kind)
        if notice.kind == "trial_started":
            driver.end(0)
            driver.close()

    row = attend(engine, read.study(engine, "birds"), listen)
    assert (row.state, row.ended_by) == (StudyState.INTERRUPTED, EndedBy.STOP)
    assert kinds == ["study", "trial_started", "trial_ended"]
