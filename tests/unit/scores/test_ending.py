"""Early end: the rest of a budget promises too little."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.scores.ending import FLOOR, LOOK_BACK, RECENT, Promise, expected_gain, promised


def test_the_expected_gain_is_what_a_simulation_finds() -> None:
    rng = random.Random(0)
    scores = [rng.gauss(0.4, 0.02) for _ in range(400)]
    best = 0.43
    gains = [max(0.0, max(rng.gauss(0.4, 0.02) for _ in range(10)) - best) for _ in range(20_000)]
    assert expected_gain(scores, best, 10) == pytest.approx(sum(gains) / len(gains), rel=0.1)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20), st.floats(0.0, 1.0), st.floats(0.0, 50.0))
def test_more_trials_never_promise_less(scores: list[float], best: float, trials: float) -> None:
    gain = expected_gain(scores, best, trials)
    assert 0 <= gain <= expected_gain(scores, best, trials + 5) + 1e-9


def ended(mean: float, spread: float = 0.01) -> list[tuple[float, float]]:
    """LOOK_BACK finished trials of ten slot-seconds each."""
    return [(mean + spread * (index % 5 - 2), 10.0) for index in range(LOOK_BACK)]


def told(trials: list[tuple[float, float]], best: float) -> Promise:
    """A search whose best trial came before those."""
    promise = Promise()
    promise.trial_ended(best, 10.0, completed=True)
    for score, cost_s in trials:
        promise.trial_ended(score, cost_s, completed=False)
    return promise


def test_a_search_whose_trials_lie_far_below_its_best_ends_with_the_figure() -> None:
    reason = told(ended(0.3), 0.5).nothing_left(500.0, "gpu")
    assert reason is not None
    assert str(FLOOR) in reason
    assert "gpu-h" in reason
    assert "--no-early-end" in reason


@pytest.mark.parametrize(
    ("trials", "best", "left_s"),
    [
        (ended(0.5), 0.5, 500.0),  # they are as good as the best
        (ended(0.3)[2:], 0.5, 500.0),  # too few to tell
        (ended(0.3), 0.5, float("inf")),  # nothing to save: a limit of trials alone
        (ended(0.3), 0.5, 0.0),  # nothing to save at all
        ([*ended(0.3)[:10], *ended(0.499)[:10]], 0.5, 500.0),  # what is proposed now is near the best
    ],
)
def test_a_search_that_may_still_pay_goes_on(trials: list[tuple[float, float]], best: float, left_s: float) -> None:
    assert told(trials, best).nothing_left(left_s, "cpu") is None


def test_a_search_goes_on_for_some_trials_after_its_best_has_risen() -> None:
    promise = told(ended(0.3), 0.5)
    assert promise.nothing_left(500.0, "cpu") is not None
    promise.trial_ended(0.58, 10.0, completed=True)
    for score, cost_s in ended(0.3)[:RECENT]:
        assert promise.nothing_left(500.0, "cpu") is None
        promise.trial_ended(score, cost_s, completed=False)
    assert promise.nothing_left(500.0, "cpu") is not None


def test_a_search_without_a_whole_training_goes_on() -> None:
    promise = Promise()
    for score, cost_s in ended(0.3):
        promise.trial_ended(score, cost_s, completed=False)
    assert promise.nothing_left(500.0, "cpu") is None


def test_what_the_rest_promises_is_by_what_the_search_ends() -> None:
    gain = promised(ended(0.3), 0.5, 500.0)
    assert gain == expected_gain([score for score, _ in ended(0.3)], 0.5, 50.0)
    assert f"would bring {gain:.4f} mAP50-95" in (told(ended(0.3), 0.5).nothing_left(500.0, "gpu") or "")
    assert promised(ended(0.3), 0.5, 0.0) == 0.0
    assert promised(ended(0.3)[1:], 0.5, 500.0) is None
