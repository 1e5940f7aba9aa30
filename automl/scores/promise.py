"""The figure that a recipe promises, and the interval in which a further training of it is to lie. Pure.

A promise is about one more training with a new seed. Such a training differs from the figure for two reasons: the
recipe's mean over seeds is not known exactly, and each seed has its own luck. The interval has both. It is wider than
the interval of the mean, which has the first alone, and in which a single training need not lie.

Figures of the search come from the model in `trust`, figures at production length from the scores of its seeds with
the recorded noise as prior. Source: Gelman et al., "Bayesian Data Analysis", 3rd edition, sections 3.2 and 5.4.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from automl.records import TrialRow
from automl.scores.halving import final
from automl.scores.leaderboard import Verdict
from automl.scores.trust import SEED_RUNS, SEED_SD, WITHIN


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A figure with the interval of one further training."""

    map50_95: float  # on val, as observed: mean over the seeds
    low: float
    high: float
    epochs: int  # of the trainings that it was measured in
    patience: int = 0  # epochs without a better one after which such a training ends; 0: it runs to its end
    best: bool = False  # True: of the best epoch, as in production; False: mean of the last epochs

    @property
    def measure(self) -> str:
        """The figure in words."""
        return "mAP50-95 on val, best epoch" if self.best else "mAP50-95 on val, mean of the last epochs"


def of_search(trial: TrialRow, verdict: Verdict | None) -> Promise | None:
    """Promise of a searched trial by all trainings of its study; None before it has a score."""
    estimate = None if verdict is None else verdict.of(trial.number)
    if estimate is not None and estimate.further is not None:
        interval = estimate.further
        return Promise(map50_95=estimate.observed, low=interval.low, high=interval.high, epochs=trial.epochs)
    return None if trial.score is None else from_scores((trial.score,), trial.epochs)


def from_scores(scores: Sequence[float], epochs: int, *, patience: int = 0, best: bool = False) -> Promise:
    """Promise by the scores of one recipe's trainings, one for each seed, and by the recorded noise of seeds."""
    from scipy.special import stdtrit

    mean, count = statistics.fmean(scores), len(scores)
    freedom = SEED_RUNS + count - 1
    squares = sum((score - mean) ** 2 for score in scores)
    deviation = math.sqrt((SEED_RUNS * SEED_SD**2 + squares) / freedom * (1 + 1 / count))
    half = deviation * float(stdtrit(freedom, (1 + WITHIN) / 2))
    return Promise(map50_95=mean, low=mean - half, high=mean + half, epochs=epochs, patience=patience, best=best)


def interval_of(promise: Promise, trainings: int) -> tuple[float, float]:
    """Interval in which that many further trainings all lie with the chance with which one lies in the promise's.

    The more trainings, the likelier is one that is far off by luck alone. Widened as for independent normal ones.
    """
    normal, share = statistics.NormalDist(), WITHIN ** (1 / trainings)
    wider = normal.inv_cdf((1 + share) / 2) / normal.inv_cdf((1 + WITHIN) / 2)
    middle, half = (promise.low + promise.high) / 2, (promise.high - promise.low) / 2
    return max(0.0, middle - wider * half), min(1.0, middle + wider * half)


def holds(promise: Promise, scores: Sequence[float]) -> bool:
    """True if every further training lies in the interval of so many."""
    low, high = interval_of(promise, len(scores))
    return all(low <= score <= high for score in scores)


def figure_of(promise: Promise, scores: Sequence[float]) -> float:
    """Figure of a further training, measured as the promise's was; 0 for one that diverged.

    scores  mAP50-95 by epoch
    """
    if not scores or not all(math.isfinite(score) for score in scores):
        return 0.0
    return max(scores) if promise.best else final(scores, promise.epochs)


def ends(promise: Promise, scores: Sequence[float]) -> bool:
    """True once a training has no better epoch for the promise's patience."""
    if not promise.patience or not scores or max(scores) <= 0:
        return False
    return len(scores) - scores.index(max(scores)) - 1 >= promise.patience


def sentence(promise: Promise, scores: Sequence[float], name: str) -> str:
    """The result in words.

    name  of the recipe
    """
    low, high = interval_of(promise, len(scores))
    figures = ", ".join(f"{score:.4f}" for score in scores)
    several = f"{len(scores)} further trainings scored" if len(scores) > 1 else "a further training scored"
    together = f"all {len(scores)} of them" if len(scores) > 2 else "both" if len(scores) > 1 else "it"
    begin = f"{name}: {several} {figures} ({promise.measure}); "
    within = f"[{low:.4f}, {high:.4f}], in which {together} should lie with {WITHIN:.0%}"
    figure = f"the figure of {promise.map50_95:.4f}"
    if holds(promise, scores):
        return f"{begin}inside {within}: {figure} holds."
    if min(scores) >= low:
        return f"{begin}above {within}: {figure} does not hold, it is too low. Another thing than the seed has changed."
    return f"{begin}outside {within}: {figure} does not hold."
