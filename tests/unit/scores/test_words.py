"""Sentences of verdicts and scores."""

from __future__ import annotations

import pytest

from automl.records import Purpose, TrialRow, TrialState
from automl.sampler import SAMPLERS
from automl.scores.halving import RungTrust
from automl.scores.leaderboard import verdict
from automl.scores.trust import Confidence
from automl.scores.words import (
    FEWEST,
    SAMPLER_WORDS,
    chance_text,
    course_text,
    one_seed_text,
    origin_text,
    rank_correlations,
    score_definition,
    verdict_text,
)
from tests.builders.factories import make_row


def repeat(number: int, of: int, score: float | None, **changes: object) -> TrialRow:
    """A run of trial `of` with another seed."""
    return make_row(number, score, repeats=of, purpose=Purpose.CONFIRMATION, seed=1, **changes)


@pytest.mark.parametrize(("horizon", "last"), [(1, 1), (11, 1), (12, 2), (20, 3), (35, 4), (36, 5), (300, 5)])
def test_the_words_on_a_score_tell_how_many_epochs_make_it(horizon: int, last: int) -> None:
    assert score_definition(horizon).endswith(f"last {last} epochs" if last > 1 else "last epoch")


def told(*rows: TrialRow) -> str:
    """Words on the verdict of those trials, among ten others."""
    found = verdict([*rows, *(make_row(number, 0.44) for number in range(10, 20))])
    assert found is not None
    return verdict_text(found)


def test_a_proven_gain_is_told_with_what_was_observed_and_what_is_expected() -> None:
    text = told(make_row(0, 0.381), make_row(1, 0.569), repeat(2, 0, 0.332), repeat(3, 1, 0.496))
    assert text.startswith("Trial 1 is better, proven with a chance of over 99%. ")
    assert "trial 1 0.569 and 0.496, mean 0.532; the defaults 0.381 and 0.332, mean 0.357." in text
    assert "Expected gain +0." in text


def test_a_gain_that_is_only_likely_is_called_probable_and_handed_over() -> None:
    text = told(make_row(0, 0.40), make_row(1, 0.48), repeat(2, 0, 0.38), repeat(3, 1, 0.95))
    assert text.startswith("Trial 1 is probably better, ")
    assert "as good" not in text


def test_one_seed_each_is_said() -> None:
    text = told(make_row(0, 0.40), make_row(1, 0.48))
    assert text.startswith("Trial 1 is probably better, ")
    assert text.endswith("It has one seed: repeats with other seeds would make it surer.")


def test_a_gain_that_is_too_unsure_keeps_the_defaults_and_says_so() -> None:
    found = verdict([make_row(0, 0.5), make_row(1, 0.60), repeat(2, 0, 0.62), repeat(3, 1, 0.56)])
    assert found is not None
    assert found.confidence is Confidence.DOUBTFUL
    assert verdict_text(found).startswith("Not sure enough that trial 1 is better (")
    assert "): the defaults are kept. " in verdict_text(found)


def test_no_difference_is_told_for_a_small_gain() -> None:
    text = told(make_row(0, 0.440), make_row(1, 0.445), repeat(2, 0, 0.44), repeat(3, 1, 0.44))
    assert text.startswith("No difference found between trial 1 and the defaults (chance of a gain ")


def test_many_runs_are_told_by_their_mean_and_ends() -> None:
    runs = [repeat(number, 1, score) for number, score in enumerate((0.5, 0.52, 0.51, 0.53), start=2)]
    assert "trial 1 mean 0.512 of 5 seeds (0.500 to 0.530)" in told(make_row(0, 0.4), make_row(1, 0.5), *runs)


@pytest.mark.parametrize(("chance", "told"), [(1.0, "over 99%"), (0.987, "99%"), (0.5, "50%"), (0.001, "under 1%")])
def test_a_chance_is_never_told_as_a_certainty(chance: float, told: str) -> None:
    assert chance_text(chance) == told


def test_a_training_that_goes_on_is_said_to_lead_without_a_gain() -> None:
    running = {"state": TrialState.RUNNING, "done_epochs": 3}
    told = one_seed_text(make_row(1, 0.4, **running), make_row(0, 0.3, **running))
    assert told == "Trial 1 leads so far with 0.400 on val; no training has reached its last epoch."


def test_where_nothing_was_learnt_the_defaults_are_not_called_as_good() -> None:
    told = one_seed_text(make_row(0, 0.0), make_row(0, 0.0))
    assert told.startswith("No training learnt enough to compare: after 12 epochs the defaults are at mAP50-95 of")


def test_defaults_that_alone_have_ended_are_said_to() -> None:
    assert one_seed_text(make_row(0, 0.3), make_row(0, 0.3)).startswith("Only the defaults have reached")
    cut = make_row(0, 0.3, state=TrialState.CUT)
    assert one_seed_text(make_row(1, 0.4), cut) == (
        "Trial 1 leads so far with 0.400 on val; the defaults, at 0.300, have not reached their last epoch."
    )


def test_rank_correlations_need_trials() -> None:
    rungs = [
        RungTrust(level=3, following=9, correlation=0.514, trials=12, stops=True),
        RungTrust(level=9, following=12, correlation=0.9, trials=FEWEST - 1, stops=True),
    ]
    assert rank_correlations(rungs) == (
        "Rank correlation of the trials' order between two rungs, by which weak ones end: epochs 3 and 9 0.51 (12 trials)."
    )
    assert rank_correlations(rungs[1:]) == ""


@pytest.mark.parametrize(
    ("origin", "repeats", "text"),
    [
        ("defaults", None, "defaults"),
        ("defaults@yolov5s", None, "defaults at yolov5s"),
        ("scratch-low", None, "scratch-low"),
        ("gp", None, "search (gp)"),
        ("evolve", None, "search (evolve)"),
        ("warm:hyp.yaml", None, "from hyp.yaml"),
        ("warm:a@b", None, "from a@b"),
        ("confirmation", 13, "trial 13, new seed"),
        ("confirmation", 0, "the defaults, new seed"),
        ("production", 22, "trial 22, production"),
    ],
)
def test_the_source_of_a_recipe_is_said_in_words(origin: str, repeats: int | None, text: str) -> None:
    assert origin_text(origin, repeats) == text


@pytest.mark.parametrize(
    ("rungs", "text"),
    [
        ((), "40 epochs a trial, none ends early"),
        ((40,), "40 epochs a trial, none ends early"),
        ((5, 40), "up to 40 epochs a trial, weak ones end after epoch 5"),
        ((5, 14), "up to 40 epochs a trial, weak ones end after epoch 5 or 14"),
        ((3, 9, 27), "up to 40 epochs a trial, weak ones end after epoch 3, 9 or 27"),
    ],
)
def test_the_course_of_a_trial_needs_no_word_of_the_trade(rungs: tuple[int, ...], text: str) -> None:
    assert course_text(40, rungs) == text


def test_every_sampler_has_words() -> None:
    assert set(SAMPLER_WORDS) == set(SAMPLERS)
