"""One order of findings, the most important first: for the first step, and for what a search says of its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from automl.data.images import TEST
from automl.records import Finding, Severity

MANY = 0.01  # share of the images or boxes
_LEAKS = ("splits/shared-images", "leakage/across")
_FALSE_SCORES = ("counts/class-not-in-train", "counts/class-not-in-val", "variety/drift")
_UNITS = {"labels": "boxes", "images": "images"}
Figures = Mapping[str, Mapping[str, Any]]  # images and boxes of each split


class Rank(IntEnum):
    """Importance of a finding, the greatest first."""

    ERROR = 0
    LEAK = 1  # a score that flatters
    LOSS = 2  # labels that a conversion left out
    LABELS = 3  # warnings on many boxes
    MUCH = 4  # a false score, or warnings on many images
    REST = 5
    FEW = 6  # warnings on few images or boxes
    NOTE = 7

    @property
    def pressing(self) -> bool:
        """True if it comes before any training."""
        return self <= Rank.LABELS


def rank_of(finding: Finding, figures: Figures) -> Rank:
    """Importance of a finding on a data set with those figures."""
    if finding.severity is not Severity.WARNING:
        return Rank.ERROR if finding.severity is Severity.ERROR else Rank.NOTE
    family = finding.code.partition("/")[0]
    if finding.code in _LEAKS or family == "conversion":
        return Rank.LEAK if finding.code in _LEAKS else Rank.LOSS
    if finding.code in _FALSE_SCORES:
        return Rank.MUCH
    unit = _UNITS.get(family)
    if unit is None:
        return Rank.REST
    total = sum(split.get(unit, 0) for name, split in figures.items() if finding.split in ("", name))
    if finding.count < MANY * total:
        return Rank.FEW
    return Rank.LABELS if family == "labels" and finding.split != TEST else Rank.MUCH


def ordered(findings: Iterable[Finding], figures: Figures) -> list[Finding]:
    """Findings by importance; of one rank those with most places first."""
    return sorted(findings, key=lambda finding: (rank_of(finding, figures), -finding.count))
