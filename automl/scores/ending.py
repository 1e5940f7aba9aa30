"""When a search has nothing left to gain: the improvement that the rest of a budget is expected to bring. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

FLOOR = 0.001  # mAP50-95: a twelfth of what two seeds of one recipe differ by; that little nobody can confirm
LOOK_BACK = 20  # finished trials from which the next ones are judged
_STEPS = 200


def expected_gain(scores: Sequence[float], best: float, trials: float) -> float:
    """By how much the best of so many further trials is expected to exceed `best`, in the scores' unit.

    The further trials are taken to score like the latest: independent and normal, with the mean and standard
    deviation of `scores` (two or more). The integral from `best` up of the chance that any of them lies
    above, 1 - F(y)^trials, by the trapezoidal rule: the expected improvement of Jones, Schonlau & Welch,
    "Efficient Global Optimization", 1998, for the best of several.
    """
    mean, deviation = statistics.fmean(scores), statistics.stdev(scores)
    if trials <= 0 or deviation == 0:
        return max(0.0, mean - best) if trials > 0 else 0.0
    normal = statistics.NormalDist(mean, deviation)
    top = max(best, mean) + 8 * deviation
    step = (top - best) / _STEPS
    above = [1 - normal.cdf(best + index * step) ** trials for index in range(_STEPS + 1)]
    return float(step * (sum(above) - (above[0] + above[-1]) / 2))


def promised(ended: Sequence[tuple[float, float]], best: float, left_s: float) -> float | None:
    """By how much mAP50-95 the rest of a search is expected to raise its best score; None where nothing is known.

    ended   score, at the horizon or extrapolated to it, and slot-seconds of the LOOK_BACK trials that ended last;
            fewer say nothing of the next ones
    best    the best score of a completed trial
    left_s  slot-seconds that the search may still spend; without a limit there is no rest to speak of
    """
    if len(ended) < LOOK_BACK or left_s == float("inf"):
        return None
    cost_s = statistics.fmean(cost for _, cost in ended)
    return expected_gain([score for score, _ in ended], best, left_s / max(1e-9, cost_s))


def nothing_left(ended: Sequence[tuple[float, float]], best: float, left_s: float, device: str) -> str | None:
    """Why a search should end early, with the figure; None while it may still pay. Arguments as of `promised`."""
    gain = promised(ended, best, left_s)
    if gain is None or gain >= FLOOR or left_s <= 0:
        return None
    return (
        f"the rest of the budget would bring {gain:.4f} mAP50-95 at best by expectation ({gain / left_s * 3600:.4f} a "
        f"{device}-h), less than the floor of {FLOOR}; --no-early-end goes on all the same"
    )
