"""Findings from their places, counted in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from automl.records import Finding, Place, Severity
from automl.records.check import MOST_PLACES


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun: '1 image', '12 images'."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def either(count: int, one: str, many: str) -> str:
    """The word for one, or that for more."""
    return one if count == 1 else many


def found(
    code: str,
    severity: Severity,
    title: str,
    advice: str,
    places: Sequence[Place],
    *,
    split: str = "",
    count: int | None = None,
    **figures: Any,
) -> Iterator[Finding]:
    """The finding of some places, of which the first MOST_PLACES are kept; nothing without places.

    count  of all places, where only some are given
    """
    if places:
        yield Finding(
            code=code,
            severity=severity,
            title=title,
            advice=advice,
            split=split,
            count=len(places) if count is None else count,
            places=tuple(places[:MOST_PLACES]),
            figures=figures,
        )
