"""Estimates of recipes from all whole trainings and their repeats with other seeds."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.errors import AutoMLError
from automl.scores.trust import (
    CLAIM,
    DELIVER,
    FEWEST,
    NAMED,
    TIE,
    Confidence,
    Estimate,
    Interval,
    Posterior,
    confidence_of,
    delivered,
    estimates,
    scatter_of,
)

scores = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)
quick = settings(max_examples=60, deadline=None)


def of(rows: tuple[Estimate, ...], trial: int) -> Estimate:
    return next(row for row in rows if row.trial == trial)


@quick
@example({1: [0.0]}, [0.875])  # the sum of the weights rounds to a little above one
@given(st.dictionaries(st.integers(1, 9), scores, min_size=1, max_size=5), scores)
def test_intervals_hold_their_mean_and_a_chance_is_a_probability(
    runs: dict[int, list[float]], base: list[float]
) -> None:
    rows = estimates({**runs, 0: base})
    means = [round(row.score.mean, 9) for row in rows]
    assert means == sorted(means, reverse=True)
    assert sorted(row.trial for row in rows) == sorted({*runs, 0})
    for row in rows:
        assert row.score.low < row.score.mean < row.score.high
        assert row.runs == tuple(base if row.trial == 0 else runs[row.trial])
        assert row.observed == pytest.approx(sum(row.runs) / row.seeds)
        if row.gain is not None:
            assert row.chance is not None
            assert 0.0 <= row.chance <= 1.0
            assert row.gain.low < row.gain.mean < row.gain.high
            assert row.gain.mean == pytest.approx(row.score.mean - of(rows, 0).score.mean, abs=1e-9)
            assert (row.chance > 0.95) == (row.gain.low > 0) or abs(row.chance - 0.95) < 1e-4


def test_one_recipe_that_scores_as_the_defaults_beats_them_half_of_the_time() -> None:
    for same in ([0.5], [0.5, 0.48], [0.4, 0.4, 0.43]):
        posterior = Posterior({0: same, 1: same})
        assert posterior.gain(1).mean == pytest.approx(0.0, abs=1e-9)
        assert posterior.gain(1).low == pytest.approx(-posterior.gain(1).high, abs=1e-6)
        assert posterior.chance(1) == pytest.approx(0.5, abs=1e-6)


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


# A search as the demo's: twelve whole trainings, the best at .569, the defaults at .381.
OTHERS = {number: [0.54 - 0.02 * number] for number in range(2, 12)}


@pytest.mark.parametrize("defaults", [[0.381, 0.381], [0.381, 0.332], [0.381, 0.280]])
@pytest.mark.parametrize("repeat", [0.496, 0.569, 0.95])
def test_a_recipe_that_is_far_above_is_delivered_whatever_the_defaults_repeat_scores(
    defaults: list[float], repeat: float
) -> None:
    assert delivered(estimates({0: defaults, 1: [0.569, repeat], **OTHERS})) == 1


run = st.floats(0.2, 0.6)


@settings(max_examples=150, deadline=None)
@given(st.lists(run, min_size=1, max_size=12), st.lists(run, min_size=1, max_size=4),
       st.lists(run, min_size=1, max_size=4), st.integers(0, 3), st.floats(0.001, 0.5), st.booleans(),
       st.sampled_from([None, 0.004, 0.02]))  # fmt: skip
def test_better_repeats_never_turn_a_delivered_recipe_back_to_the_defaults(
    others: list[float], base: list[float], tops: list[float], which: int, by: float, of_defaults: bool,
    scatter: float | None,
) -> None:  # fmt: skip
    runs = {0: base, 1: tops, **{number: [score] for number, score in enumerate(others, start=2)}}
    before = delivered(estimates(runs, scatter))
    number = 0 if of_defaults else before
    if not before or len(runs[number]) < 2:
        return
    changed = list(runs[number])
    changed[1 + which % (len(changed) - 1)] += -by if of_defaults else by
    assert delivered(estimates({**runs, number: changed}, scatter)) != 0


def test_a_claim_counts_the_noise_that_a_surprise_in_favour_shows() -> None:
    steady = of(estimates({0: [0.381, 0.381], 1: [0.569, 0.569], **OTHERS}), 1)
    surprise = of(estimates({0: [0.381, 0.381], 1: [0.569, 0.95], **OTHERS}), 1)
    assert steady.confidence is Confidence.PROVEN
    assert surprise.confidence is Confidence.PROBABLE
    assert DELIVER <= (surprise.chance or 0.0) < CLAIM


@pytest.mark.parametrize(
    ("chance", "gain", "seeds", "confidence"),
    [
        (0.95, 0.03, 2, Confidence.PROVEN),
        (0.95, 0.01, 2, Confidence.PROVEN),
        (0.95, 0.03, 1, Confidence.PROBABLE),  # nothing is proven without a new seed
        (0.89, 0.03, 2, Confidence.PROBABLE),
        (0.62, 0.03, 2, Confidence.DOUBTFUL),
        (0.80, 0.01, 2, Confidence.NO_DIFFERENCE),
        (0.30, -0.01, 2, Confidence.NO_DIFFERENCE),
    ],
)
def test_what_may_be_said_follows_from_chance_gain_and_seeds(
    chance: float, gain: float, seeds: int, confidence: Confidence
) -> None:
    interval = Interval(mean=gain, low=gain - 0.02, high=gain + 0.02)
    row = Estimate(trial=1, runs=(0.5,) * seeds, score=interval, gain=interval, chance=chance)
    assert row.confidence is confidence


def test_the_best_mean_of_those_above_the_threshold_is_delivered() -> None:
    flat = Interval(mean=0.42, low=0.4, high=0.44)
    rows = [
        Estimate(trial=number, runs=(0.42, 0.42), score=flat, gain=flat, chance=chance)
        for number, chance in ((4, 0.693), (3, 0.706), (2, 0.95), (0, None))
    ]
    assert delivered(rows) == 3
    assert delivered([rows[0], rows[3]]) == 0


def test_two_seeds_of_one_recipe_are_no_gain() -> None:
    """The two runs behind trust.SEED_GAP."""
    estimate = of(estimates({0: [0.540], 1: [0.552], **{number: [0.54] for number in range(2, 8)}}), 1)
    assert (estimate.chance or 0.0) < CLAIM
    assert estimate.confidence is Confidence.NO_DIFFERENCE


def test_the_score_that_selected_the_best_of_many_is_pulled_towards_the_others() -> None:
    few = of(estimates({0: [0.50], 1: [0.53], 2: [0.50]}), 1)
    many = of(estimates({0: [0.50], 1: [0.53], **{number: [0.48 + 0.001 * number] for number in range(2, 40)}}), 1)
    assert many.score.mean < 0.53
    assert few.score.mean < 0.53
    assert many.observed == 0.53
    defaults = of(estimates({0: [0.6], **{number: [0.5] for number in range(1, 9)}}), 0)
    assert defaults.score.mean == pytest.approx(0.6)  # nobody selected them


def test_noise_that_is_seen_counts_for_more_than_noise_that_was_assumed() -> None:
    quiet = of(estimates({0: [0.500, 0.501, 0.499], 1: [0.520, 0.521, 0.519]}), 1)
    loud = of(estimates({0: [0.44, 0.56, 0.50], 1: [0.58, 0.46, 0.52]}), 1)
    assert (quiet.chance or 0.0) > 0.97
    assert (loud.chance or 1.0) < 0.75


def test_the_scatter_of_the_last_epochs_is_noise_of_the_study_itself() -> None:
    runs = {0: [0.50], 1: [0.54], **{number: [0.50] for number in range(2, 12)}}
    calm, rough = (of(estimates(runs, scatter), 1).chance or 0.0 for scatter in (0.005, 0.04))
    assert calm > 0.9
    assert rough < 0.8


def test_the_scatter_is_that_of_the_epochs_without_what_all_trainings_rise() -> None:
    rng = np.random.default_rng(0)
    tails = 0.4 + rng.normal(0, 0.05, (400, 1)) + 0.01 * np.arange(5) + rng.normal(0, 0.02, (400, 5))
    tails[0, -1] = 0.0  # one that broke down
    runs = [(float(tail[-1]), float(tail.mean())) for tail in tails]
    assert scatter_of(runs, 5) == pytest.approx(0.02, rel=0.15)
    assert scatter_of(runs[: FEWEST - 1], 5) is None
    assert scatter_of(runs, 1) is None  # the score is the last epoch
    assert scatter_of([(0.4, 0.4)] * 20, 5) is None


def test_trials_enter_by_their_number_mean_and_squares_which_is_all_that_matters() -> None:
    """Two studies with the same mean and spread of their single runs have the same answer for the others."""
    one = estimates({0: [0.5, 0.5], 1: [0.53, 0.52], 2: [0.46], 3: [0.48], 4: [0.50], 5: [0.52]})
    two = estimates({0: [0.5, 0.5], 1: [0.53, 0.52], 2: [0.46], 3: [0.52], 4: [0.48], 5: [0.50]})
    assert of(one, 1) == of(two, 1)


def test_a_thousand_trials_cost_no_more_than_a_few() -> None:
    rng = np.random.default_rng(0)
    runs = {0: [0.4], **{number: [float(score)] for number, score in enumerate(rng.normal(0.38, 0.02, 1000), start=1)}}
    began = time.process_time()
    rows = estimates(runs)
    assert time.process_time() - began < 1.0
    assert len(rows) == 1 + NAMED
    assert max(runs, key=lambda number: runs[number][0]) == rows[0].trial or rows[0].trial == 0


def test_the_same_runs_have_the_same_answer() -> None:
    runs = {0: [0.5, 0.51], 4: [0.52], 2: [0.53, 0.5]}
    assert estimates(runs) == estimates({2: [0.53, 0.5], 0: [0.5, 0.51], 4: [0.52], 7: []})


@pytest.mark.parametrize(("runs", "problem"), [({1: [0.5]}, "no score"), ({0: [0.5], 1: [math.nan]}, "finite")])
def test_runs_that_cannot_be_compared_are_refused(runs: dict[int, list[float]], problem: str) -> None:
    with pytest.raises(AutoMLError, match=problem):
        estimates(runs)


# -- calibration: whole studies with a known truth ----------------------------------------------------

STUDIES, CANDIDATES = 300, 3


class Simulated(NamedTuple):
    """One study with a known truth."""

    chance: float  # of its best
    right: bool  # the best is better than the defaults
    score_held: bool  # the best one's interval holds the truth
    gain_held: bool


@cache
def simulated(kind: str) -> tuple[Simulated, ...]:
    """Many studies. `none`: no trial is better than the defaults, some are as good.

    Thirty trials around the defaults; the best three by one run each are repeated with one or two new seeds, as are
    the defaults, and the best mean of all is looked at.
    """
    rng = np.random.default_rng(7)
    studies = []
    for _ in range(STUDIES):
        noise, repeats = rng.choice([0.005, 0.0085, 0.013]), int(rng.integers(1, 3))
        truth = rng.normal(0.49, rng.choice([0.007, 0.012, 0.02]), 30)
        truth = np.minimum(truth, 0.5) if kind == "none" else truth
        runs = {1 + trial: [float(truth[trial] + rng.normal(0, noise))] for trial in range(30)}
        for trial in sorted(runs, key=lambda trial: -runs[trial][0])[:CANDIDATES]:
            runs[trial] += list(truth[trial - 1] + rng.normal(0, noise, repeats))
        runs[0] = list(0.5 + rng.normal(0, noise, repeats + 1))
        top = next(row for row in estimates(runs, noise * float(np.sqrt(rng.chisquare(6) / 6))) if row.trial != 0)
        real = truth[top.trial - 1]
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
    assert 0.85 <= sum(held) / len(held) <= 0.97


def test_a_proven_winner_is_the_better_one_nearly_always() -> None:
    claims = [study.right for study in simulated("real") if study.chance > CLAIM]
    assert len(claims) > STUDIES / 10
    assert sum(claims) / len(claims) >= 0.85


def test_where_nothing_is_better_hardly_ever_anything_is_proven() -> None:
    claims = [study.chance > CLAIM for study in simulated("none")]
    assert sum(claims) / len(claims) <= 0.10


def test_a_stated_chance_comes_true_as_often_as_it_says() -> None:
    unsure = [study for study in simulated("real") if 0.5 < study.chance < CLAIM]
    stated = sum(study.chance for study in unsure) / len(unsure)
    assert sum(study.right for study in unsure) / len(unsure) > stated - 0.1


@pytest.mark.parametrize(
    ("gain", "chance", "words"),
    [
        (0.05, CLAIM, Confidence.PROVEN),
        (0.05, CLAIM - 0.01, Confidence.PROBABLE),
        (0.05, DELIVER, Confidence.PROBABLE),
        (0.05, DELIVER - 0.01, Confidence.DOUBTFUL),
        (-0.05, 0.02, Confidence.DOUBTFUL),
        (TIE / 2, DELIVER + 0.01, Confidence.NO_DIFFERENCE),
        (-TIE / 2, 0.3, Confidence.NO_DIFFERENCE),
        (TIE / 2, 0.99, Confidence.PROVEN),
    ],
)
def test_words_follow_from_chance_and_size(gain: float, chance: float, words: Confidence) -> None:
    assert confidence_of(gain, chance) is words


def test_a_recipe_is_handed_over_long_before_it_is_proven() -> None:
    assert 0.5 < DELIVER < CLAIM
