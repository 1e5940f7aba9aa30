"""A watched study: every look reads only new rows and shows the same as a first look, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from automl.records import (
    Heartbeat,
    Outcome,
    Purpose,
    StudySpec,
    StudyState,
    Trial,
    TrialState,
)
from automl.reports.watch import StudyProgress, Watch
from automl.scores.ending import LOOK_BACK
from automl.store import read
from automl.store.engine import together
from automl.store.write import Recorder, begin_study, reopen_study
from tests.builders.factories import make_evaluation, make_metrics

MakeSpec = Callable[..., StudySpec]
MANY = 40


class Driver:
    """A driver that reports the events of a study called birds."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.recorder = Recorder(engine, "birds")
        self.at = 1000.0

    def begin(self, number: int, attempt: int = 1, repeats: int | None = None) -> None:
        purpose = Purpose.SEARCH if repeats is None else Purpose.CONFIRMATION
        trial = Trial(
            number=number, params={}, epochs=9, seed=number, attempt=attempt, purpose=purpose, repeats=repeats
        )
        self.recorder.trial_started(trial, at=self.at, node=None, device=None, pid=None)

    def epoch(self, number: int, epoch: int, score: float, attempt: int = 1) -> None:
        self.at += 1.0
        metrics = make_metrics(epoch, score)
        self.recorder.epoch(number, attempt, metrics, slot_s=float(epoch), at=self.at)

    def end(self, number: int, state: TrialState = TrialState.STOPPED) -> None:
        self.recorder.trial_closed(number, Outcome(state=state), slot_s=9.0, at=self.at)

    def whole(self, number: int, score: float, state: TrialState = TrialState.COMPLETED, **trial: Any) -> None:
        self.begin(number, **trial)
        self.epoch(number, 1, score)
        self.end(number, state)

    def flush(self) -> None:
        self.recorder.heartbeat(at=self.at, slot_s=self.at, wall_s=self.at, running={})
        self.recorder.flush()


@pytest.fixture
def driver(engine: Engine, make_spec: MakeSpec) -> Driver:
    """Driver of a study in which many trials have ended and one runs."""
    begin_study(engine, make_spec("birds"), at=1000.0, host="here", pid=1)
    driver = Driver(engine)
    for number in range(MANY):
        driver.whole(number, number / 100, TrialState.COMPLETED if number % 3 == 0 else TrialState.STOPPED)
    driver.begin(MANY)
    driver.flush()
    return driver


