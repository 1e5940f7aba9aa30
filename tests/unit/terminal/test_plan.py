"""A plan in words: what its shares and its counts say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.terminal.plan import brief, whole_percents


def document(**changes: Any) -> dict[str, Any]:
    """A plan of 12 epochs with rungs at 3 and 9."""
    plan = {
        "device": "cpu",
        "slots": 2,
        "budgets": ("1cpu-h",),
        "points": [],
        "epochs": 12,
        "rungs": (3, 9),
        "reach": ((3, 20.0), (9, 8.4), (12, 4.1)),
        "trials": 21,
        "shares": {"probe": 45.0, "baseline": 540.0, "search": 2655.0, "confirmation": 360.0},
        "budget_s": 3600.0,
        "wall_s": 1800.0,
        "disk_bytes": 0,
        "warnings": (),
        "notes": (),
    }
    return {**plan, **changes}


def test_counts_at_rungs_are_said_to_include_each_other() -> None:
    assert (
        "of those after the defaults 20 reach epoch 3, 8 of these epoch 9, 4 of these epoch 12." in brief(document())[0]
    )


def test_without_rungs_only_the_end_is_counted() -> None:
    assert (
        "rungs at none; about 4 trials, of those after the defaults 3 reach epoch 12."
        in (brief(document(rungs=(), reach=((12, 3.0),), trials=4))[0])
    )


def test_the_shares_of_a_whole_budget_sum_to_100() -> None:
    line = brief(document())[1]  # 1.25, 15, 73.75 and 10 percent
    assert sum(map(int, re.findall(r"\((\d+)%\)", line))) == 100


@pytest.mark.parametrize(
    ("parts", "total", "percents"),
    [
        ([0.5, 0.5, 99.0], 100.0, [1, 0, 99]),  # rounded one by one: 0, 0, 99
        ([2.6, 2.6, 94.8], 100.0, [3, 2, 95]),  # rounded one by one: 3, 3, 95, which is 101
        ([10.0, 20.0], 100.0, [10, 20]),
        ([], 100.0, []),
    ],
)
def test_the_largest_remainders_are_rounded_up(parts: list[float], total: float, percents: list[int]) -> None:
    assert whole_percents(parts, total) == percents


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=5).filter(lambda parts: sum(parts) > 1.0))
def test_whole_percents_are_within_one_of_the_exact_ones_and_sum_to_100(parts: list[float]) -> None:
    found = whole_percents(parts, sum(parts))
    assert sum(found) == 100
    assert all(abs(whole - 100 * part / sum(parts)) <= 1 for whole, part in zip(found, parts, strict=True))
