"""What the Recorder does while the database is away: nothing is lost, nothing goes in twice."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from automl.errors import BadStore
from automl.records import EpochMetrics, Outcome, StudySpec, Trial, TrialState
from automl.store import read
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study
from tests.builders.postgres import Server


class Clock:
    """Time that only moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Line:
    """The line to a database, which can be cut before or after a commit arrives."""

    def __init__(self, engine: Engine) -> None:
        self._dialect: Any = engine.dialect
        self._commit = self._dialect.do_commit
        self.tries = 0

    def cut(self, *, after_commit: bool = False) -> None:
        def commit(connection: Any) -> None:
            self.tries += 1
            if after_commit:
                self._commit(connection)
            raise self._dialect.loaded_dbapi.OperationalError("the line was cut")

        self._dialect.do_commit = commit

    def mend(self) -> None:
        self._dialect.do_commit = self._commit


@pytest.fixture
def line(engine: Engine) -> Line:
    return Line(engine)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(engine: Engine, make_spec: Callable[..., StudySpec], clock: Clock) -> Recorder:
    begin_study(engine, make_spec("birds"), at=0.0, host="h", pid=1)
    return Recorder(engine, "birds", clock=clock, sleep=clock.sleep)


def metrics(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch=epoch, map50_95=epoch / 10, map50=0.5, precision=0.5, recall=0.5, train_s=2.0, val_s=1.0)


def begin_trial(recorder: Recorder, number: int) -> None:
    trial = Trial(number=number, params={}, epochs=9, seed=0)
    recorder.trial_started(trial, at=1.0, node="n", device="cpu", pid=1)


def report(recorder: Recorder, clock: Clock, epochs: range) -> None:
    """One epoch a second, each with a line in the log."""
    for epoch in epochs:
        clock.now += 1.0
        recorder.epoch(0, 1, metrics(epoch), slot_s=4.0 * epoch, at=clock.now)
        recorder.event("epoch", f"epoch {epoch}", trial=0, at=clock.now)


def told(engine: Engine) -> list[str]:
    return [row.text for row in read.events(engine, "birds")]


@pytest.mark.parametrize("after_commit", [False, True], ids=["before the commit", "after the commit"])
def test_nothing_is_lost_or_doubled_by_a_cut_line(
    engine: Engine, recorder: Recorder, clock: Clock, line: Line, after_commit: bool
) -> None:
    begin_trial(recorder, 0)
    report(recorder, clock, range(1, 3))
    line.cut(after_commit=after_commit)
    report(recorder, clock, range(3, 6))
    line.mend()
    clock.now += 60.0
    report(recorder, clock, range(6, 8))
    recorder.trial_closed(0, Outcome(state=TrialState.COMPLETED), slot_s=30.0, at=clock.now)
    recorder.close()
    assert told(engine) == [f"epoch {epoch}" for epoch in range(1, 8)]
    assert [row.epoch for row in read.epochs(engine, "birds")] == list(range(1, 8))
    row = read.trial(engine, "birds", 0)
    assert (row.paid_s, row.slot_s, row.done_epochs, row.best_map50_95) == (21.0, 30.0, 7, 0.7)


def test_a_driver_is_not_disturbed_and_warned_once(
    recorder: Recorder, clock: Clock, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.cut()
    with caplog.at_level(logging.WARNING):
        begin_trial(recorder, 0)
        report(recorder, clock, range(1, 50))
        assert not recorder.flush()
        assert not recorder.stop_requested()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the line was cut" in caplog.text


def test_retries_become_rarer(recorder: Recorder, clock: Clock, line: Line) -> None:
    line.cut()
    begin_trial(recorder, 0)
    for _ in range(600):
        clock.now += 0.5
        recorder.event("note", "…", at=clock.now)
    assert line.tries < 20


def test_close_waits_for_the_database(engine: Engine, recorder: Recorder, clock: Clock, line: Line) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 20.0:
            line.mend()

    patient = Recorder(engine, "birds", clock=clock, sleep=sleep)
    line.cut()
    patient.event("note", "last words", at=1.0)
    patient.close()
    assert told(engine) == ["last words"]


def test_close_says_what_was_not_stored(recorder: Recorder, clock: Clock, line: Line) -> None:
    line.cut()
    begin_trial(recorder, 0)
    recorder.event("note", "last words", at=1.0)
    with pytest.raises(BadStore, match=r"the line was cut\. 2 rows of study 'birds' are not stored"):
        recorder.close(retry_s=60.0)
    assert 60.0 <= clock.now < 70.0


def test_an_error_that_waiting_cannot_mend_is_raised(engine: Engine, recorder: Recorder, clock: Clock) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite gives a missing table and a busy database the same class of error")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE automl_events"))
    with pytest.raises(BadStore, match="automl_events"):
        recorder.event("note", "nowhere to go", at=1.0)


@pytest.mark.fault
@pytest.mark.postgres
@pytest.mark.skipif("AUTOML_TEST_DB" in os.environ, reason="kills the server")
def test_a_server_that_is_killed_and_comes_back_has_everything(
    postgres_server: Server, postgres_url: str, make_spec: Callable[..., StudySpec]
) -> None:
    engine = open_store(postgres_url)
    clock = Clock()
    begin_study(engine, make_spec("birds"), at=0.0, host="h", pid=1)
    recorder = Recorder(engine, "birds", clock=clock)
    begin_trial(recorder, 0)
    report(recorder, clock, range(1, 4))
    postgres_server.kill()
    try:
        report(recorder, clock, range(4, 7))
        with pytest.raises(BadStore):
            read.studies(engine)
        with pytest.raises(BadStore, match=r"cannot reach .*127\.0\.0\.1"):
            open_store(postgres_url)
    finally:
        postgres_server.start()
    clock.now += 60.0
    report(recorder, clock, range(7, 9))
    recorder.close()
    assert told(engine) == [f"epoch {epoch}" for epoch in range(1, 9)]
    assert [row.epoch for row in read.epochs(engine, "birds")] == list(range(1, 9))
    assert read.trial(engine, "birds", 0).paid_s == 24.0
    engine.dispose()
