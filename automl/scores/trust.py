"""Trust in scores: one model of all whole trainings of a study, repeats included. Pure; numpy only.

Runs of recipe i score y_ij ~ N(theta_i, sigma^2), with one seed noise sigma for all. The recipes that a search
proposed are alike before they are trained: theta_i ~ N(mu, tau^2), mu flat. That pulls the best of many towards the
others, so that the score by which it was selected counts without its optimism. The defaults were selected by nobody:
theta_0 is flat and outside of that population.

Source: Gelman et al., "Bayesian Data Analysis", 3rd edition, section 5.4 (hierarchical normal model: equations 5.17 to
5.21 below) and 5.7 (half-Cauchy prior of tau); Gelman, Hill and Yajima, "Why we (usually) don't have to worry about
multiple comparisons", 2012. Rule and thresholds: `python -m benchmarks verdict`, docs/measurements.md.

Priors, in mAP50-95. tau is half-Cauchy with scale .02 (SPREAD). sigma^2 is scaled inverse chi-square. Its scale comes
from the study itself: how far the last epoch of a whole training lies from the mean of the last ones, by the median
over all trainings and beyond what all of them rise. In yolov5n on BCCD that was .011 over 12 epochs (n=35) and .008
over 42 (n=13), where two seeds of one recipe scored .015 and .011 apart, which is a sigma of .011 and .008. It is taken
1.2 times (WIDER), since a noise that is believed too small makes false claims, and counts as six runs (OWN_RUNS).
Studies that cannot tell have the noise of those pairs, .0085 (SEED_SD), with two degrees of freedom (SEED_RUNS).
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError

# Noise of seeds, in mAP50-95, as measured above.
SEED_GAP = 0.012  # between two seeds of one recipe: within it the cheaper of two operating points is tuned at
SEED_SD, SEED_RUNS = 0.0085, 2.0  # standard deviation of one run, and the degrees of freedom behind it
WIDER, OWN_RUNS = 1.2, 6.0
FEWEST = 8  # whole trainings from which on the scatter of last epochs is known
TIE = 0.02  # an expected gain below it is no difference: two seeds of one recipe differ by .01 to .02
SPREAD = 0.02
WITHIN = 0.9  # share of the probability that an interval holds
DELIVER = 0.7  # chance to beat the defaults from which on a recipe is handed over
CLAIM = 0.9  # and from which on it is proven
BELOW_CLAIM = 0.89  # most that a surprise in favour of a recipe leaves unsaid of its noise
DEFAULTS = 0  # the recipe with which the others are compared
NODES = 30  # of the grid, for each of noise and spread
NAMED = 5  # best recipes of one run that have an estimate

Floats = npt.NDArray[np.float64]


class Confidence(Enum):
    """What may be said of the best recipe against the defaults."""

    PROVEN = "proven"
    PROBABLE = "probably better"
    NO_DIFFERENCE = "no difference found"
    DOUBTFUL = "not sure enough"


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
    """One recipe: what was observed, and apart from it what the model makes of that."""

    trial: int
    runs: tuple[float, ...]  # observed scores of whole trainings: the search's own, then those with new seeds
    score: Interval  # mean mAP50-95 over seeds, by the model
    gain: Interval | None  # above the defaults, by the model; None for the defaults themselves
    chance: float | None  # probability that it beats the defaults, see `estimates`; None for them
    further: Interval | None = None  # of one more training with a new seed: wider than that of the mean

    def __repr__(self) -> str:
        seeds = f"{self.seeds} seed{'s' if self.seeds > 1 else ''}"
        chance = "" if self.chance is None else f", chance of a gain {self.chance:.0%}"
        return f"<Estimate of trial {self.trial}: mAP50-95 {self.observed:.3f}, {seeds}{chance}>"

    @property
    def observed(self) -> float:
        """Mean of the observed scores."""
        return statistics.fmean(self.runs)

    @property
    def seeds(self) -> int:
        """Number of runs."""
        return len(self.runs)

    @property
    def new_seeds(self) -> int:
        """Number of runs that were no part of the search."""
        return len(self.runs) - 1

    @property
    def confidence(self) -> Confidence:
        """What may be said of it; without a new seed nothing is proven.

        Raises ValueError for the defaults.
        """
        if self.gain is None or self.chance is None:
            raise ValueError("the defaults are not compared with themselves")
        return confidence_of(self.gain.mean, self.chance, provable=self.new_seeds > 0)


def confidence_of(gain: float, chance: float, *, provable: bool = True) -> Confidence:
    """What may be said of a recipe with that expected gain above the defaults and that chance of any.

    provable  False without a new seed
    """
    if chance >= CLAIM and provable:
        return Confidence.PROVEN
    if abs(gain) < TIE:
        return Confidence.NO_DIFFERENCE
    return Confidence.PROBABLE if chance >= DELIVER else Confidence.DOUBTFUL


def estimates(runs: Mapping[int, Sequence[float]], scatter: float | None = None) -> tuple[Estimate, ...]:
    """Estimates of the defaults, of every repeated recipe and of the best NAMED others, best mean first.

    A repeat that is better than the run before it speaks for its recipe, but shows noise as well, and that can cost it
    more than it gains. It must not: a recipe is handed over by a chance in which repeats of it that are above its
    first run, and repeats of the defaults that are below theirs, do not add to the noise. So a better repeat never
    takes a recipe back. That chance counts up to BELOW_CLAIM: a claim has to be true with all noise.

    runs     scores of whole trainings by recipe, the search's own first; key 0 for the defaults
    scatter  of `scatter_of`, the study's own evidence of noise

    Raises AutoMLError if the defaults have no score or a score is not finite.
    """
    scored = {number: tuple(float(score) for score in scores) for number, scores in runs.items() if len(scores)}
    if DEFAULTS not in scored:
        raise AutoMLError("nothing can be compared with the defaults: they have no score.")
    if not all(math.isfinite(score) for scores in scored.values() for score in scores):
        raise AutoMLError("a score is not a finite number: leave failed trainings out.")
    return _estimates(tuple(sorted(scored.items())), scatter)


def scatter_of(runs: Sequence[tuple[float, float]], last: int) -> float | None:
    """Standard deviation of an epoch at the end of a training, in mAP50-95; None where it cannot be told.

    The median distance from the median, as a normal distribution has it (times 1.4826), of last epoch less score.
    That takes out what all trainings still rise, and the few that break down.

    runs  last epoch and score of whole trainings of the search; the score is the mean of the last epochs
    last  number of those epochs
    """
    if last < 2 or len(runs) < FEWEST:
        return None
    rises = [end - score for end, score in runs]
    middle = statistics.median(rises)
    deviation = 1.4826 * statistics.median(abs(rise - middle) for rise in rises)
    return deviation * math.sqrt(last / (last - 1)) or None


@lru_cache(maxsize=256)  # verdict and winner of a study ask for the same, and again with each look at it
def _estimates(runs: tuple[tuple[int, tuple[float, ...]], ...], scatter: float | None) -> tuple[Estimate, ...]:
    recipes = dict(runs)
    posterior = Posterior(recipes, scatter)
    single = sorted((number for number in recipes if number and len(recipes[number]) == 1), key=_by_score(recipes))
    named = [DEFAULTS, *(number for number in recipes if number and len(recipes[number]) > 1), *single[:NAMED]]
    rows = [
        Estimate(
            trial=number,
            runs=recipes[number],
            score=posterior.score(number),
            gain=posterior.gain(number) if number else None,
            chance=posterior.chance(number) if number else None,
            further=posterior.further(number),
        )
        for number in named
    ]
    return tuple(sorted(rows, key=lambda row: (-round(row.score.mean, 9), row.trial)))


def _by_score(recipes: Mapping[int, Sequence[float]]) -> Callable[[int], tuple[float, int]]:
    """Sort key of recipes of one run, best first. Scores that agree to nine digits are equal."""
    return lambda number: (-round(recipes[number][0], 9), number)


def delivered(ranked: Sequence[Estimate]) -> int:
    """Trial with the best mean of those that beat the defaults with a chance of at least DELIVER, else the defaults.

    ranked  best mean first
    """
    return next((row.trial for row in ranked if row.chance is not None and row.chance >= DELIVER), DEFAULTS)


class Posterior:
    """Joint posterior: a weighted grid of (sigma, tau), Gaussian at each of its nodes.

    Recipes with the same number of runs enter by their number, mean and sum of squares alone, so a thousand of them
    cost no more than one.

    recipes  scores of whole trainings, (runs,) each, the search's own first; key 0 for the defaults
    """

    def __init__(self, recipes: Mapping[int, Sequence[float]], scatter: float | None = None) -> None:
        self._means = {number: sum(scores) / len(scores) for number, scores in recipes.items()}
        self._counts = {number: len(scores) for number, scores in recipes.items()}
        sd, known = (SEED_SD, SEED_RUNS) if scatter is None else (WIDER * max(scatter, SEED_SD / 2), OWN_RUNS)
        noise, cautious, free = _noise_seen(recipes)
        sigma, tau = _grid(sd, math.sqrt(max(noise, cautious) / max(1, free)))
        self._sigma2, self._tau2 = sigma**2, tau**2
        groups = Counter(count for number, count in self._counts.items() if number)
        precision = {count: 1 / (self._sigma2 / count + self._tau2) for count in groups}
        means = {count: self._group(count) for count in groups}
        total = sum(groups[count] * precision[count] for count in groups) if groups else np.ones_like(sigma)
        self._mu_variance = 1 / total  # 5.20
        self._mu = self._mu_variance * sum(groups[count] * precision[count] * means[count][0] for count in groups)
        log = -known * np.log(sigma) - known * sd**2 / (2 * self._sigma2)
        log += np.log(tau) - np.log1p((tau / SPREAD) ** 2) + 0.5 * np.log(self._mu_variance)
        for count, recipes_of in groups.items():  # 5.21
            mean, squares = means[count]
            log += 0.5 * recipes_of * np.log(precision[count])
            log -= 0.5 * precision[count] * (squares + recipes_of * (mean - self._mu) ** 2)
        self._weights = _weights(log - free * np.log(sigma) - noise / (2 * self._sigma2))
        self._cautious = _weights(log - free * np.log(sigma) - cautious / (2 * self._sigma2))

    def _group(self, count: int) -> tuple[float, float]:
        """Mean of the means of all recipes but the defaults with so many runs, and the squares around it."""
        values = [self._means[number] for number, runs in self._counts.items() if number and runs == count]
        mean = sum(values) / len(values)
        return mean, sum((value - mean) ** 2 for value in values)

    def score(self, number: int) -> Interval:
        """Interval of one recipe's theta."""
        return self._interval(*self._theta(number))

    def further(self, number: int) -> Interval:
        """Interval of the score of one more training: of the recipe's theta with the noise of a seed."""
        mean, variance = self._theta(number)
        return self._interval(mean, variance + self._sigma2)

    def gain(self, number: int) -> Interval:
        """Interval of a recipe's theta less that of the defaults."""
        return self._interval(*self._gap(number))

    def mean(self, number: int) -> float:
        """Posterior mean of one recipe's theta."""
        return float(self._weights @ self._theta(number)[0])

    def chance(self, number: int) -> float:
        """Probability that a recipe's theta is above the defaults', as `estimates` says."""
        mean, variance = self._gap(number)
        deviation = np.sqrt(variance)
        honest = 1 - _below(self._weights, 0.0, mean, deviation)
        if honest >= BELOW_CLAIM:
            return honest
        return max(honest, min(BELOW_CLAIM, 1 - _below(self._cautious, 0.0, mean, deviation)))

    def _theta(self, number: int) -> tuple[Floats, Floats]:
        noise = self._sigma2 / self._counts[number]
        if number == DEFAULTS:
            return np.full_like(noise, self._means[number]), noise
        own = self._tau2 / (noise + self._tau2)  # how much a recipe's own mean counts
        mean = own * self._means[number] + (1 - own) * self._mu
        return mean, own * noise + (1 - own) ** 2 * self._mu_variance  # 5.17

    def _gap(self, number: int) -> tuple[Floats, Floats]:
        (mean, variance), (base, base_variance) = self._theta(number), self._theta(DEFAULTS)
        return mean - base, variance + base_variance

    def _interval(self, mean: Floats, variance: Floats) -> Interval:
        deviation = np.sqrt(variance)
        ends = [self._quantile(share, mean, deviation) for share in ((1 - WITHIN) / 2, (1 + WITHIN) / 2)]
        return Interval(mean=float(self._weights @ mean), low=ends[0], high=ends[1])

    def _quantile(self, share: float, mean: Floats, deviation: Floats) -> float:
        """Quantile by Newton's method within a bracket; a step that leaves the bracket becomes a bisection."""
        low, high = float((mean - 9 * deviation).min()), float((mean + 9 * deviation).max())
        middle = float(self._weights @ mean)
        whole = math.sqrt(float(self._weights @ (deviation**2 + (mean - middle) ** 2)))  # of the mixture
        value = middle + math.copysign(1.645 * whole, share - 0.5)
        for _ in range(50):
            off = _below(self._weights, value, mean, deviation) - share
            low, high = (low, value) if off > 0 else (value, high)
            slope = float(self._weights @ (_density((value - mean) / deviation) / deviation))
            step = value - off / slope if slope > 0 else low
            before, value = value, step if low < step < high else (low + high) / 2
            if abs(value - before) < _CLOSE:
                break
        return value


