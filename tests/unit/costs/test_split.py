"""Division of a budget between production trainings and a search."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.costs.budget import Budget, parse_all
from automl.costs.points import LONGEST, NEAR_END, SHORTEST, Probe, full_trainings
from automl.costs.split import Asked, Division, divide, least_epochs, shortened
from automl.errors import BudgetTooSmall
from automl.records import Prepared, Slots
from tests.builders.factories import make_prepared

ONE, TWO = Slots(count=1, device="gpu"), Slots(count=2, device="gpu")


def budgets(*texts: str) -> tuple[Budget, ...]:
    return parse_all(texts, "gpu")


def measured(epoch_s: float = 60.0) -> Prepared:
    """300 epochs of a minute: five hours."""
    return make_prepared(train_s=epoch_s, val_s=0.0, startup_s=0.0)


def division(*texts: str, slots: Slots = ONE, epoch_s: float = 60.0, **asked: Any) -> Division:
    return divide(budgets(*texts), slots, measured(epoch_s), Asked(**asked), besides_s=0.0)


def test_twenty_full_trainings_are_searched_at_full_length() -> None:
    result = division("100gpu-h")
    assert (result.epochs, result.production, result.at_length, result.searches) == (300, 0, True, True)
    assert division("99gpu-h").production == 300


def test_a_smaller_budget_keeps_two_full_trainings_and_searches_with_the_rest() -> None:
    result = division("40gpu-h")
    assert (result.production, result.searches) == (300, True)
    assert result.epochs == 88  # 40 h less twice 5.25 h are 20 trainings of 88 minutes
    assert "train for up to 300 epochs each (about 5.00 gpu-h)" in result.sentence
    assert division("18gpu-h").epochs == 40  # eleven trainings of the shortest


def test_the_search_has_an_eighth_of_the_length_at_least() -> None:
    assert [least_epochs(length) for length in (20, 60, 300, 800)] == [20, 40, 40, 100]
    assert division("100gpu-h", train=800).epochs == 216


@pytest.mark.parametrize(
    ("text", "pays"), [("10gpu-h", "one training of 300 epochs"), ("3gpu-h", "180 of the 300 epochs of one training")]
)
def test_a_budget_too_small_for_both_trains_the_defaults_alone_and_names_one_that_suffices(
    text: str, pays: str
) -> None:
    result = division(text)
    assert (result.searches, result.production) == (False, 0)
    assert f"{text} pays {pays}" in result.sentence
    assert "the defaults are trained, and nothing is searched. From 18gpu-h on a search can help" in result.sentence
    assert division("18gpu-h").searches


def test_in_wall_time_the_named_budget_pays_a_search_too() -> None:
    few = division("6h", slots=TWO)
    assert not few.searches
    enough = few.sentence.split("From ")[1].split(" on ")[0]
    assert division(enough, slots=TWO).searches


def test_the_users_lengths_are_kept() -> None:
    assert division("40gpu-h", epochs=50) == Division(
        epochs=50, production=300, sentence=division("40gpu-h", epochs=50).sentence
    )
    short = division("4gpu-h", epochs=50)
    assert (short.epochs, short.production) == (50, 0)
    assert "compares recipes at 50 epochs: from 18.83 gpu-h on" in short.sentence
    assert division("40gpu-h", epochs=300).production == 0
    assert division("40gpu-h", epochs=50, train=100).production == 100
    assert division("40gpu-h", recipe_only=True).epochs == 120
    with pytest.raises(BudgetTooSmall, match=r"'4gpu-h' cannot pay for --train 300.*at least 12gpu-h, lower --train"):
        division("4gpu-h", epochs=50, train=300)
    assert division("12gpu-h", epochs=50, train=300).production == 300


def test_a_number_of_trials_says_nothing_of_their_length() -> None:
    assert division("30trials") == Division(epochs=300)
    assert division("30trials", train=60) == Division(epochs=60, at_length=True)
    assert division("30trials", epochs=12) == Division(epochs=12)
    assert division("30trials", epochs=12, train=60).production == 60
    assert "train for up to 60 epochs each" in division("30trials", epochs=12, train=60).sentence
    with pytest.raises(BudgetTooSmall, match=r"leaves nothing to search with.*at least 3trials"):
        division("2trials", epochs=12, train=60)


def test_a_few_trials_suffice_where_production_takes_none_of_them() -> None:
    assert division("2trials", train=60).at_length
    assert division("100gpu-h", "2trials").at_length
    assert not division("10gpu-h", "2trials").searches
    with pytest.raises(BudgetTooSmall, match=r"'2trials' leaves nothing to search with"):
        division("40gpu-h", "2trials")
    with pytest.raises(BudgetTooSmall, match=r"'2trials' leaves nothing to search with"):
        division("40gpu-h", "2trials", epochs=50)


@given(
    hours=st.floats(0.5, 500.0),
    wall=st.booleans(),
    slots=st.integers(1, 8),
    epoch_s=st.floats(1.0, 600.0),
    train=st.one_of(st.none(), st.integers(10, 900)),
)
def test_what_is_promised_is_paid(hours: float, wall: bool, slots: int, epoch_s: float, train: int | None) -> None:
    text, places = f"{hours:.2f}{'h' if wall else 'gpu-h'}", Slots(count=slots, device="gpu")
    result = division(text, slots=places, epoch_s=epoch_s, train=train)
    length = train or LONGEST
    if result.production:
        left = result.searching(budgets(text), places, epoch_s)
        assert full_trainings(left, result.epochs * epoch_s, places) >= 10 - 1e-6
        assert least_epochs(length) <= result.epochs <= result.production == length
    elif result.at_length:
        assert result.epochs == length
    else:
        assert not result.searches
        assert SHORTEST <= result.epochs <= max(SHORTEST, length)


@pytest.mark.parametrize(
    ("costs", "epochs", "named"),
    [
        ((20.0, 30.0), 60, "p1"),  # the dearest that keeps near its end
        ((20.0, 46.0), 90, "p0"),  # 39 epochs are too few for the other
        ((5.0, 10.0), 180, ""),  # no dearer one
        ((100.0,), 180, ""),
    ],
)
def test_dearer_points_that_can_be_trained_near_their_end_shorten_the_horizon(
    costs: tuple[float, ...], epochs: int, named: str
) -> None:
    others = [Probe(point=f"p{number}@64", prepared=measured(cost)) for number, cost in enumerate(costs)]
    alone = division("10gpu-h", epoch_s=10.0, recipe_only=True)
    result, note = shortened(alone, budgets("10gpu-h"), ONE, others)
    assert result.epochs == epochs
    assert (f"A horizon of {epochs} epochs leaves 20 trainings at {named} at 64 px too" in note) == bool(named)


@given(costs=st.lists(st.floats(0.5, 500.0), max_size=5), own=st.floats(0.5, 500.0), hours=st.integers(1, 100))
def test_other_points_never_lengthen_the_horizon_nor_take_it_far_from_the_end(
    costs: list[float], own: float, hours: int
) -> None:
    others = [Probe(point=f"p{number}@64", prepared=measured(cost)) for number, cost in enumerate(costs)]
    alone = division(f"{hours}gpu-h", epoch_s=own, recipe_only=True)
    result, note = shortened(alone, budgets(f"{hours}gpu-h"), ONE, others)
    assert SHORTEST <= alone.epochs <= LONGEST
    assert result == alone if not note else NEAR_END <= result.epochs < alone.epochs
