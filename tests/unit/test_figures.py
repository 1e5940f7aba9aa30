"""Figures as people read them."""

from __future__ import annotations

import pytest

from automl.figures import ago


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
