"""Trust in scores: posterior of each configuration from its repeats with other seeds. Pure; numpy only.

Runs of configuration i score y_ij ~ N(theta_i, sigma^2), with one seed noise sigma for all of them. Before
their repeats all configurations are alike: theta_i ~ N(mu, tau^2), mu flat. That pulls them towards each
other, so that the best of several does not look better than it is.

Source: Gelman et al., "Bayesian Data Analysis", 3rd edition, section 5.4 (hierarchical normal model:
equations 5.17 to 5.21 below) and 5.7 (half-Cauchy prior of tau); Gelman, Hill and Yajima, "Why we
(usually) don't have to worry about multiple comparisons", 2012.

Priors, in mAP50-95. The defaults of yolov5n on BCCD, trained with two seeds for 12 and for 42 epochs,
ended .013 and .012 (SEED_GAP) apart. The difference of two runs has variance 2 sigma^2, so sigma is about
.0085 (SEED_SD). It counts as much as the two degrees of freedom that it came from (SEED_RUNS): other data are
noisier or quieter, and their own repeats soon show it. Trainings around strong defaults moved by about .03,
the best of them by less: tau is half-Cauchy with scale .01 (SPREAD).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError

# Noise of seeds, in mAP50-95, as measured above.
SEED_GAP = 0.012  # between two seeds of one recipe: within it the cheaper of two operating points is tuned at
SEED_SD, SEED_RUNS = 0.0085, 2.0  # standard deviation of one run, and the degrees of freedom behind it
TIE = 0.02  # single runs that are closer are a tie: two seeds of one recipe differ by .01 to .02
SPREAD = 0.01
WITHIN = 0.9  # share of the probability that an interval holds
CLAIM = 0.9  # chance to beat the defaults from which on a winner is named
DEFAULTS = 0  # the configuration with which the others are compared

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Posterior mean and the middle 90 % of the posterior."""

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimate of one configuration, from runs that no search selected."""

    trial: int
    seeds: int  # number of these runs
    score: Interval  # mean mAP50-95 of the best epoch of a training with a new seed
    gain: Interval | None  # above the defaults; None for the defaults themselves
    chance: float | None  # probability that it beats the defaults; None for them


def estimates(runs: Mapping[int, Sequence[float]]) -> tuple[Estimate, ...]:
    """Estimates of all configurations, best mean first.

    runs  scores by configuration: every run of the defaults (key 0), only repeats of the others. The score
          for which a search selected a configuration is optimistic and must be left out. Repeats were
          drawn after the selection, so they need no correction.

    Raises AutoMLError if the defaults have no score or a score is not finite.
    """
    scored = {number: tuple(float(score) for score in scores) for number, scores in runs.items() if len(scores)}
    if DEFAULTS not in scored:
        raise AutoMLError("nothing can be compared with the defaults: they have no score.")
    if not all(math.isfinite(score) for scores in scored.values() for score in scores):
        raise AutoMLError("a score is not a finite number: leave failed trainings out.")
    return _estimates(tuple(sorted(scored.items())))


@lru_cache(maxsize=256)  # verdict and winner of a study ask for the same, and again with each look at it
def _estimates(runs: tuple[tuple[int, tuple[float, ...]], ...]) -> tuple[Estimate, ...]:
    numbers = [number for number, _ in runs]
    posterior = _Posterior([scores for _, scores in runs])
    base = numbers.index(DEFAULTS)
    rows = [
        Estimate(
            trial=number,
            seeds=len(scores),
            score=posterior.score(index),
            gain=None if index == base else posterior.difference(index, base),
            chance=None if index == base else posterior.chance(index, base),
        )
        for index, (number, scores) in enumerate(runs)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.score.mean, row.trial)))


def winner(ranked: Sequence[Estimate]) -> int:
    """Trial with the best mean of those that beat the defaults with a chance of at least CLAIM, else the defaults.

    ranked  best mean first
    """
    return next((row.trial for row in ranked if row.chance is not None and row.chance >= CLAIM), DEFAULTS)


class _Posterior:
    """Joint posterior: a weighted grid of (sigma, tau), Gaussian at each of its nodes."""

    def __init__(self, scores: Sequence[Sequence[float]]) -> None:
        counts = np.array([len(runs) for runs in scores], dtype=np.float64)
        means = np.array([sum(runs) / len(runs) for runs in scores])
        within = sum((y - m) ** 2 for runs, m in zip(scores, means, strict=True) for y in runs)
        sigma, tau = _grid(math.sqrt(within / max(1.0, float(np.sum(counts - 1)))))
        noise = sigma[:, None] ** 2 / counts  # (G, C): variance of each mean around its theta
        spread = tau[:, None] ** 2
        precision = 1 / (noise + spread)
        self._mu_variance = 1 / precision.sum(axis=1)  # 5.20
        self._mu = self._mu_variance * (precision * means).sum(axis=1)
        self._own = spread / (noise + spread)  # how much a configuration's own mean counts
        self._means = means
        self._variance = self._own * noise  # 5.17
        log = _log_prior(sigma, tau)
        log -= float(np.sum(counts - 1)) * np.log(sigma) + float(within) / (2 * sigma**2)
        log += 0.5 * np.log(self._mu_variance) + 0.5 * np.log(precision).sum(axis=1)  # 5.21
        log -= 0.5 * (precision * (means - self._mu[:, None]) ** 2).sum(axis=1)
        weights = np.exp(log - log.max())
        self._weights = weights / weights.sum()

    def score(self, index: int) -> Interval:
        """Interval of one configuration's theta."""
        own = self._own[:, index]
        mean = own * self._means[index] + (1 - own) * self._mu
        return self._interval(mean, self._variance[:, index] + (1 - own) ** 2 * self._mu_variance)

    def difference(self, first: int, second: int) -> Interval:
        """Interval of the first theta less the second."""
        return self._interval(*self._gap(first, second))

    def chance(self, first: int, second: int) -> float:
        """Probability that the first theta is the larger one."""
        mean, variance = self._gap(first, second)
        return 1 - self._below(0.0, mean, np.sqrt(variance))

    def _gap(self, first: int, second: int) -> tuple[Floats, Floats]:
        one, two = self._own[:, first], self._own[:, second]
        mean = one * self._means[first] - two * self._means[second] + (two - one) * self._mu
        variance = self._variance[:, first] + self._variance[:, second] + (two - one) ** 2 * self._mu_variance
        return mean, variance

    def _interval(self, mean: Floats, variance: Floats) -> Interval:
        deviation = np.sqrt(variance)
        ends = [self._quantile(share, mean, deviation) for share in ((1 - WITHIN) / 2, (1 + WITHIN) / 2)]
        return Interval(mean=float(self._weights @ mean), low=ends[0], high=ends[1])

    def _quantile(self, share: float, mean: Floats, deviation: Floats) -> float:
        """Quantile by Newton's method within a bracket; a step that leaves the bracket becomes a bisection."""
        low, high = float((mean - 9 * deviation).min()), float((mean + 9 * deviation).max())
        value = (low + high) / 2
        for _ in range(50):
            off = self._below(value, mean, deviation) - share
            low, high = (low, value) if off > 0 else (value, high)
            slope = float(self._weights @ (_density((value - mean) / deviation) / deviation))
            step = value - off / slope if slope > 0 else low
            before, value = value, step if low < step < high else (low + high) / 2
            if abs(value - before) < _CLOSE:
                break
        return value

    def _below(self, value: float, mean: Floats, deviation: Floats) -> float:
        return min(1.0, max(0.0, float(self._weights @ _phi((value - mean) / deviation))))


