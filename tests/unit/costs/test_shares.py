"""Shares of a budget that the search does not get: baseline, repeats, measuring, production."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.costs import shares
from automl.costs.budget import Budget, parse_all
from automl.costs.shares import (
    PRODUCTION_AT_MOST,
    ProductionShare,
    affordable,
    check_baseline,
    measuring,
    without_production,
)
from automl.errors import BudgetTooSmall
from automl.records import Slots
from tests.builders.factories import make_prepared

CPU = Slots(count=2, device="cpu")


def budgets(*texts: str) -> tuple[Budget, ...]:
    return parse_all(texts, "cpu")


# -- the baseline -------------------------------------------------------------------------------------


def check(text: str, *, spent_s: float = 0.0) -> None:
    """Ten epochs of a minute and a start of half a minute, against one budget."""
    check_baseline(budgets(text), epoch_s=60.0, startup_s=30.0, spent_s=spent_s, epochs=10, slots=CPU)


@pytest.mark.parametrize("text", ["630cpu-s", "630s", "1trial"])
def test_a_budget_that_just_pays_for_the_baseline_is_accepted(text: str) -> None:
    check(text)


def test_a_budget_below_the_baseline_is_refused_with_the_figure_that_is_needed() -> None:
    with pytest.raises(BudgetTooSmall, match=r"10 epochs of 60\.0 s each need 10\.5 cpu-min.* at least 11cpu-min"):
        check("600cpu-s")


def test_too_little_wall_time_is_refused_in_wall_time() -> None:
    with pytest.raises(BudgetTooSmall, match=r"need 10\.5 min of wall time.* at least 11min"):
        check("5min")


def test_the_cost_of_the_probe_is_part_of_the_need() -> None:
    with pytest.raises(BudgetTooSmall):
        check("11cpu-min", spent_s=60.0)


# -- repeats ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slots", "best", "repeats"),
    [
        ("99cpu-min", 2, 3, 0),  # fewer than ten trainings: the search needs them all
        ("100cpu-min", 2, 3, 2),
        ("199cpu-min", 2, 3, 2),  # the defaults and the best
        ("200cpu-min", 2, 3, 2),
        ("65cpu-h", 2, 3, 12),  # three seeds each
        ("5cpu-h", 2, 3, 3),
        ("65cpu-h", 2, 1, 6),
        ("65cpu-h", 2, 0, 0),
        ("36trials", 2, 3, 3),
        ("100min", 4, 3, 4),  # within wall time a whole wave of the slots
        ("25min", 4, 3, 0),  # one wave would be 40 % of the time
        ("60min", 2, 3, 2),
    ],
)
def test_a_tenth_of_twenty_trainings_or_more_is_kept_for_repeats(
    text: str, slots: int, best: int, repeats: int
) -> None:
    kept = shares.repeats(budgets(text), 600.0, Slots(count=slots, device="cpu"), best)
    assert kept == (repeats, 600.0 * repeats)


# -- measuring on unseen images -----------------------------------------------------------------------


def test_measuring_on_unseen_images_is_kept_from_the_search_up_to_a_tenth_of_a_budget() -> None:
    assert measuring(budgets("1cpu-h", "2h"), 10.0) == 20.0
    assert measuring(budgets("1cpu-h", "2h"), 1000.0) == 360.0
    assert measuring(budgets("10min"), 1000.0) == 60.0
    assert measuring(budgets("5trials"), 1000.0) == 2000.0


# -- the production training --------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["1cpu-h", "30cpu-min", "2h", "20min", "9trials"]), min_size=1, max_size=3),
    st.floats(0.5, 900.0),
    st.integers(1, 1000),
)
def test_a_production_training_never_takes_more_than_half_of_a_budget(
    texts: list[str], epoch_s: float, most: int
) -> None:
    whole = budgets(*texts)
    epochs, cost_s = affordable(whole, epoch_s, most)
    assert 0 <= epochs <= most
    assert epochs * epoch_s <= cost_s
    for budget, rest in zip(whole, without_production(whole, cost_s), strict=True):
        for before, after in ((budget.slot_s, rest.slot_s), (budget.wall_s, rest.wall_s)):
            assert (before is None) == (after is None)
            assert before is None or after is None or after >= PRODUCTION_AT_MOST * before * (1 - 1e-9)
        assert budget.trials is None or rest.trials == budget.trials - 1


def production(*texts: str, most: int = 300, horizon: int = 40, epoch_s: float = 60.0) -> ProductionShare:
    """The share beside a baseline whose epochs take a minute."""
    return shares.production(
        budgets(*texts), CPU, make_prepared(), most=most, horizon=horizon, epoch_s=epoch_s, besides_s=0.0
    )


def test_the_plan_tells_the_cost_of_a_production_training_and_its_shortened_length() -> None:
    whole = production("40cpu-h")
    assert (whole.epochs, whole.cost_s) == (300, pytest.approx(1.05 * 300 * 60))
    assert whole.notes == (
        "At the end the winner trains for up to 300 epochs (--train), on one slot: about 5.25 cpu-h.",
    )
    short = production("8cpu-h")
    assert short.epochs == 228
    assert "up to 228 epochs (--train), which half of the budget pays, instead of 300, on one slot" in short.notes[0]
    assert production("8cpu-h", most=0) == ProductionShare()
    assert production("8cpu-h", epoch_s=240.0).epochs == 57  # at the dearest point that may win


@pytest.mark.parametrize(("budget", "enough"), [("60cpu-min", "84cpu-min"), ("60min", "84min")])
def test_a_budget_too_small_for_search_and_production_is_refused_with_one_that_suffices(
    budget: str, enough: str
) -> None:
    with pytest.raises(BudgetTooSmall, match=f"--train 300: half of it pays 28 epochs.*at least {enough}, lower"):
        production(budget)
    production(enough)


def test_of_two_budgets_the_one_that_is_too_small_is_named() -> None:
    with pytest.raises(BudgetTooSmall, match="the budget '30min' cannot pay for --train 300: half of it pays 14 "):
        production("40cpu-h", "30min")


def test_a_budget_of_one_trial_leaves_no_search_beside_production() -> None:
    with pytest.raises(BudgetTooSmall, match=r"--train takes one of its trials\. Raise --budget to at least 2trials"):
        without_production(budgets("1trials"), 10.0)