def look(watch: Watch, engine: Engine) -> StudyProgress:
    return watch.look(engine, read.study(engine, "birds"))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of trials in the answer to each question about trials."""
    counts: list[int] = []
    for name in ("outline", "trials_of", "trials", "trial", "running_trials", "trial_page", "sample"):
        question = getattr(read, name)

        def ask(*values: Any, question: Callable[..., Any] = question, **options: Any) -> Any:
            answer = question(*values, **options)
            counts.append(len(answer) if isinstance(answer, list) else 1)
            return answer

        monkeypatch.setattr(read, name, ask)
    return counts


def test_a_look_reads_new_rows_and_nothing_else(driver: Driver, counted: list[int]) -> None:
    watch = Watch()
    assert len(look(watch, driver.engine).points) == sum(counted[:1]) == MANY + 1
    counted.clear()
    driver.epoch(MANY, 1, 0.2)
    driver.whole(MANY + 1, 0.1, TrialState.STOPPED)
    driver.begin(MANY + 2)
    driver.flush()
    progress = look(watch, driver.engine)
    assert counted == [3, 2]  # the running one, the two new ones; whole rows of the two that run
    assert [row.number for row in progress.running] == [MANY, MANY + 2]
    assert [point.number for point in progress.points] == list(range(MANY + 3))


def test_a_look_reads_the_epochs_of_those_that_were_completed_last(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[list[int]] = []
    epochs_of = read.epochs_of

    def ask(engine: Engine, study: str, numbers: list[int]) -> Any:
        questions.append(sorted(numbers))
        return epochs_of(engine, study, numbers)

    monkeypatch.setattr("automl.reports.report.is_dead", lambda row: False)
    monkeypatch.setattr(read, "epochs_of", ask)
    watch = Watch()
    assert len(look(watch, driver.engine).latest) == LOOK_BACK
    driver.whole(MANY + 1, 0.5)
    driver.whole(MANY + 2, 0.1, TrialState.STOPPED)
    driver.flush()
    assert look(watch, driver.engine).latest[-2:] == ((0.5, 9.0), (0.1, 9.0))
    look(watch, driver.engine)
    assert questions == [list(range(0, MANY, 3))[-LOOK_BACK:], [MANY + 1]]


def test_nothing_new_is_no_row_but_those_that_run(driver: Driver, counted: list[int]) -> None:
    watch = Watch()
    look(watch, driver.engine)
    counted.clear()
    look(watch, driver.engine)
    assert counted == [1, 1]


def test_a_look_asks_all_its_questions_over_one_connection(driver: Driver) -> None:
    checkouts: list[object] = []
    event.listen(driver.engine, "checkout", lambda *values: checkouts.append(values))
    row = read.study(driver.engine, "birds")
    with together(driver.engine):
        assert read.study(driver.engine, "birds") == row
    checkouts.clear()
    Watch().look(driver.engine, row)
    assert len(checkouts) == 1


def test_a_watched_study_looks_as_at_first_sight(driver: Driver) -> None:
    watch, engine = Watch(), driver.engine

    def agree() -> StudyProgress:
        progress = look(watch, engine)
        assert progress == look(Watch(), engine)
        return progress

    assert agree().winner == read.trial(engine, "birds", 39)
    driver.epoch(MANY, 1, 0.7)
    driver.flush()
    agree()
    driver.end(MANY, TrialState.COMPLETED)
    driver.flush()
    assert agree().winner == read.trial(engine, "birds", MANY)
    for number, of in ((41, 0), (42, MANY), (43, MANY)):
        driver.whole(number, 0.0 if of == 0 else 0.69, repeats=of)
    driver.flush()
    verdict = agree().verdict
    assert verdict is not None
    assert verdict.winner == MANY
    driver.recorder.evaluated(make_evaluation(MANY, 0.6))
    driver.recorder.study_closed(StudyState.FINISHED, "done", at=driver.at, slot_s=99.0, wall_s=99.0)
    driver.recorder.close()
    assert len(agree().evaluations) == 1


def test_a_study_that_has_ended_is_read_once(driver: Driver, counted: list[int]) -> None:
    driver.end(MANY)
    driver.recorder.study_closed(StudyState.FINISHED, "done", at=driver.at, slot_s=99.0, wall_s=99.0)
    driver.recorder.close()
    watch = Watch()
    first = look(watch, driver.engine)
    counted.clear()
    assert look(watch, driver.engine) is first
    assert counted == []


def test_an_interrupted_trial_that_goes_on_is_followed(driver: Driver) -> None:
    watch, engine = Watch(), driver.engine
    look(watch, engine)
    dead = read.study(engine, "birds").heartbeat
    reopen_study(engine, "birds", Heartbeat(host="there", pid=2, at=5000.0), dead=dead)
    assert look(watch, engine).states["interrupted"] == 1
    again = Driver(engine)
    again.at = 500.0  # a clock that is behind
    again.begin(MANY, attempt=2)
    again.epoch(MANY, 1, 0.9, attempt=2)
    again.flush()
    progress = look(watch, engine)
    assert [row.attempt for row in progress.running] == [2]
    again.end(MANY, TrialState.COMPLETED)
    again.flush()
    progress = look(watch, engine)
    assert (progress.running, progress.states["completed"]) == ((), 15)
    assert progress == look(Watch(), engine)


def test_a_database_that_failed_once_leaves_nothing_stale(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, engine = Watch(), driver.engine
    look(watch, engine)
    driver.epoch(MANY, 1, 0.8)
    driver.end(MANY, TrialState.COMPLETED)
    driver.flush()

    def away(*values: Any) -> Any:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(read, "trials_of", away)
        with pytest.raises(OSError):  # noqa: PT011
            look(watch, engine)
    assert look(watch, engine) == look(Watch(), engine)