def _grid(observed: float) -> tuple[Floats, Floats]:
    """Seed noise and spread, (G,) each: even in the logarithm, as wide as prior and data may reach."""
    sigma = np.geomspace(SEED_SD / 12, 8 * max(SEED_SD, observed), 40)
    tau = np.geomspace(SPREAD / 40, 60 * SPREAD, 40)
    pairs = np.stack(np.meshgrid(sigma, tau, indexing="ij"), axis=-1).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _log_prior(sigma: Floats, tau: Floats) -> Floats:
    """Logarithm of the prior, (G,): sigma^2 scaled inverse chi-square, tau half-Cauchy, as densities over log."""
    noise: Floats = -SEED_RUNS * np.log(sigma) - SEED_RUNS * SEED_SD**2 / (2 * sigma**2)
    spread: Floats = np.log(tau) - np.log1p((tau / SPREAD) ** 2)
    return noise + spread


_CLOSE = 1e-9  # mAP50-95
_AT = np.linspace(-9, 9, 3601)
_PHI = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in _AT])


def _phi(values: Floats) -> Floats:
    """Standard normal distribution function, to a millionth."""
    shares: Floats = np.interp(values, _AT, _PHI)
    return shares


def _density(values: Floats) -> Floats:
    """Standard normal density."""
    density: Floats = np.exp(-(values**2) / 2) / math.sqrt(2 * math.pi)
    return density
