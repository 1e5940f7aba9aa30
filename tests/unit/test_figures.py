"""Figures as people read them."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.figures import ago, clock, span, whole_percents


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86399, "23 hours ago"),
        (86400, "1 day ago"),
        (31.9 * 86400, "31 days ago"),
    ],
)
def test_an_age_is_shown_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (42.9, "42 s"),
        (513, "8 min 33 s"),
        (3599, "59 min 59 s"),
        (12000, "3 h 20 min"),
        (360000, "100 h 0 min"),
    ],
)
def test_a_span_is_told_in_words(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_moment_of_today_needs_no_date() -> None:
    now = time.time()
    assert re.fullmatch(r"\d\d:\d\d", clock(now))
    assert clock(now - 10 * 86400) == time.strftime("%Y-%m-%d %H:%M", time.localtime(now - 10 * 86400))


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
    percents = whole_percents(parts, sum(parts))
    assert sum(percents) == 100
    assert all(abs(whole - 100 * part / sum(parts)) <= 1 for whole, part in zip(percents, parts, strict=True))
