"""Shares of a budget that the search does not get: baseline, repeats, measuring."""

from __future__ import annotations

import pytest

from automl.costs import shares
from automl.costs.budget import Budget, parse_all
from automl.costs.shares import check_baseline, measuring
from automl.errors import BudgetTooSmall
from automl.records import Slots

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


def test_measuring_on_unseen_images_is_kept_from_the_search_up_to_a_fifth_of_a_budget() -> None:
    assert measuring(budgets("1cpu-h", "2h"), 10.0) == 20.0
    assert measuring(budgets("1cpu-h", "2h"), 1000.0) == 720.0
    assert measuring(budgets("10min"), 1000.0) == 120.0
    assert measuring(budgets("5trials"), 1000.0) == 2000.0
