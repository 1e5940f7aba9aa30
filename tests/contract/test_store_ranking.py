"""Scores and ranks of stored trials, on SQLite and on Postgres."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from automl.records import Board, Outcome, StudySpec, TrialState
from automl.scores import leaderboard
from automl.store import read
from automl.store.write import Recorder, begin_study
from tests.contract.test_store import Clock, metrics, run, start


@pytest.fixture
def birds(engine: Engine, make_spec: Callable[..., StudySpec]) -> str:
    begin_study(engine, make_spec("birds"), at=100.0, host="here", pid=1)
    return "birds"


@pytest.fixture
def recorder(engine: Engine, birds: str) -> Recorder:
    return Recorder(engine, birds, clock=Clock())


def test_the_store_ranks_and_names_finalists_by_score(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.3] * 5)
    for number in range(1, 7):
        run(recorder, number, [0.9, 0.1 + number / 100, 0.1, 0.1, 0.1, 0.1])  # each with one lucky epoch
    run(recorder, 7, [0.5] * 5)
    assert [row.number for row in read.best_trials(engine, birds, limit=3)] == [7, 0, 6]
    assert [row.number for row in read.trial_page(engine, birds, Board(limit=2)).rows] == [7, 0]
    numbers = leaderboard.finalists(read.outline(engine, birds))
    named = leaderboard.winner(read.trials(engine, birds))
    assert named is not None
    assert named.number == 7
    assert named in read.trials_of(engine, birds, numbers)
    assert leaderboard.winning(read.outline(engine, birds)) == 7


def test_a_failed_trial_leads_no_leaderboard(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.3] * 5)
    start(recorder, 1)
    recorder.epoch(1, 1, metrics(1, 0.9), slot_s=4.0, at=11.0)
    recorder.trial_closed(1, Outcome(state=TrialState.FAILED, reason="diverged"), slot_s=4.0, at=12.0)
    assert [row.number for row in read.trial_page(engine, birds).rows] == [0, 1]
    assert [row.number for row in read.trial_page(engine, birds, Board(order="number")).rows] == [1, 0]
    assert [row.number for row in read.trial_page(engine, birds, Board(states=(TrialState.FAILED,))).rows] == [1]


def test_a_page_of_the_leaderboard_knows_how_many_there_are_in_all(
    engine: Engine, birds: str, recorder: Recorder
) -> None:
    for number in range(5):
        run(recorder, number, [0.1 * number])
    start(recorder, 5, repeats=4)
    recorder.flush()
    for offset, numbers in ((0, [4, 3]), (2, [2, 1]), (4, [0]), (6, [])):
        found = read.trial_page(engine, birds, Board(limit=2, offset=offset))
        assert ([row.number for row in found.rows], found.total) == (numbers, 5)
    assert read.trial_page(engine, birds, Board(states=(TrialState.FAILED,))).total == 0


def test_epochs_come_trial_by_trial(engine: Engine, birds: str, recorder: Recorder) -> None:
    for number in range(5):
        run(recorder, number, [0.1, 0.2])
    found = [(row.trial, row.epoch) for row in read.epochs_by_trial(engine, birds, at_once=2)]
    assert found == [(trial, epoch) for trial in range(5) for epoch in (1, 2)]


@pytest.mark.parametrize("horizon", [3, 8, 12, 20, 35, 36])
def test_a_whole_trainings_score_is_of_its_last_eighth(
    engine: Engine, birds: str, recorder: Recorder, horizon: int
) -> None:
    scores = [number**2 / 10_000 for number in range(horizon)]
    start(recorder, 0, epochs=horizon)
    for epoch, value in enumerate(scores, start=1):
        recorder.epoch(0, 1, metrics(epoch, value), slot_s=4.0 * epoch, at=10.0 + epoch)
        expected = leaderboard.score(scores[:epoch], horizon)
        assert read.trial(engine, birds, 0).score == pytest.approx(expected)


def test_the_score_is_the_mean_of_the_last_five_epochs_so_far(engine: Engine, birds: str, recorder: Recorder) -> None:
    scores = [0.9, 0.1, 0.2, 0.3, 0.45, 0.5]
    start(recorder, 0)
    assert read.trial(engine, birds, 0).score is None
    for epoch, value in enumerate(scores, start=1):
        recorder.epoch(0, 1, metrics(epoch, value), slot_s=4.0 * epoch, at=10.0 + epoch)
        assert read.trial(engine, birds, 0).score == pytest.approx(leaderboard.score(scores[:epoch], 12))
    recorder.epoch(0, 1, metrics(7, math.nan), slot_s=28.0, at=17.0)
    row = read.trial(engine, birds, 0)
    assert (row.score, row.best_map50_95) == (pytest.approx(leaderboard.score(scores, 12)), 0.9)
