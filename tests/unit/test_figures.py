"""Figures as people read them."""

from __future__ import annotations

import re
import time

import pytest

from automl.figures import ago, clock, span


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
