"""The recipe to hand over, against the defaults at the same length."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.records import EvaluationRow, PointCost, Purpose, StudySpec, TrialRow, TrialState
from automl.scores.answer import Answer, answer_of, for_production
from automl.scores.leaderboard import verdict
from automl.scores.trust import Confidence
from tests.builders.factories import make_evaluation, make_row, make_spec

LONG = make_spec(train=60, compare=True, unseen="test")
SEARCHED = (make_row(0, 0.5), make_row(1, 0.6), make_row(2, 0.55))


def produced(number: int, of: int, score: float | None, **changes: Any) -> TrialRow:
    """A production training of a searched trial."""
    return make_row(number, score, purpose=Purpose.PRODUCTION, repeats=of, epochs=60, **changes)


def answered(
    *rows: TrialRow, spec: StudySpec = LONG, evaluations: tuple[EvaluationRow, ...] = (), searched: Any = SEARCHED
) -> Answer:
    answer = answer_of([*searched, *rows], evaluations, spec, verdict([*searched, *rows]))
    assert answer is not None
    return answer


def test_both_recipes_are_compared_at_production_length_once_both_were_trained_at_it() -> None:
    answer = answered(produced(3, 0, 0.7), produced(4, 1, 0.8))
    assert (answer.at_length, answer.epochs) == (True, 60)
    assert (answer.defaults.scores, answer.defaults.trained.number) == ((0.7,), 3)
    assert answer.recipe is not None
    assert (answer.recipe.trial.number, answer.recipe.scores, answer.recipe.trained.number) == (1, (0.8,), 4)
    assert answer.gain is not None
    assert answer.gain.mean == pytest.approx(0.1)
    assert (answer.delivers, answer.confidence) == (True, Confidence.PROVEN)
    assert answer.handed_over is answer.recipe


def test_a_recipe_that_led_in_short_trainings_and_does_not_hold_is_not_handed_over() -> None:
    answer = answered(produced(3, 0, 0.8), produced(4, 1, 0.7))
    assert answer.recipe is not None
    assert (answer.at_length, answer.delivers) == (True, False)
    assert answer.handed_over.trained.number == 3


def test_several_seeds_count_and_the_best_of_them_is_the_model() -> None:
    answer = answered(produced(3, 0, 0.70), produced(4, 1, 0.76), produced(5, 1, 0.80), produced(6, 0, 0.72))
    assert answer.defaults.scores == (0.70, 0.72)
    assert answer.recipe is not None
    assert answer.recipe.scores == (0.76, 0.80)
    assert (answer.defaults.trained.number, answer.recipe.trained.number) == (6, 5)
    assert answer.recipe.mean == pytest.approx(0.78)


def test_a_training_that_was_cut_counts_only_while_no_whole_one_is_there() -> None:
    cut = produced(4, 1, 0.9, state=TrialState.CUT)
    answer = answered(produced(3, 0, 0.7), cut)
    assert answer.recipe is not None
    assert answer.recipe.scores == (0.9,)
    answer = answered(produced(3, 0, 0.7), cut, produced(5, 1, 0.75))
    assert answer.recipe is not None
    assert (answer.recipe.scores, answer.recipe.trained.number) == ((0.75,), 5)


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.RUNNING, TrialState.INTERRUPTED])
def test_until_both_are_trained_the_answer_is_that_of_the_search(state: TrialState) -> None:
    for rows in ((), (produced(3, 0, 0.7),), (produced(3, 0, 0.7), produced(4, 1, 0.8, state=state))):
        answer = answered(*rows)
        assert (answer.at_length, answer.epochs) == (False, 12)
        assert answer.recipe is not None
        assert (answer.recipe.trial.number, answer.recipe.scores, answer.defaults.scores) == (1, (0.6,), (0.5,))
        assert answer.delivers


def test_where_no_trial_is_above_the_defaults_their_production_training_is_the_answer() -> None:
    searched = (make_row(0, 0.5), make_row(1, 0.4))
    answer = answered(produced(3, 0, 0.7), searched=searched)
    assert (answer.at_length, answer.recipe, answer.delivers, answer.confidence) == (True, None, False, None)
    assert answer.handed_over.trained.number == 3
    before = answered(searched=searched)
    assert (before.at_length, before.recipe, before.handed_over.trained.number) == (False, None, 0)


def test_a_study_without_a_comparison_is_answered_by_its_search() -> None:
    answer = answered(produced(3, 1, 0.9), spec=make_spec(train=60))
    assert (answer.at_length, answer.epochs) == (False, 12)
    assert answer.recipe is not None
    assert answer.recipe.scores == (0.6,)


def test_repeats_with_other_seeds_belong_to_the_searchs_answer() -> None:
    again = [make_row(3, 0.5, repeats=0), make_row(4, 0.62, repeats=1), make_row(5, 0.61, repeats=1)]
    answer = answered(*again, make_row(6, 0.9, repeats=1, state=TrialState.CUT), spec=make_spec())
    assert answer.recipe is not None
    assert (answer.recipe.trial.number, answer.recipe.scores) == (1, (0.6, 0.62, 0.61))
    assert answer.defaults.scores == (0.5, 0.5)
    assert answer.delivers


def test_before_the_defaults_have_a_score_there_is_no_answer() -> None:
    assert answer_of([], (), LONG, None) is None
    assert answer_of([make_row(0, None, state=TrialState.RUNNING)], (), LONG, None) is None
    assert answer_of([make_row(0, 0.3, state=TrialState.FAILED)], (), LONG, None) is None


def test_the_defaults_of_a_compared_point_are_the_defaults_at_length() -> None:
    spec = make_spec(train=60, compare=True, points=(PointCost("a@64", 60.0), PointCost("b@64", 60.0)))
    rows = (produced(3, 1, 0.7), produced(4, 2, 0.8))
    assert for_production(rows, spec) == ([rows[0]], [rows[1]])
    assert answered(*rows, spec=spec).defaults.trial.number == 1


def unseen(found: float, base: float = 0.7, **intervals: float) -> tuple[EvaluationRow, ...]:
    return (make_evaluation(3, base), make_evaluation(4, found, **intervals))


@pytest.mark.parametrize(
    ("evaluations", "vetoed"),
    [
        (unseen(0.6), True),
        (unseen(0.69), False),  # within a tie
        (unseen(0.9), False),
        (unseen(0.65, gain=-0.05, gain_low=-0.09, gain_high=-0.01), True),
        (unseen(0.65, gain=-0.05, gain_low=-0.11, gain_high=0.01), False),  # these images cannot tell
        (unseen(0.6)[:1], False),
        (unseen(0.6)[1:], False),
        (unseen(math.nan), False),
        ((make_evaluation(3, 0.7, split="val"), make_evaluation(4, 0.1, split="val")), False),
    ],
)
def test_a_clear_loss_on_unseen_images_decides_for_the_defaults(
    evaluations: tuple[EvaluationRow, ...], vetoed: bool
) -> None:
    answer = answered(produced(3, 0, 0.7), produced(4, 1, 0.8), evaluations=evaluations)
    assert answer.vetoed is vetoed
    assert answer.delivers is not vetoed
    assert answer.handed_over.trial.number == (0 if vetoed else 1)
    assert answer.confidence is Confidence.PROVEN


def test_the_figures_on_unseen_images_stand_with_their_trainings() -> None:
    answer = answered(produced(3, 0, 0.7), produced(4, 1, 0.8), evaluations=unseen(0.72))
    assert answer.recipe is not None
    assert answer.recipe.unseen is not None
    assert answer.defaults.unseen is not None
    assert (answer.recipe.unseen.map50_95, answer.defaults.unseen.map50_95) == (0.72, 0.7)


@given(
    defaults=st.floats(0.1, 0.9),
    found=st.floats(0.1, 0.9),
    less=st.floats(0.0, 0.1),
    more=st.floats(0.0, 0.1),
)
def test_a_worse_training_of_the_defaults_or_a_better_one_of_the_recipe_never_turns_back_to_the_defaults(
    defaults: float, found: float, less: float, more: float
) -> None:
    if answered(produced(3, 0, defaults), produced(4, 1, found)).delivers:
        assert answered(produced(3, 0, defaults - less), produced(4, 1, found + more)).delivers
