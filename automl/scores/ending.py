"""Early end of a search: the improvement to expect from the rest of its budget. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

FLOOR = 0.001  # mAP50-95: a twelfth of trust.SEED_GAP, too little to be confirmed
LOOK_BACK = 20  # latest finished trials, by which the next ones are judged
_STEPS = 200  # of the integral


def expected_gain(scores: Sequence[float], best: float, trials: float) -> float:
    """Expected improvement of the best of so many further trials over `best`, in the scores' unit.

    Further trials are taken to score like the latest: independent and normal, with the mean and standard
    deviation of `scores` (two or more). The integral of 1 - F(y)^trials from `best` upwards, which is the
    chance that any trial lies above y, by the trapezoidal rule.

    Source: Jones, Schonlau & Welch, "Efficient Global Optimization", 1998, here for the best of several.
    """
    mean, deviation = statistics.fmean(scores), statistics.stdev(scores)
    if trials <= 0 or deviation == 0:
        return max(0.0, mean - best) if trials > 0 else 0.0
    normal = statistics.NormalDist(mean, deviation)
    top = max(best, mean) + 8 * deviation
    step = (top - best) / _STEPS
    above = [1 - normal.cdf(best + index * step) ** trials for index in range(_STEPS + 1)]
    return float(step * (sum(above) - (above[0] + above[-1]) / 2))


def promised(trials: Sequence[tuple[float, float]], best: float, left_s: float) -> float | None:
    """Expected improvement of a search's best score by the rest of its budget; None if it cannot be judged.

    It cannot be judged by fewer than LOOK_BACK trials, or without a limit of time.

    trials  score and slot-seconds of the latest finished trials; scores are extrapolated to the horizon
    best    best score of a completed trial
    left_s  slot-seconds that the search may still spend
    """
    if len(trials) < LOOK_BACK or left_s == float("inf"):
        return None
    cost_s = statistics.fmean(cost for _, cost in trials)
    return expected_gain([score for score, _ in trials], best, left_s / max(1e-9, cost_s))


def nothing_left(trials: Sequence[tuple[float, float]], best: float, left_s: float, device: str) -> str | None:
    """Reason to end a search early, with the figure; None while it may still pay. Arguments as of `promised`."""
    gain = promised(trials, best, left_s)
    if gain is None or gain >= FLOOR or left_s <= 0:
        return None
    return (
        f"the rest of the budget would bring {gain:.4f} mAP50-95 by expectation ({gain / left_s * 3600:.4f} per "
        f"{device}-h), less than the floor of {FLOOR}; --no-early-end continues in spite of that"
    )
