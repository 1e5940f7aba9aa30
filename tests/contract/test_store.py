"""What the store promises, on SQLite and on Postgres."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from automl.errors import BadStore, StudyConflict, UnknownName
from automl.records import EpochMetrics, Heartbeat, Outcome, Purpose, StudySpec, Trial, TrialState
from automl.store import read
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study, reopen_study, request_stop

MakeSpec = Callable[..., StudySpec]


class Clock:
    """Time that moves when told, and by `step` at each look."""

    def __init__(self, step: float = 1.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def metrics(epoch: int, score: float, **changes: Any) -> EpochMetrics:
    values: dict[str, Any] = {
        "epoch": epoch,
        "map50_95": score,
        "map50": score,
        "precision": 0.5,
        "recall": 0.5,
        "train_s": 2.0,
        "val_s": 1.0,
        "losses": {"train/box_loss": 1.5},
    }
    return EpochMetrics(**{**values, **changes})


def trial(number: int, **changes: Any) -> Trial:
    values: dict[str, Any] = {"number": number, "params": {"lr0": 0.01}, "epochs": 9, "seed": 2**40}
    return Trial(**{**values, **changes})


def start(recorder: Recorder, number: int, *, at: float = 10.0, **changes: Any) -> bool:
    return recorder.trial_started(trial(number, **changes), at=at, node="n1", device="cpu", pid=7)


def run(recorder: Recorder, number: int, scores: list[float], state: TrialState = TrialState.COMPLETED) -> None:
    """A whole trial, each epoch of which costs 4 slot-seconds."""
    start(recorder, number)
    for epoch, score in enumerate(scores, start=1):
        recorder.epoch(number, 1, metrics(epoch, score), slot_s=4.0 * epoch, at=10.0 + epoch)
    recorder.trial_closed(number, Outcome(state=state), slot_s=4.0 * len(scores) + 1, at=99.0)


@pytest.fixture
def birds(engine: Engine, make_spec: MakeSpec) -> str:
    begin_study(engine, make_spec("birds"), at=100.0, host="here", pid=1)
    return "birds"


@pytest.fixture
def recorder(engine: Engine, birds: str) -> Recorder:
    return Recorder(engine, birds, clock=Clock())


def test_odd_text_and_numbers_survive(engine: Engine, birds: str, recorder: Recorder) -> None:
    params = {"cls": "caf\udce9 \0 鳥", "lr0": 1e-300, "none": None, "flag": True}
    start(recorder, 0, params=params)
    recorder.epoch(0, 1, metrics(1, np.float64(0.5), losses={"a": np.float32(0.25)}), slot_s=4.0, at=11.0)
    recorder.event("note", "caf\udce9 \0 鳥", at=1.0)
    assert read.trial(engine, birds, 0).params == params
    assert read.trial(engine, birds, 0).best_map50_95 == 0.5
    assert read.epochs(engine, birds)[0].losses == {"a": 0.25}
    assert read.events(engine, birds)[0].text == "caf?  鳥"


def test_an_unknown_study_names_those_that_exist(engine: Engine, birds: str) -> None:
    for question in (read.study, read.trials, read.best_trials, read.epochs, read.events, Recorder):
        with pytest.raises(UnknownName, match=r"unknown study 'bird'\. Did you mean birds\?"):
            question(engine, "bird")


def test_an_unknown_trial_is_an_error(engine: Engine, birds: str, recorder: Recorder) -> None:
    with pytest.raises(UnknownName, match="unknown trial '3'"):
        read.trial(engine, birds, 3)
    with pytest.raises(UnknownName, match="unknown trial '3'"):
        read.epochs(engine, birds, 3)
    with pytest.raises(UnknownName, match="unknown trial '3'"):
        recorder.epoch(3, 1, metrics(1, 0.5), slot_s=1.0, at=1.0)


def test_a_running_trial_shows_where_it_runs(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0, origin="defaults")
    row = read.trial(engine, birds, 0)
    assert (row.state, row.attempt, row.node, row.device) == (TrialState.RUNNING, 1, "n1", "cpu")
    assert (row.origin, row.params, row.seed, row.epochs) == ("defaults", {"lr0": 0.01}, 2**40, 9)
    assert (row.done_epochs, row.best_map50_95, row.last_map50_95) == (0, None, None)
    assert (row.started_at, row.ended_at, row.applied, row.error) == (10.0, None, None, None)


def test_an_epoch_comes_back_as_reported(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    given = metrics(1, 0.25, applied={"lr0": 0.01, "cos_lr": False, "freeze": None})
    assert recorder.epoch(0, 1, given, slot_s=4.0, at=11.0)
    [row] = read.epochs(engine, birds, 0)
    assert (row.trial, row.epoch, row.attempt, row.map50_95, row.losses) == (0, 1, 1, 0.25, given.losses)
    assert (row.train_s, row.val_s, row.slot_s, row.reported_at) == (2.0, 1.0, 4.0, 11.0)
    assert read.trial(engine, birds, 0).applied == given.applied


def test_epochs_keep_the_best_current(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.1, 0.4, 0.3])
    run(recorder, 1, [0.2, 0.6])
    row = read.trial(engine, birds, 0)
    assert (row.best_map50_95, row.best_map50, row.best_epoch, row.last_map50_95) == (0.4, 0.4, 2, 0.3)
    assert (row.done_epochs, row.slot_s, row.paid_s, row.ended_at) == (3, 13.0, 9.0, 99.0)
    study = read.study(engine, birds)
    assert (study.baseline_map50_95, study.best_map50_95, study.best_trial, study.trials) == (0.4, 0.6, 1, 2)


def test_nan_is_stored_and_never_the_best(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    recorder.epoch(0, 1, metrics(1, 0.3), slot_s=4.0, at=11.0)
    broken = metrics(2, math.nan, map50=math.inf, train_s=math.nan, losses={"train/box_loss": -math.inf})
    recorder.epoch(0, 1, broken, slot_s=8.0, at=12.0)
    stored = read.epochs(engine, birds, 0)[1]
    values = (stored.map50_95, stored.map50, stored.train_s, stored.losses["train/box_loss"])
    assert all(math.isnan(value) for value in values)
    row = read.trial(engine, birds, 0)
    assert (row.best_map50_95, row.best_epoch, row.paid_s) == (0.3, 1, 4.0)
    assert row.last_map50_95 is not None
    assert math.isnan(row.last_map50_95)


def test_a_trial_of_nothing_but_nan_has_no_best(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.2])
    run(recorder, 1, [math.nan])
    assert read.trial(engine, birds, 1).best_map50_95 is None
    assert [row.number for row in read.best_trials(engine, birds)] == [0]


def test_the_leaderboard_ranks_by_score_then_number(engine: Engine, birds: str, recorder: Recorder) -> None:
    for number, score in enumerate([0.2, 0.5, 0.1, 0.5]):
        run(recorder, number, [score])
    assert [row.number for row in read.best_trials(engine, birds)] == [1, 3, 0, 2]
    assert [row.number for row in read.best_trials(engine, birds, limit=2)] == [1, 3]


def test_a_failed_trial_leaves_the_ranking(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.2])
    start(recorder, 1)
    recorder.epoch(1, 1, metrics(1, 0.9), slot_s=4.0, at=11.0)
    assert read.study(engine, birds).best_trial == 1
    error = "Traceback: \0 caf\udce9"
    recorder.trial_closed(1, Outcome(state=TrialState.FAILED, reason="r", error=error), slot_s=5.0, at=12.0)
    assert read.study(engine, birds).best_trial == 0
    assert [row.number for row in read.best_trials(engine, birds)] == [0]
    assert read.trial(engine, birds, 1).error == "Traceback:  caf?"


def test_a_repeat_says_what_it_repeats_and_leaves_the_ranking(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.2])
    start(recorder, 1, repeats=0, purpose=Purpose.CONFIRMATION, seed=2**40 + 1)
    recorder.epoch(1, 1, metrics(1, 0.9), slot_s=4.0, at=11.0)
    row = read.trial(engine, birds, 1)
    assert (row.repeats, row.purpose, row.best_map50_95) == (0, Purpose.CONFIRMATION, 0.9)
    assert read.trial(engine, birds, 0).repeats is None
    assert [row.number for row in read.best_trials(engine, birds)] == [0]
    assert (read.study(engine, birds).best_trial, read.study(engine, birds).best_map50_95) == (0, 0.2)


def test_trials_are_paged_by_number(engine: Engine, birds: str, recorder: Recorder) -> None:
    for number in (2, 0, 1, 3):
        run(recorder, number, [0.1])
    assert [row.number for row in read.trials(engine, birds)] == [0, 1, 2, 3]
    assert [row.number for row in read.trials(engine, birds, limit=2, offset=1)] == [1, 2]


def test_rows_of_an_older_attempt_are_refused(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    start(recorder, 0, attempt=2, at=50.0)
    assert not recorder.epoch(0, 1, metrics(1, 0.9), slot_s=4.0, at=51.0)
    assert not start(recorder, 0, attempt=1)
    assert recorder.epoch(0, 2, metrics(1, 0.1), slot_s=4.0, at=52.0)
    assert [(row.attempt, row.map50_95) for row in read.epochs(engine, birds)] == [(2, 0.1)]


def test_an_epoch_trained_again_costs_and_changes_nothing_else(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    for epoch, score in ((1, 0.1), (2, 0.9), (3, 0.2)):
        recorder.epoch(0, 1, metrics(epoch, score), slot_s=4.0 * epoch, at=10.0 + epoch)
    start(recorder, 0, attempt=2, at=20.0, done_epochs=1)
    recorder.epoch(0, 2, metrics(2, 0.3), slot_s=16.0, at=21.0)
    rows = read.epochs(engine, birds, 0)
    assert [(row.epoch, row.attempt, row.map50_95) for row in rows] == [(1, 1, 0.1), (2, 1, 0.9), (3, 1, 0.2)]
    assert [row.reported_at for row in rows] == [11.0, 12.0, 13.0]
    row = read.trial(engine, birds, 0)
    assert (row.best_map50_95, row.best_epoch, row.done_epochs, row.attempt) == (0.9, 2, 3, 2)
    assert row.score == pytest.approx(0.4)
    assert (row.slot_s, row.paid_s) == (16.0, 12.0)
    assert [each.slot_s for each in read.attempts(engine, birds, 0)] == [12.0, 4.0]
    assert recorder.epoch(0, 2, metrics(3, 0.8), slot_s=20.0, at=22.0)
    assert recorder.epoch(0, 2, metrics(4, 0.5), slot_s=24.0, at=23.0)
    assert [row.map50_95 for row in read.epochs(engine, birds, 0)] == [0.1, 0.9, 0.2, 0.5]


def test_an_epoch_reported_twice_counts_once(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    assert recorder.epoch(0, 1, metrics(1, 0.1), slot_s=4.0, at=11.0)
    assert not recorder.epoch(0, 1, metrics(1, 0.2), slot_s=5.0, at=12.0)
    assert [row.map50_95 for row in read.epochs(engine, birds)] == [0.1]


def test_a_closed_trial_refuses_epochs(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.1], TrialState.STOPPED)
    assert not recorder.epoch(0, 1, metrics(2, 0.9), slot_s=8.0, at=13.0)
    assert not recorder.trial_closed(0, Outcome(state=TrialState.FAILED), slot_s=9.0, at=14.0)
    assert read.trial(engine, birds, 0).state is TrialState.STOPPED


def test_each_attempt_has_its_own_cost(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0, at=10.0)
    recorder.epoch(0, 1, metrics(1, 0.1), slot_s=4.0, at=14.0)
    start(recorder, 0, attempt=2, at=30.0, done_epochs=1)
    recorder.epoch(0, 2, metrics(2, 0.2), slot_s=9.0, at=35.0)
    recorder.trial_closed(0, Outcome(state=TrialState.COMPLETED), slot_s=10.0, at=36.0)
    first, second = read.attempts(engine, birds, 0)
    assert (first.outcome, first.slot_s, first.first_epoch) == (TrialState.INTERRUPTED, 4.0, 1)
    assert (first.started_at, first.ended_at) == (10.0, 14.0)
    assert (second.outcome, second.slot_s, second.first_epoch) == (TrialState.COMPLETED, 6.0, 2)
    assert (second.started_at, second.ended_at, second.pid) == (30.0, 36.0, 7)
    assert read.trial(engine, birds, 0).slot_s == 10.0


def test_a_heartbeat_saves_the_ledger(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    recorder.heartbeat(at=130.0, slot_s=35.0, wall_s=30.0, running={0: 30.0})
    study = read.study(engine, birds)
    assert (study.heartbeat_at, study.slot_s, study.wall_s) == (130.0, 35.0, 30.0)
    assert read.trial(engine, birds, 0).slot_s == 30.0
    assert read.attempts(engine, birds)[0].slot_s == 30.0


def test_epochs_are_replayed_in_the_order_of_report(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    start(recorder, 1)
    reported = [(0, 1, 11.0), (1, 1, 12.0), (1, 2, 13.0), (0, 2, 13.0), (0, 3, 14.0)]
    for number, epoch, at in reported:
        recorder.epoch(number, 1, metrics(epoch, 0.1), slot_s=1.0, at=at)
    assert [(row.trial, row.epoch, row.reported_at) for row in read.epochs(engine, birds)] == reported


def test_rows_that_arrive_together_wait_for_each_other(engine: Engine, birds: str) -> None:
    clock = Clock(step=0.0)
    clock.now = 1.0
    recorder = Recorder(engine, birds, clock=clock)
    recorder.event("note", "at once", at=1.0)
    recorder.event("note", "waits", at=1.1)
    assert [row.text for row in read.events(engine, birds)] == ["at once"]
    clock.now = 1.25
    recorder.event("note", "takes both along", at=1.25)
    assert len(read.events(engine, birds)) == 3
    recorder.event("note", "last", at=1.3)
    recorder.close()
    assert [row.text for row in read.events(engine, birds)][-1] == "last"


def test_a_group_of_rows_equals_the_rows_one_by_one(engine: Engine, birds: str) -> None:
    recorder = Recorder(engine, birds, clock=Clock(step=0.0))
    recorder.flush()
    start(recorder, 0, at=10.0)
    recorder.epoch(0, 1, metrics(1, 0.1), slot_s=4.0, at=14.0)
    recorder.epoch(0, 1, metrics(2, 0.2), slot_s=8.0, at=18.0)
    recorder.trial_closed(0, Outcome(state=TrialState.INTERRUPTED), slot_s=9.0, at=19.0)
    start(recorder, 0, at=30.0, attempt=2, done_epochs=1)
    recorder.epoch(0, 2, metrics(2, 0.3), slot_s=13.0, at=34.0)
    recorder.artifact(0, "best", "/a", 1)
    recorder.close()
    row = read.trial(engine, birds, 0)
    assert (row.state, row.attempt, row.done_epochs, row.best_map50_95) == (TrialState.RUNNING, 2, 2, 0.2)
    assert (row.slot_s, row.paid_s, row.started_at, row.ended_at) == (13.0, 9.0, 10.0, None)
    first, second = read.attempts(engine, birds, 0)
    assert (first.outcome, first.slot_s, first.ended_at) == (TrialState.INTERRUPTED, 9.0, 19.0)
    assert (second.outcome, second.slot_s, second.first_epoch) == (None, 4.0, 2)


def test_events_are_followed_by_id(engine: Engine, birds: str, recorder: Recorder) -> None:
    for number in range(4):
        recorder.event("rung", f"event {number}", trial=number, at=float(number))
    rows = read.events(engine, birds)
    assert [row.text for row in rows] == [f"event {number}" for number in range(4)]
    assert read.events(engine, birds, after_id=rows[1].id) == rows[2:]
    assert read.events(engine, birds, limit=2) == rows[2:]


def test_an_artifact_replaces_the_one_of_its_kind(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.1])
    recorder.artifact(0, "best", "/old", 1)
    recorder.artifact(0, "best", "/new", 2**33)
    recorder.artifact(0, "log", "/log", 3)
    recorder.drop_artifact(0, "log")
    [row] = read.artifacts(engine, birds, 0)
    assert (row.kind, row.path, row.size_bytes) == ("best", "/new", 2**33)


def test_a_stop_request_is_seen_by_the_driver(store_url: str, birds: str, recorder: Recorder) -> None:
    assert not recorder.stop_requested()
    other = open_store(store_url)
    request_stop(other, birds)
    assert recorder.stop_requested()
    assert read.study(other, birds).stop_requested
    other.dispose()


def test_a_reopened_study_goes_on_where_it_was(engine: Engine, birds: str, recorder: Recorder) -> None:
    run(recorder, 0, [0.5])
    start(recorder, 1)
    recorder.epoch(1, 1, metrics(1, 0.2), slot_s=4.0, at=14.0)
    request_stop(engine, birds)
    reopen_study(engine, birds, Heartbeat(host="there", pid=2, at=300.0), dead=read.study(engine, birds).heartbeat)
    assert not read.study(engine, birds).stop_requested
    assert read.trial(engine, birds, 0).state is TrialState.COMPLETED
    assert read.trial(engine, birds, 1).state is TrialState.INTERRUPTED
    assert read.attempts(engine, birds, 1)[0].ended_at == 14.0

    second = Recorder(engine, birds, clock=Clock())
    assert not second.epoch(1, 1, metrics(2, 0.9), slot_s=8.0, at=301.0)  # an orphan of before
    start(second, 1, attempt=2, at=302.0, done_epochs=1)
    assert second.epoch(1, 2, metrics(2, 0.6), slot_s=8.0, at=306.0)
    row = read.trial(engine, birds, 1)
    assert (row.best_map50_95, row.done_epochs, row.paid_s, row.started_at) == (0.6, 2, 6.0, 10.0)
    assert read.study(engine, birds).best_trial == 1


@pytest.mark.fault
def test_a_driver_that_was_taken_over_writes_no_more(engine: Engine, birds: str, recorder: Recorder) -> None:
    start(recorder, 0)
    reopen_study(engine, birds, Heartbeat(host="there", pid=2, at=300.0), dead=read.study(engine, birds).heartbeat)
    recorder.epoch(0, 1, metrics(1, 0.9), slot_s=4.0, at=301.0)
    assert recorder.stop_requested()
    assert read.epochs(engine, birds) == []
    with pytest.raises(StudyConflict, match="taken over"):
        recorder.close()


def test_read_only_refuses_writes(store_url: str, birds: str, make_spec: MakeSpec) -> None:
    reader = open_store(store_url, read_only=True)
    assert read.study(reader, birds).name == birds
    with pytest.raises(BadStore, match=r"read-?only"):
        begin_study(reader, make_spec("fish"), at=1.0, host="h", pid=1)
    reader.dispose()


def test_a_reader_sees_what_a_writer_wrote_since(store_url: str, birds: str, recorder: Recorder) -> None:
    reader = open_store(store_url, read_only=True)
    assert read.trials(reader, birds) == []
    run(recorder, 0, [0.5])
    assert len(read.trials(reader, birds)) == 1
    reader.dispose()


def test_scores_are_by_trial_and_epoch_without_repeats(engine: Engine, birds: str, recorder: Recorder) -> None:
    for number, of in ((0, None), (1, None), (2, 0)):
        start(recorder, number, repeats=of)
        for epoch in (1, 2):
            value = math.nan if (number, epoch) == (1, 2) else 0.1 * number + 0.01 * epoch
            recorder.epoch(number, 1, metrics(epoch, value), slot_s=1.0, at=10.0 + epoch)
    found = read.scores(engine, birds, latest=10)
    assert found[0] == [0.01, 0.02]
    assert (len(found[1]), math.isnan(found[1][1]), set(found)) == (2, True, {0, 1})
    assert set(read.scores(engine, birds, latest=1)) == {1}
