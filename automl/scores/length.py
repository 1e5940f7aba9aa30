"""Comparison of two recipes that were trained at production length, with one or a few seeds each. Pure.

The best epochs of both score y_ij ~ N(theta_i, sigma^2) with flat theta_i. sigma^2 is scaled-inverse-chi-square with
the noise of seeds as its prior. So the difference of the means follows a t distribution.

Source: Gelman et al., "Bayesian Data Analysis", 3rd edition, sections 2.6 and 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from scipy.special import stdtr, stdtrit

from automl.scores.trust import SEED_RUNS, SEED_SD, WITHIN, Interval


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A recipe against the defaults."""

    defaults: tuple[float, ...]  # observed mAP50-95 of each seed
    recipe: tuple[float, ...]
    gain: Interval  # of the recipe above the defaults
    chance: float  # that it is above zero


def compared(defaults: Sequence[float], recipe: Sequence[float]) -> Comparison:
    """The comparison of their scores, at least one of each."""
    return _compared(tuple(defaults), tuple(recipe))


@lru_cache(maxsize=256)
def _compared(defaults: tuple[float, ...], recipe: tuple[float, ...]) -> Comparison:
    means = [sum(scores) / len(scores) for scores in (defaults, recipe)]
    within = sum((y - m) ** 2 for scores, m in zip((defaults, recipe), means, strict=True) for y in scores)
    freedom = SEED_RUNS + len(defaults) + len(recipe) - 2
    sigma = math.sqrt((SEED_RUNS * SEED_SD**2 + within) / freedom)
    scale = sigma * math.sqrt(1 / len(defaults) + 1 / len(recipe))
    gain = means[1] - means[0]
    half = scale * float(stdtrit(freedom, (1 + WITHIN) / 2))
    return Comparison(
        defaults=defaults,
        recipe=recipe,
        gain=Interval(mean=gain, low=gain - half, high=gain + half),
        chance=float(stdtr(freedom, gain / scale)),
    )
