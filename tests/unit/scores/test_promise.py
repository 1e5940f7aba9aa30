"""The interval of a further training, and when a figure holds."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from automl.records import Purpose
from automl.scores import promise
from automl.scores.leaderboard import verdict
from automl.scores.promise import Promise, from_scores, holds, interval_of
from tests.builders.factories import make_row

PLAIN = Promise(map50_95=0.5, low=0.46, high=0.54, epochs=30)


def test_a_further_training_is_less_certain_than_the_mean() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.56), make_row(2, 0.55, repeats=1, purpose=Purpose.CONFIRMATION, seed=1)]
    known = verdict(rows)
    assert known is not None
    estimate = known.of(1)
    assert estimate is not None
    assert estimate.further is not None
    assert estimate.further.half > 1.2 * estimate.score.half
    assert estimate.further.mean == pytest.approx(estimate.score.mean)


def test_the_promise_of_a_searched_trial_is_that_of_its_study() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.56)]
    known = promise.of_search(rows[1], verdict(rows))
    assert known is not None
    assert known.low < 0.56 < known.high
    assert known.epochs == rows[1].epochs


def test_a_trial_without_a_score_promises_nothing() -> None:
    assert promise.of_search(make_row(1, None), None) is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_nine_in_ten_further_trainings_lie_in_the_interval(count: int) -> None:
    """With the noise of the prior, over many recipes."""
    draws, inside = random.Random(0), 0
    for _ in range(2000):
        scores = [draws.gauss(0.5, 0.0085) for _ in range(count)]
        known = from_scores(scores, 30)
        inside += known.low <= draws.gauss(0.5, 0.0085) <= known.high
    assert inside / 2000 > 0.9


def test_more_seeds_narrow_the_interval() -> None:
    widths = [known.high - known.low for known in (from_scores([0.5] * count, 30) for count in (1, 2, 4))]
    assert widths == sorted(widths, reverse=True)


def test_the_interval_of_several_trainings_holds_them_all_as_often() -> None:
    draws = random.Random(1)
    deviation = 0.04 / statistics.NormalDist().inv_cdf(0.95)
    low, high = interval_of(PLAIN, 3)
    inside = sum(all(low <= draws.gauss(0.5, deviation) <= high for _ in range(3)) for _ in range(4000))
    assert inside / 4000 == pytest.approx(0.9, abs=0.02)
    assert interval_of(PLAIN, 1) == pytest.approx((0.46, 0.54))


@pytest.mark.parametrize(
    ("scores", "held"),
    [([0.5], True), ([0.47, 0.53], True), ([0.4], False), ([0.5, 0.4], False), ([0.6], False), ([0.44, 0.56], False)],
)
def test_a_figure_holds_if_every_training_lies_in_the_interval(scores: list[float], held: bool) -> None:
    assert holds(PLAIN, scores) is held
    assert ("does not hold" not in promise.sentence(PLAIN, scores, "hyp.yaml")) is held


def test_a_better_training_is_told_from_a_worse_one() -> None:
    assert "above" in promise.sentence(PLAIN, [0.7, 0.5], "hyp.yaml")
    assert "outside" in promise.sentence(PLAIN, [0.3], "hyp.yaml")


def test_a_figure_is_measured_as_the_promise_was() -> None:
    scores = [0.1, 0.4, 0.2]
    long = Promise(map50_95=0.5, low=0.4, high=0.6, epochs=3, best=True, patience=1)
    short = Promise(map50_95=0.5, low=0.4, high=0.6, epochs=3)
    assert promise.figure_of(long, scores) == 0.4
    assert promise.figure_of(short, scores) == 0.2
    assert promise.figure_of(short, [0.1, math.nan]) == 0.0
    assert promise.ends(long, scores)
    assert not promise.ends(long, [0.1, 0.2])
    assert not promise.ends(short, scores)
