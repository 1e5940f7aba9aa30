"""Comparison of two recipes by a few seeds each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.scores.length import compared
from automl.scores.trust import SEED_SD

SCORES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=3).map(tuple)


def test_equal_scores_are_a_coin_toss_and_the_gain_is_the_difference_of_the_means() -> None:
    even = compared((0.5,), (0.5,))
    assert even.chance == pytest.approx(0.5)
    assert even.gain.mean == 0.0
    assert even.gain.low == pytest.approx(-even.gain.high)
    result = compared((0.50, 0.52), (0.60, 0.64, 0.62))
    assert result.gain.mean == pytest.approx(0.11)
    assert (result.defaults, result.recipe) == ((0.50, 0.52), (0.60, 0.64, 0.62))


def test_more_seeds_and_closer_ones_are_surer() -> None:
    one, two = compared((0.5,), (0.52,)), compared((0.5, 0.5), (0.52, 0.52))
    scattered = compared((0.4, 0.6), (0.42, 0.62))
    assert 0.5 < scattered.chance < one.chance < two.chance
    assert two.gain.high - two.gain.low < one.gain.high - one.gain.low
    assert scattered.gain.high - scattered.gain.low > one.gain.high - one.gain.low


def test_one_seed_each_is_judged_by_the_usual_noise_of_seeds() -> None:
    assert compared((0.5,), (0.5 + SEED_SD,)).chance < 0.85
    assert compared((0.5,), (0.5 + 5 * SEED_SD,)).chance > 0.95


@given(defaults=SCORES, recipe=SCORES)
def test_the_two_sides_mirror_each_other(defaults: tuple[float, ...], recipe: tuple[float, ...]) -> None:
    one, other = compared(defaults, recipe), compared(recipe, defaults)
    assert one.chance == pytest.approx(1 - other.chance)
    assert one.gain.mean == pytest.approx(-other.gain.mean)
    assert one.gain.low <= one.gain.mean <= one.gain.high
    assert (one.chance > 0.5) == (one.gain.mean > 0) or one.chance == pytest.approx(0.5)


@given(base=st.floats(0.0, 1.0), one=st.floats(0.0, 1.0), two=st.floats(0.0, 1.0))
def test_with_one_seed_each_a_better_score_never_lowers_the_chance(base: float, one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert compared((base,), (low,)).chance <= compared((base,), (high,)).chance
    assert compared((low,), (base,)).chance >= compared((high,), (base,)).chance