def _noise_seen(recipes: Mapping[int, Sequence[float]]) -> tuple[float, float, int]:
    """Squares between seeds of the same recipes: all, and without surprises in favour of one; degrees of freedom.

    A surprise in favour is a repeat above its recipe's first run, or below it for the defaults. Half of the squared
    difference of two runs is sigma^2 by expectation. Without those surprises a better repeat never adds to the noise.
    """
    noise, cautious, free = 0.0, 0.0, 0
    for number, scores in recipes.items():
        mean, sign = sum(scores) / len(scores), 1 if number else -1
        noise += sum((score - mean) ** 2 for score in scores)
        cautious += sum(max(0.0, sign * (scores[0] - score)) ** 2 / 2 for score in scores[1:])
        free += len(scores) - 1
    return noise, cautious, free


def _grid(expected: float, observed: float) -> tuple[Floats, Floats]:
    """Seed noise and spread, (G,) each: even in the logarithm, as wide as prior and data may reach."""
    sigma = np.geomspace(expected / 12, 8 * max(expected, observed), NODES)
    tau = np.geomspace(SPREAD / 40, 60 * SPREAD, NODES)
    pairs = np.stack(np.meshgrid(sigma, tau, indexing="ij"), axis=-1).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _weights(log: Floats) -> Floats:
    weights = np.exp(log - log.max())
    shares: Floats = weights / weights.sum()
    return shares


def _below(weights: Floats, value: float, mean: Floats, deviation: Floats) -> float:
    return min(1.0, max(0.0, float(weights @ _phi((value - mean) / deviation))))


_CLOSE = 1e-7  # mAP50-95
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
