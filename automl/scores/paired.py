"""Difference of two sides that were trained with the same seeds. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from automl.scores.trust import SEED_RUNS, SEED_SD, WITHIN, Interval

PAIR_SD = math.sqrt(2) * SEED_SD  # of the difference of two runs: a seed alone makes no pair alike
SEEDS_KNOWN = SEED_RUNS  # degrees of freedom behind it


def paired(base: Sequence[float], other: Sequence[float]) -> Interval:
    """Mean of other - base with its 90 % interval.

    Few pairs say little of their own noise, so that recorded noise counts beside it as a few pairs more: Student's t
    with a scaled inverse chi-square prior of the variance.

    base, other  scores by seed, in the same order

    Raises ValueError without a pair.
    Source: Gelman et al., "Bayesian Data Analysis", 3rd edition, section 3.3.
    """
    from scipy.stats import t

    differences = [after - before for before, after in zip(base, other, strict=True)]
    if not differences:
        raise ValueError("no pair")
    mean, count = statistics.fmean(differences), len(differences)
    squares = sum((value - mean) ** 2 for value in differences)
    freedom = SEEDS_KNOWN + count - 1
    deviation = math.sqrt((SEEDS_KNOWN * PAIR_SD**2 + squares) / freedom / count)
    half = float(t.ppf((1 + WITHIN) / 2, freedom)) * deviation
    return Interval(mean=mean, low=mean - half, high=mean + half)
