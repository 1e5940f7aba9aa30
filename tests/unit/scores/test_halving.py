"""Rungs, survival, extrapolation and rank correlation."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import BadBudget
from automl.scores.halving import PAIRS, Rungs, final, quantile, rank_correlation, rung_levels, rung_trust, smoothed

scores = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("warmup", "horizon", "levels"),
    [
        (3.0, 100, (10, 30)),  # a tenth of the horizon; 90 is its last tenth
        (3.0, 42, (5, 15)),  # warm-up + 2
        (2.5, 300, (30, 90)),
        (3.0, 40, (5, 15)),
        (3.0, 60, (6, 18)),
        (3.0, 80, (8, 24)),
        (3.0, 20, (5, 15)),  # three quarters still count
        (2.5, 12, (5,)),
        (0.0, 12, (2, 6)),
        (3.0, 15, (5,)),  # 15 is the horizon itself
        (3.0, 5, ()),
        (0.0, 1, ()),
    ],
)
def test_rungs_begin_after_warmup_or_a_tenth_and_triple(warmup: float, horizon: int, levels: tuple[int, ...]) -> None:
    assert rung_levels(warmup, horizon) == levels


def test_a_horizon_of_no_epoch_is_refused() -> None:
    with pytest.raises(BadBudget, match="--epochs 1 or more"):
        rung_levels(3.0, 0)


@given(st.floats(0.0, 10.0), st.integers(1, 1000))
def test_rungs_rise_and_leave_the_last_quarter_alone(warmup: float, horizon: int) -> None:
    levels = rung_levels(warmup, horizon)
    assert all(a * 3 == b for a, b in pairwise(levels))
    assert all(warmup + 2 <= level <= 0.75 * horizon for level in levels)


def test_the_quantile_is_interpolated() -> None:
    assert quantile([0.0, 1.0, 2.0, 3.0], 0.5) == 1.5
    assert quantile([7.0], 0.9) == 7.0


def test_of_a_short_training_five_epochs_would_hide_which_ends_higher() -> None:
    early = [0.40] * 8 + [0.45, 0.46, 0.46, 0.46]  # learnt early, and ended there
    late = [0.10] * 8 + [0.30, 0.40, 0.48, 0.50]
    assert smoothed(early) > smoothed(late)
    assert final(early, 12) < final(late, 12)


def test_scores_are_smoothed_over_their_last_five() -> None:
    assert smoothed([9.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == 3.0
    assert smoothed([1.0, 2.0]) == 1.5


@given(scores)
def test_the_best_so_far_always_goes_on(values: list[float]) -> None:
    rungs = Rungs((3,), 9)
    for trial, value in enumerate(values):
        survival = rungs.judge(trial, 3, value)
        assert survival.survives or value < max(values[: trial + 1])


@given(st.integers(1, 40), st.floats(0.0, 1.0))
def test_equal_scores_stop_nobody(trials: int, value: float) -> None:
    rungs = Rungs((3,), 9)
    assert all(rungs.judge(trial, 3, value).survives for trial in range(trials))


def test_a_rung_on_which_all_scored_zero_stops_nobody() -> None:
    rungs = Rungs((1,), 9)
    assert all(rungs.judge(trial, 1, 0.0).survives for trial in range(30))


def test_the_best_third_goes_on() -> None:
    rungs = Rungs((3,), 9)
    for trial in range(9):
        rungs.record(trial, 3, trial / 10)
    assert not rungs.judge(10, 3, 0.45).survives
    assert rungs.judge(11, 3, 0.75).survives


def test_a_verdict_names_value_and_threshold() -> None:
    rungs = Rungs((3,), 9)
    rungs.record(0, 3, 0.9)
    survival = rungs.judge(1, 3, 0.3)
    assert (survival.value, survival.level) == (0.3, 3)
    assert survival.threshold == pytest.approx(0.7)


def test_a_trial_counts_once_on_a_rung() -> None:
    rungs = Rungs((3,), 9)
    rungs.record(0, 3, 0.5)
    rungs.record(0, 3, 0.9)
    assert rungs.values(3) == {0: 0.5}
    assert rungs.reached() == {3: 1, 9: 0}


def test_a_stopped_trial_is_extrapolated_by_the_median_gains_from_its_rung() -> None:
    rungs = Rungs((3, 9), 27)
    for trial, gain in enumerate((0.1, 0.2, 0.6)):
        rungs.record(trial, 3, 0.3)
        rungs.record(trial, 9, 0.3 + gain)
        rungs.record(trial, 27, 0.4 + gain)
    rungs.record(7, 3, 0.1)
    assert rungs.extrapolate(7, 0.15) == pytest.approx(0.1 + 0.2 + 0.1)


def test_a_rising_curve_that_was_stopped_does_not_overtake_those_that_went_on() -> None:
    rungs = Rungs((5,), 50)
    rungs.record(0, 5, smoothed([0.1, 0.2, 0.3, 0.4, 0.5]))
    rungs.record(0, 50, 0.6)
    worse = [0.1, 0.2, 0.25, 0.35, 0.45]
    rungs.record(1, 5, smoothed(worse))
    assert rungs.extrapolate(1, smoothed(worse)) < 0.6


def test_without_anybody_who_went_on_a_trial_keeps_its_score() -> None:
    rungs = Rungs((3,), 9)
    rungs.record(0, 3, 0.3)
    assert rungs.extrapolate(0, 0.4) == 0.4
    assert rungs.extrapolate(1, 0.2) == 0.2


def test_an_extrapolated_value_is_never_below_what_was_measured() -> None:
    rungs = Rungs((3,), 9)
    rungs.record(0, 3, 0.5)
    rungs.record(0, 9, 0.1)
    rungs.record(1, 3, 0.4)
    assert rungs.extrapolate(1, 0.45) == 0.45


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=20, unique=True))
def test_ranks_agree_with_themselves_and_oppose_their_mirror(values: list[float]) -> None:
    assert rank_correlation(values, values) == pytest.approx(1.0)
    assert rank_correlation(values, [-v for v in values]) == pytest.approx(-1.0)


def test_ties_share_their_mean_rank() -> None:
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(0.9487, abs=1e-4)


@pytest.mark.parametrize(("first", "second"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [1, 2])])
def test_without_three_pairs_that_differ_there_is_no_correlation(first: list[float], second: list[float]) -> None:
    assert rank_correlation(first, second) is None


def ranked(pairs: list[tuple[float, float]], rungs: Rungs, first: int = 0) -> None:
    """Record trials with those values at epochs 3 and 9."""
    for trial, (low, high) in enumerate(pairs, start=first):
        rungs.record(trial, 3, low)
        rungs.record(trial, 9, high)


def test_a_rung_that_does_not_predict_the_next_is_switched_off() -> None:
    rungs = Rungs((3, 9), 27)
    ranked([(0.01 * n, 0.5 - 0.01 * n) for n in range(PAIRS - 1)], rungs)
    assert rungs.lowest == 3
    ranked([(0.2, 0.1)], rungs, first=50)
    assert rungs.lowest == 9
    assert rungs.judge(99, 3, 0.0).survives
    assert not rungs.judge(98, 9, 0.0).survives


def test_a_rung_is_switched_on_again() -> None:
    rungs = Rungs((3, 9), 27)
    ranked([(0.01 * n, 0.5 - 0.01 * n) for n in range(PAIRS)], rungs)
    assert rungs.lowest == 9
    ranked([(0.3 + 0.01 * n, 0.6 + 0.01 * n) for n in range(2 * PAIRS)], rungs, first=50)
    assert rungs.lowest == 3
    assert not rungs.judge(99, 3, 0.0).survives


def test_a_rung_that_agrees_with_the_next_stays_on() -> None:
    rungs = Rungs((3, 9), 27)
    ranked([(0.01 * n, 0.02 * n) for n in range(30)], rungs)
    first, second = rungs.trust()
    assert (first.level, first.following, first.trials, first.stops) == (3, 9, 30, True)
    assert first.correlation == pytest.approx(1.0)
    assert (second.level, second.correlation, second.trials) == (9, None, 0)


def test_where_every_rung_misleads_nobody_is_stopped() -> None:
    rungs = Rungs((3,), 9)
    ranked([(0.01 * n, 0.5 - 0.01 * n) for n in range(PAIRS)], rungs)
    assert rungs.lowest == 9
    assert rungs.judge(99, 3, 0.0).survives


def test_stored_curves_tell_how_far_the_rungs_can_be_trusted() -> None:
    curves = {n: [0.1 * n / 10] * 3 + [0.2 * n / 10] * 6 for n in range(6)} | {7: [0.3, math.nan]}
    (trust,) = rung_trust(curves, (3,), 9)
    assert trust.trials == 6
    assert trust.correlation == pytest.approx(1.0)
