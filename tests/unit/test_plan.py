"""From a budget and a measured epoch to a horizon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.budget import Budget, parse_all
from automl.errors import BudgetTooSmall
from automl.plan import LONGEST, SHORTEST, check_affordable, horizon, round_up
from automl.points import full_trainings
from automl.records import Slots

CPU = Slots(count=2, device="cpu")


def budgets(*texts: str) -> tuple[Budget, ...]:
    return parse_all(texts, "cpu")


@pytest.mark.parametrize(
    ("texts", "paid"),
    [(("1cpu-h",), 6.0), (("1h",), 12.0), (("5trials",), 5.0), (("1cpu-h", "1h", "5trials"), 5.0)],
)
def test_the_tightest_budget_says_how_many_trainings_are_paid(texts: tuple[str, ...], paid: float) -> None:
    assert full_trainings(budgets(*texts), 600.0, CPU) == paid


def test_the_horizon_is_what_the_user_asked_for() -> None:
    assert horizon(budgets("1cpu-s"), 60.0, CPU, 77) == 77


def test_the_horizon_leaves_twenty_trainings() -> None:
    assert horizon(budgets("10cpu-h"), 60.0, CPU, None) == 30


def test_a_trial_count_does_not_shorten_the_horizon() -> None:
    assert horizon(budgets("10cpu-h", "3trials"), 60.0, CPU, None) == 30
    assert horizon(budgets("3trials"), 60.0, CPU, None) == LONGEST


@given(st.floats(0.1, 1e5), st.integers(1, 10**4))
def test_the_horizon_stays_within_its_limits(epoch_s: float, hours: int) -> None:
    epochs = horizon(budgets(f"{hours}cpu-h"), epoch_s, CPU, None)
    assert SHORTEST <= epochs <= LONGEST
    if epochs > SHORTEST:
        assert full_trainings(budgets(f"{hours}cpu-h"), epoch_s * epochs, CPU) >= 19.999


def affordable(text: str, *, spent_s: float = 0.0) -> None:
    check_affordable(budgets(text), epoch_s=60.0, startup_s=30.0, spent_s=spent_s, epochs=10, slots=CPU)


@pytest.mark.parametrize("text", ["630cpu-s", "630s", "1trial"])
def test_a_budget_that_just_pays_for_the_baseline_is_accepted(text: str) -> None:
    affordable(text)


def test_a_budget_below_the_baseline_is_refused_with_the_figure_that_is_needed() -> None:
    with pytest.raises(BudgetTooSmall, match=r"10 epochs of 60\.0 s each need 10\.5 cpu-min.* at least 11cpu-min"):
        affordable("600cpu-s")


def test_too_little_wall_time_is_refused_in_wall_time() -> None:
    with pytest.raises(BudgetTooSmall, match=r"need 10\.5 min of wall time.* at least 11min"):
        affordable("5min")


def test_what_the_probe_cost_is_part_of_the_need() -> None:
    with pytest.raises(BudgetTooSmall):
        affordable("11cpu-min", spent_s=60.0)


@given(st.floats(0.1, 1e6), st.sampled_from(["cpu-", "gpu-", ""]))
def test_a_budget_that_is_offered_can_be_read_and_suffices(needed_s: float, prefix: str) -> None:
    budget = Budget.parse(round_up(needed_s, prefix))
    assert (budget.slot_s or budget.wall_s or 0.0) >= needed_s
