"""Confidence in a recipe that was found: what may be claimed, and whether it is handed over. Pure.

The two are apart. A recipe that is better by expectation is worth handing over long before it is proven. Simulated with
400 studies a cell (`python -m benchmarks verdict`), a threshold of .5 loses where nothing is to be gained.
"""

from __future__ import annotations

from enum import StrEnum

from automl.scores.trust import CLAIM, TIE

DELIVER = 0.7  # chance to beat the defaults from which on a recipe is handed over


class Confidence(StrEnum):
    """What may be said of a recipe against the defaults."""

    PROVEN = "proven"
    PROBABLE = "probably better"
    NO_DIFFERENCE = "no difference found"
    DOUBTFUL = "not sure enough"


def confidence_of(gain: float, chance: float) -> Confidence:
    """Confidence in a recipe.

    gain    expected mAP50-95 above the defaults
    chance  that it is above zero
    """
    if chance >= CLAIM:
        return Confidence.PROVEN
    if abs(gain) < TIE:
        return Confidence.NO_DIFFERENCE
    return Confidence.PROBABLE if chance >= DELIVER else Confidence.DOUBTFUL
