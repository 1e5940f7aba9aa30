"""Budgets as users write them, and the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.costs.budget import Budget, Ledger, budget_words, limits_of, parse_all
from automl.errors import BadBudget
from automl.figures import cost_unit, format_cost
from automl.records import Confirming, Slots
from tests.builders.factories import make_spec

seconds = st.floats(0.0, 1e6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("40gpu-h", {"slot_s": 144_000.0, "device": "gpu"}),
        ("8cpu-h", {"slot_s": 28_800.0, "device": "cpu"}),
        ("30gpu-min", {"slot_s": 1_800.0, "device": "gpu"}),
        ("90cpu-s", {"slot_s": 90.0, "device": "cpu"}),
        ("1.5 CPU-H", {"slot_s": 5_400.0, "device": "cpu"}),
        ("90min", {"wall_s": 5_400.0}),
        (" 2h ", {"wall_s": 7_200.0}),
        ("200trials", {"trials": 200}),
        ("1 trial", {"trials": 1}),
    ],
)
def test_a_budget_is_read_in_its_unit(text: str, expected: dict[str, object]) -> None:
    assert Budget.parse(text) == Budget(text=text, **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "40", "40 bananas", "gpu-h", "1.5trials", "40gpu-trials", "nanh", "1e3h", "1h1h"])
def test_a_budget_that_cannot_be_read_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadBudget, match=r"cannot read the budget .*40gpu-h"):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["-1h", "0gpu-h", "0trials", "-0.5cpu-h"])
def test_a_budget_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadBudget, match="is not above zero"):
        Budget.parse(text)


def test_a_budget_too_long_to_be_a_number_is_refused() -> None:
    with pytest.raises(BadBudget):
        Budget.parse("9" * 400 + "trials")


@given(st.integers(1, 10**6), st.sampled_from(["gpu-h", "cpu-min", "cpu-s", "h", "min", "s", "trials"]))
def test_a_whole_budget_survives_the_way_through_its_amount(number: int, unit: str) -> None:
    budget = Budget.parse(f"{number}{unit}")
    scale = {"h": 3600.0, "min": 60.0, "s": 1.0, "trials": 1.0}[unit.split("-")[-1]]
    amounts = [a for a in (budget.slot_s, budget.wall_s, budget.trials) if a is not None]
    assert [a / scale for a in amounts] == [number]


def test_gpu_hours_on_a_machine_without_gpu_are_refused_with_the_same_in_cpu_hours() -> None:
    with pytest.raises(BadBudget, match=r"no GPU was found\. Use for example 40cpu-h"):
        parse_all(["40gpu-h"], "cpu")


def test_cpu_hours_on_gpu_slots_are_refused_with_the_same_in_gpu_hours() -> None:
    with pytest.raises(BadBudget, match=r"the slots are GPUs\. Use for example 2gpu-h"):
        parse_all(["2cpu-h"], "gpu")


def test_a_search_needs_a_budget() -> None:
    with pytest.raises(BadBudget, match="no budget given"):
        parse_all([], "cpu")


def test_the_limits_of_a_study_are_the_budgets_of_its_spec() -> None:
    spec = make_spec(budgets=("40gpu-h", "2h"), slots=Slots(count=1, device="gpu"))
    assert limits_of(spec) == (Budget.parse("40gpu-h"), Budget.parse("2h"))
    assert [budget.limit_s for budget in limits_of(spec)] == [144_000.0, 7_200.0]


@pytest.mark.parametrize(("slot_s", "text"), [(4500, "1.25 gpu-h"), (474, "7.9 gpu-min"), (42, "42 gpu-s")])
def test_a_cost_is_told_in_the_unit_that_reads_best(slot_s: float, text: str) -> None:
    assert format_cost(slot_s, "gpu") == text
    assert text.endswith(cost_unit(slot_s, "gpu").name)


@given(st.lists(st.tuples(st.integers(0, 5), seconds)))
def test_the_ledger_sums_to_what_was_charged(charges: list[tuple[int, float]]) -> None:
    ledger = Ledger([])
    for trial, slot_s in charges:
        ledger.charge(trial, slot_s)
    total = sum(slot_s for _, slot_s in charges)
    assert ledger.spent_s() == pytest.approx(total)
    assert sum(ledger.cost_s(trial) for trial in range(6)) == pytest.approx(total)


@given(seconds, st.lists(seconds, max_size=5))
def test_a_held_slot_costs_the_time_from_hold_to_release(begin: float, steps: list[float]) -> None:
    ledger, at = Ledger([]), begin
    ledger.hold(3, begin)
    for step in steps:
        at += step
        ledger.advance(3, at)
    assert ledger.release(3, at) == pytest.approx(at - begin, abs=1e-6)
    assert ledger.held == ()


def test_a_clock_that_steps_back_gives_nothing_back() -> None:
    ledger = Ledger([])
    ledger.hold(0, 10.0)
    assert ledger.advance(0, 5.0) == 0.0
    assert ledger.release(0, 12.0) == 2.0


def test_what_held_slots_have_cost_counts_as_spent() -> None:
    ledger = Ledger([Budget.parse("100cpu-s")])
    ledger.hold(0, 0.0)
    ledger.hold(1, 0.0)
    assert ledger.spent_s() == 0.0
    assert ledger.spent_s(30.0) == 60.0
    assert ledger.left_s(30.0) == 40.0


def test_without_a_budget_of_slot_time_or_wall_time_they_never_end() -> None:
    ledger = Ledger([Budget.parse("3trials")])
    assert ledger.left_s(1e9) == ledger.wall_left_s(1e9) == float("inf")
    assert ledger.exhausted(1e9) is None


def test_the_tightest_of_several_budgets_of_a_kind_counts() -> None:
    ledger = Ledger([Budget.parse("2h"), Budget.parse("90min"), Budget.parse("5trials"), Budget.parse("7trials")])
    assert ledger.wall_left_s(0.0) == 5400.0
    assert ledger.trial_limit == 5


def test_a_spent_budget_is_named() -> None:
    ledger = Ledger([Budget.parse("10cpu-s"), Budget.parse("1min")])
    assert ledger.exhausted(59.9) is None
    assert ledger.exhausted(60.0) == "the wall time is over"
    ledger.charge(None, 10.0)
    assert ledger.exhausted(0.0) == "the budget is spent"


def test_the_share_spent_is_that_of_the_budget_nearest_to_its_end() -> None:
    ledger = Ledger([Budget.parse("100cpu-s"), Budget.parse("100s"), Budget.parse("10trials")])
    ledger.charge(0, 20.0)
    assert ledger.share_spent(30.0, 1) == 0.3
    assert ledger.share_spent(30.0, 9) == 0.9


def test_the_limits_of_a_confirmation_begin_where_the_study_ended() -> None:
    before = Confirming(seeds=3, budgets=("2gpu-h", "1h"), trials=5, slot_s=600.0, wall_s=60.0, reason="it was spent")
    spec = make_spec(budgets=("40gpu-h",), slots=Slots(count=2, device="gpu"), confirming=before)
    assert [limit.limit_s for limit in limits_of(spec)] == [7800.0, 3660.0]
    assert budget_words(spec) == "40gpu-h and 2gpu-h / 1h to confirm"
    by_seeds = replace(spec, confirming=replace(before, budgets=()))
    assert [limit.trials for limit in limits_of(by_seeds)] == [11]
    assert budget_words(by_seeds) == "40gpu-h and further seeds to confirm"
    assert budget_words(replace(spec, confirming=None)) == "40gpu-h"
