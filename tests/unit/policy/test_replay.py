"""Search: rebuilt from stored rows, it goes on as if it had never stopped."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from automl.policy import Search
from automl.policy.runs import FAILURES_IN_A_ROW
from automl.records import Outcome, TrialState
from tests.builders.factories import EPOCH_S, make_epoch_row, make_row, make_search, make_spec
from tests.unit.policy.test_search import begun, fail, taught


def rows_of(number: int, scores: list[float], at: float) -> list[object]:
    return [make_epoch_row(number, i, score, at + EPOCH_S * i) for i, score in enumerate(scores, start=1)]


def replayed(*, state: TrialState, scores: list[float], **changes: object) -> tuple[Search, list[tuple[int, Outcome]]]:
    """A search after a completed baseline of .5 and a second trial in that state."""
    search = make_search(make_spec())
    second = make_row(1, max(scores, default=None), state=state, done_epochs=len(scores), slot_s=60.0 * len(scores))
    if state in (TrialState.RUNNING, TrialState.INTERRUPTED):
        second = replace(second, ended_at=None)
    epochs = rows_of(0, [0.5] * 12, 0.0) + rows_of(1, scores, 720.0)
    settled = search.replay([make_row(0), replace(second, **changes)], epochs)  # type: ignore[arg-type]
    return search, settled


@pytest.mark.parametrize("state", [TrialState.RUNNING, TrialState.INTERRUPTED])
def test_a_trial_that_had_not_ended_is_offered_first_as_a_new_attempt(state: TrialState) -> None:
    search, settled = replayed(state=state, scores=[0.4, 0.5], attempt=2)
    trial = search.next_trial(900.0)
    assert settled == []
    assert trial is not None
    assert (trial.number, trial.attempt, trial.done_epochs) == (1, 3, 2)
    assert begun(search, 900.0) == 2


def test_a_trial_whose_driver_died_after_its_last_epoch_is_settled_and_not_offered_again() -> None:
    search, settled = replayed(state=TrialState.RUNNING, scores=[0.1, 0.1, 0.1])
    assert [(number, outcome.state) for number, outcome in settled] == [(1, TrialState.STOPPED)]
    assert begun(search, 900.0) == 2


def test_a_trial_whose_driver_died_after_a_nan_is_settled_as_failed() -> None:
    search, settled = replayed(state=TrialState.RUNNING, scores=[0.1, math.nan])
    assert [(number, outcome.state) for number, outcome in settled] == [(1, TrialState.FAILED)]
    assert search.runs.best_epoch == (0.5, 0)


def test_the_nan_of_a_failed_trial_is_no_score() -> None:
    search, _ = replayed(state=TrialState.FAILED, scores=[0.7, math.nan], reason="diverged")
    assert search.runs[1].best == 0.7
    assert search.rungs.values(3) == {0: 0.5}


def test_the_ledger_is_rebuilt_by_trial() -> None:
    search, _ = replayed(state=TrialState.STOPPED, scores=[0.1] * 3)
    assert (search.ledger.cost_s(0), search.ledger.cost_s(1), search.ledger.spent_s()) == (720.0, 180.0, 900.0)
    assert search.prices.epoch_s() == EPOCH_S


def test_trials_that_ran_side_by_side_are_replayed_in_the_order_of_time() -> None:
    search, pupil = taught()
    stopped = {"state": TrialState.STOPPED, "done_epochs": 3, "slot_s": 180.0}
    rows = [make_row(0), make_row(1, 0.4, **stopped, ended_at=2000.0), make_row(2, 0.3, **stopped, ended_at=1000.0)]
    epochs = rows_of(0, [0.5] * 12, 0.0) + rows_of(1, [0.4] * 3, 1820.0) + rows_of(2, [0.3] * 3, 820.0)
    search.replay(rows, epochs)  # type: ignore[arg-type]
    assert [number for number, _ in pupil.told] == [0, 2, 1]


def test_an_epoch_that_two_attempts_reported_is_replayed_once() -> None:
    search = make_search(make_spec())
    twice = [make_epoch_row(0, 1, 0.3, 60.0), make_epoch_row(0, 1, 0.4, 90.0, attempt=2)]
    search.replay([make_row(0, 0.3, state=TrialState.RUNNING, done_epochs=1, attempt=2)], twice)
    trial = search.next_trial(100.0)
    assert trial is not None
    assert (trial.done_epochs, search.runs[0].best) == (1, 0.3)


def test_a_search_that_too_many_failures_ended_tries_again_when_it_is_resumed() -> None:
    rows = [make_row(0)]
    for number in range(1, FAILURES_IN_A_ROW + 1):
        changes = {"state": TrialState.FAILED, "reason": "boom", "done_epochs": 0, "slot_s": 0.0}
        rows.append(make_row(number, None, **changes))
    search = make_search(make_spec())
    search.replay(rows, rows_of(0, [0.5] * 12, 0.0))  # type: ignore[arg-type]
    assert (search.failure, search.ended) == (None, None)
    fail(search, FAILURES_IN_A_ROW - 1, 9000.0)
    assert search.failure is None
    fail(search, 1, 9000.0)
    assert search.failure == "5 trials failed one after the other, the last with: ValueError: boom"


def test_a_search_whose_baseline_failed_stays_failed_when_it_is_resumed() -> None:
    search = make_search(make_spec())
    search.replay([make_row(0, None, state=TrialState.FAILED, done_epochs=0, error="ValueError: boom")], [])
    assert search.next_trial(10.0) is None
    assert search.failure == "the baseline training failed: ValueError: boom"


def test_a_trial_that_failed_in_the_moment_it_began_can_be_replayed() -> None:
    changes = {"state": TrialState.FAILED, "done_epochs": 0, "started_at": 720.0, "ended_at": 720.0}
    search = make_search(make_spec())
    search.replay([make_row(0), make_row(1, None, **changes)], rows_of(0, [0.5] * 12, 0.0))  # type: ignore[arg-type]
    assert begun(search, 900.0) == 2
