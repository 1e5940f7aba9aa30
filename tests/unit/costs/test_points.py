"""Operating points: their prices, those that are compared, and the horizon."""

from __future__ import annotations

from typing import Any

import pytest

from automl.costs.budget import Budget, parse_all
from automl.costs.points import (
    LONGEST,
    Limits,
    Point,
    Probe,
    check_limits,
    compare,
    first_admitted,
    longest,
)
from automl.errors import AutoMLError
from automl.records import Prepared, Slots
from tests.builders.factories import make_prepared

CPU = Slots(count=2, device="cpu")


def budgets(*texts: str) -> tuple[Budget, ...]:
    return parse_all(texts, "cpu")


def probe(name: str, **changes: Any) -> Probe:
    return Probe(point=name, prepared=make_prepared(**{"startup_s": 0.0, "val_s": 0.0, "train_s": 10.0, **changes}))


def compared(*probes: Probe, budget: str = "2cpu-h", epochs: int = 12, **limits: Any) -> dict[str, Point]:
    """The points by name."""
    points = compare(probes, probes[0], budgets(budget), CPU, epochs=epochs, limits=Limits(**limits))
    assert points[0].name == probes[0].point
    return {point.name: point for point in points}


def measured(epoch_s: float, startup_s: float = 0.0) -> Prepared:
    return make_prepared(train_s=epoch_s, val_s=0.0, startup_s=startup_s)


def test_the_horizon_leaves_twenty_trainings_with_their_start() -> None:
    assert longest(budgets("10cpu-h"), measured(60.0), CPU) == 30
    assert longest(budgets("10cpu-h"), measured(60.0, startup_s=61.0), CPU) == 28


def test_a_trial_count_does_not_shorten_the_horizon() -> None:
    assert longest(budgets("10cpu-h", "3trials"), measured(60.0), CPU) == 30
    assert longest(budgets("3trials"), measured(60.0), CPU) == LONGEST


def test_dearer_points_come_first_as_long_as_twenty_trainings_are_paid() -> None:
    points = compared(
        probe("a@64"), probe("b@64", train_s=20.0), probe("c@64", train_s=30.0), probe("d@64", train_s=50)
    )
    assert [point.name for point in points.values()] == ["a@64", "c@64", "b@64", "d@64"]
    assert [point.role for point in points.values()] == ["baseline", "compared", "compared", "left out"]
    assert "points are compared at most" in points["d@64"].why


def test_a_point_that_ten_trainings_cannot_be_paid_of_is_left_out_with_figures() -> None:
    points = compared(probe("a@64"), probe("b@64", train_s=61.0))
    assert points["b@64"].role == "left out"
    assert points["b@64"].longest == 5
    assert (
        points["b@64"].why
        == "12 epochs cost 12.2 cpu-min, of which the budget pays 9.8; 10 are needed, as with --epochs 11"
    )


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"parameters": 2000}, "3,000 parameters are more than --max-params 2,000"),
        ({"latency_s": 0.02}, "30.0 ms an image on this cpu are more than --max-latency 20"),
    ],
)
def test_limits_leave_points_out(limits: dict[str, Any], problem: str) -> None:
    points = compared(probe("a@64"), probe("b@64", parameters=3000, latency_s=0.03), **limits)
    assert points["b@64"].why == problem


def test_a_point_that_the_slots_memory_cannot_hold_is_left_out() -> None:
    big = probe("b@64", memory_bytes=8_000_000_000, memory_total_bytes=16_000_000_000)
    assert "2 trials of 8.0 GB each do not fit" in compared(probe("a@64"), big)["b@64"].why


def test_with_a_target_the_cheapest_point_is_compared_too() -> None:
    probes = (probe("a@64"), probe("b@64", train_s=20.0), probe("c@64", train_s=30.0), probe("d@64", train_s=5.0))
    assert compared(*probes)["d@64"].role == "left out"
    assert compared(*probes, target=0.5)["d@64"].role == "compared"


def test_the_baseline_is_the_first_point_within_the_limits() -> None:
    probes = (probe("a@64", parameters=9000), probe("b@64"))
    assert first_admitted(probes, Limits(parameters=5000), CPU).point == "b@64"
    with pytest.raises(
        AutoMLError, match=r"nothing is left to train: a at 64 px: 9,000 parameters .* --max-params 10;"
    ):
        first_admitted(probes, Limits(parameters=10), CPU)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(target=1.5), r"--target 1\.5: mAP50-95 is a fraction"),
        (Limits(target=0.0), "--target 0"),
        (Limits(latency_s=0.0), "--max-latency 0"),
        (Limits(parameters=0), "--max-params 0"),
    ],
)
def test_a_limit_that_nothing_can_keep_is_refused(limits: Limits, problem: str) -> None:
    with pytest.raises(AutoMLError, match=problem):
        check_limits(limits)
