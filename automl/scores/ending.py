"""Early end of a search: the improvement to expect from the rest of its budget. Pure."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence

from automl.scores.trust import SEED_GAP

FLOOR = 0.001  # mAP50-95: a twelfth of trust.SEED_GAP, too little to be confirmed
LOOK_BACK = 20  # latest finished trials, by which the next ones are judged
RECENT = LOOK_BACK // 2  # of them those that tell what the sampler proposes now
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

    By the latest RECENT trials, or by the latest LOOK_BACK where those promise more: around a new best a sampler
    proposes otherwise than before, and older trials do not tell what it will do next. It cannot be judged by fewer than
    LOOK_BACK trials, or without a limit of time.

    trials  score and slot-seconds of the latest finished trials; scores are extrapolated to the horizon
    best    best score of a completed trial
    left_s  slot-seconds that the search may still spend
    """
    if len(trials) < LOOK_BACK or left_s == float("inf"):
        return None
    count = left_s / max(1e-9, statistics.fmean(cost for _, cost in trials))
    scores = [score for score, _ in trials]
    return max(expected_gain(scores, best, count), expected_gain(scores[-RECENT:], best, count))


class Promise:
    """Latest trials of a running search, and how its best score has risen."""

    def __init__(self) -> None:
        self._latest: deque[tuple[float, float]] = deque(maxlen=LOOK_BACK)  # score and slot-seconds
        self._bests: deque[float] = deque(maxlen=RECENT + 1)  # best score after each of the latest

    def trial_ended(self, score: float, cost_s: float, *, completed: bool) -> None:
        """A trial of the search has ended.

        score      extrapolated to the horizon if it was stopped before
        cost_s     slot-seconds
        completed  True if it has reached its last epoch
        """
        self._latest.append((score, cost_s))
        best = self._bests[-1] if self._bests else None
        if completed:
            best = score if best is None else max(best, score)
        if best is not None:
            self._bests.append(best)

    def nothing_left(self, left_s: float, device: str) -> str | None:
        """Reason to end the search early, with the figure; None while it may still pay.

        It goes on for RECENT trials after its best score has risen by more than two seeds of one recipe differ: what
        the sampler makes of the new best is not known before. On a set of cards a search gave up right after a rise of
        .08, with a third of its budget left, by trials from before it.

        left_s  slot-seconds that the search may still spend
        device  "gpu" or "cpu": unit of its cost
        """
        if left_s <= 0 or not self._bests or self._bests[-1] - self._bests[0] > SEED_GAP:
            return None
        gain = promised(self._latest, self._bests[-1], left_s)
        if gain is None or gain >= FLOOR:
            return None
        return (
            f"the rest of the budget would bring {gain:.4f} mAP50-95 by expectation ({gain / left_s * 3600:.4f} per "
            f"{device}-h), less than the floor of {FLOOR}; --no-early-end continues in spite of that"
        )
