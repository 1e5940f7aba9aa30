"""Estimates of configurations from their repeats with other seeds."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.errors import AutoMLError
from automl.scores.trust import CLAIM, SEED_GAP, Estimate, Interval, estimates, winner

scores = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)
quick = settings(max_examples=60, deadline=None)


def of(rows: tuple[Estimate, ...], trial: int) -> Estimate:
    return next(row for row in rows if row.trial == trial)


@quick
@example({1: [0.0]}, [0.875])  # the sum of the weights rounds to a little above one
@given(st.dictionaries(st.integers(0, 9), scores, min_size=1, max_size=5), scores)
def test_intervals_hold_their_mean_and_a_chance_is_a_probability(
    runs: dict[int, list[float]], base: list[float]
) -> None:
    rows = estimates({**runs, 0: base})
    assert [row.score.mean for row in rows] == sorted((row.score.mean for row in rows), reverse=True)
    assert sorted(row.trial for row in rows) == sorted({*runs, 0})
    for row in rows:
        assert row.score.low < row.score.mean < row.score.high
        assert row.seeds == len(base if row.trial == 0 else runs[row.trial])
        if row.gain is not None:
            assert row.chance is not None
            assert 0.0 <= row.chance <= 1.0
            assert row.gain.low < row.gain.mean < row.gain.high
            assert row.gain.mean == pytest.approx(row.score.mean - of(rows, 0).score.mean)
            assert (row.chance > 0.95) == (row.gain.low > 0) or abs(row.chance - 0.95) < 1e-4


@quick
@given(scores, st.floats(0.1, 0.9))
def test_a_configuration_that_scores_as_the_defaults_beats_them_half_of_the_time(
    same: list[float], shift: float
) -> None:
    estimate = of(estimates({0: same, 1: same}), 1)
    assert estimate.chance == pytest.approx(0.5, abs=1e-6)
    assert estimate.gain is not None
    assert estimate.gain.mean == pytest.approx(0.0, abs=1e-9)
    assert estimate.gain.low == pytest.approx(-estimate.gain.high, abs=1e-6)


@quick
@given(scores, scores)
def test_evidence_for_one_is_evidence_against_the_other(one: list[float], two: list[float]) -> None:
    forth, back = of(estimates({0: one, 1: two}), 1), of(estimates({0: two, 1: one}), 1)
    assert forth.chance == pytest.approx(1 - (back.chance or 0.0), abs=1e-5)


@quick
@given(st.lists(st.floats(0.3, 0.6), min_size=1, max_size=4), st.floats(0.001, 0.2))
def test_a_shift_of_all_scores_shifts_the_answer_and_no_more(base: list[float], shift: float) -> None:
    better = [score + 0.01 for score in base]
    here = of(estimates({0: base, 1: better}), 1)
    there = of(estimates({0: [s + shift for s in base], 1: [s + shift for s in better]}), 1)
    assert there.chance == pytest.approx(here.chance, abs=1e-6)
    assert there.score.low == pytest.approx(here.score.low + shift, abs=1e-6)


@pytest.mark.parametrize("gain", [0.0, 0.01, 0.03])
def test_more_repeats_narrow_the_interval(gain: float) -> None:
    pattern = (-0.008, 0.008)
    widths = []
    for pairs in (1, 2, 4, 8):
        base = [0.5 + noise for noise in pattern * pairs]
        estimate = of(estimates({0: base, 1: [score + gain for score in base]}), 1)
        widths.append((estimate.score.half, estimate.gain.half if estimate.gain else 0.0))
    assert widths == sorted(widths, reverse=True)
    assert widths[0][0] > 1.5 * widths[-1][0]


def test_the_more_is_repeated_the_surer_is_a_steady_gain() -> None:
    chances = [of(estimates({0: [0.5] * n, 1: [0.52] * n}), 1).chance or 0.0 for n in (1, 2, 3, 6)]
    assert chances == sorted(chances)
    assert chances[0] < 0.95
    assert chances[-1] > 0.99


def test_the_winner_is_the_best_of_those_that_are_surely_better() -> None:
    flat = Interval(mean=0.42, low=0.4, high=0.44)
    rows = [
        Estimate(trial=number, seeds=2, score=flat, gain=flat, chance=chance)
        for number, chance in ((4, 0.893), (3, 0.906), (2, 0.95), (0, None))
    ]
    assert winner(rows) == 3
    assert winner([rows[0], rows[3]]) == 0


def test_two_seeds_of_one_recipe_are_no_gain() -> None:
    """The two runs behind trust.SEED_GAP."""
    estimate = of(estimates({0: [0.540], 1: [0.552]}), 1)
    assert 0.5 < (estimate.chance or 0.0) < 0.85
    assert estimate.gain is not None
    assert estimate.gain.mean < 0.6 * SEED_GAP


def test_the_best_of_several_is_pulled_towards_the_others() -> None:
    alone = of(estimates({0: [0.50, 0.50], 1: [0.53, 0.53]}), 1)
    among = of(estimates({0: [0.50, 0.50], 1: [0.53, 0.53], 2: [0.50, 0.50], 3: [0.50, 0.50]}), 1)
    assert among.score.mean < 0.53
    assert alone.score.mean < 0.53
    assert among.chance is not None


def test_noise_that_is_seen_counts_for_more_than_noise_that_was_assumed() -> None:
    quiet = of(estimates({0: [0.500, 0.501, 0.499], 1: [0.520, 0.521, 0.519]}), 1)
    loud = of(estimates({0: [0.44, 0.56, 0.50], 1: [0.46, 0.58, 0.52]}), 1)
    assert (quiet.chance or 0.0) > 0.97
    assert (loud.chance or 1.0) < 0.75


def test_the_same_runs_have_the_same_answer() -> None:
    runs = {0: [0.5, 0.51], 4: [0.52], 2: [0.53, 0.5]}
    assert estimates(runs) == estimates({2: [0.53, 0.5], 0: [0.5, 0.51], 4: [0.52], 7: []})


@pytest.mark.parametrize(("runs", "problem"), [({1: [0.5]}, "no score"), ({0: [0.5], 1: [math.nan]}, "finite")])
def test_runs_that_cannot_be_compared_are_refused(runs: dict[int, list[float]], problem: str) -> None:
    with pytest.raises(AutoMLError, match=problem):
        estimates(runs)


# -- calibration: whole studies with a known truth ----------------------------------------------------

STUDIES, CANDIDATES = 400, 3


class Simulated(NamedTuple):
    """One study with a known truth."""

    chance: float  # of its winner
    right: bool  # the winner is better than the defaults
    score_held: bool  # the winner's interval holds the truth
    gain_held: bool


@cache
def simulated(kind: str) -> tuple[Simulated, ...]:
    """Many studies. `equal`: every truth is the same.

    Thirty trials around the defaults; the best three by one run each are repeated with one to three new
    seeds, and the best of those by its posterior mean is the winner.
    """
    rng = np.random.default_rng(7)
    studies = []
    for _ in range(STUDIES):
        noise, repeats = rng.choice([0.005, 0.0085, 0.013]), int(rng.integers(1, 4))
        truth = np.full(30, 0.5) if kind == "equal" else rng.normal(0.49, rng.choice([0.007, 0.012, 0.02]), 30)
        best = np.argsort(-(truth + rng.normal(0, noise, 30)))[:CANDIDATES]
        runs = {i: list(truth[t] + rng.normal(0, noise, repeats)) for i, t in enumerate(best, start=1)}
        runs[0] = list(0.5 + rng.normal(0, noise, repeats + 1))
        top = next(row for row in estimates(runs) if row.trial != 0)
        real = truth[best[top.trial - 1]]
        assert top.gain is not None
        assert top.chance is not None
        studies.append(
            Simulated(
                chance=top.chance,
                right=real > 0.5,
                score_held=top.score.low <= real <= top.score.high,
                gain_held=top.gain.low <= real - 0.5 <= top.gain.high,
            )
        )
    return tuple(studies)


@pytest.mark.parametrize("of_gain", [False, True])
def test_nine_in_ten_intervals_hold_the_truth(of_gain: bool) -> None:
    held = [study.gain_held if of_gain else study.score_held for study in simulated("real")]
    assert 0.85 <= sum(held) / len(held) <= 0.95


def test_a_named_winner_is_the_better_one_nearly_always() -> None:
    claims = [study.right for study in simulated("real") if study.chance > CLAIM]
    assert len(claims) > STUDIES / 10
    assert sum(claims) / len(claims) >= 0.85


def test_where_all_are_equal_hardly_ever_a_winner_is_named() -> None:
    claims = [study.chance > CLAIM for study in simulated("equal")]
    assert sum(claims) / len(claims) <= 0.10


def test_a_stated_chance_comes_true_as_often_as_it_says() -> None:
    unsure = [study for study in simulated("real") if 0.5 < study.chance < CLAIM]
    stated = sum(study.chance for study in unsure) / len(unsure)
    assert sum(study.right for study in unsure) / len(unsure) > stated - 0.1
