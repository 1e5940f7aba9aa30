"""Bayesian optimisation with a Gaussian process over all dimensions, for the first hundreds of trials.

Sources: see automl/sampler/gaussian.py for the regression and the acquisition. Stopped trials are told with
their extrapolated score and count as less certain the earlier they were stopped.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field

import numpy as np

from automl.records import Params
from automl.sampler.cube import Array, Cube
from automl.sampler.gaussian import Observations, Regression, fit, log_expected_improvement
from automl.sampler.tpe import TpeSampler
from automl.space import SearchSpace

STARTUP_TRIALS = 5  # finished trials before the regression is asked: until then draws are wide, to learn more
RANDOM_EVERY = 16  # every 16th proposal is a wide draw, whatever the regression says
WIDE = 0.3  # standard deviation of a wide draw around the defaults, as a share of each range
HANDOVER = 300  # finished trials after which automl/sampler/tpe.py proposes: it stays cheap
LAST = 2 * HANDOVER  # trial from which it proposes in any case: with 1,000 slots so many begin before any ends
PENDING = 64  # most running trials that count with their expected score; more would slow every proposal


@dataclass
class _Open:
    values: Params
    point: Array
    scores: dict[int, float] = field(default_factory=dict)


class GpSampler:
    """Proposals of the greatest expected improvement over the best expected score."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._cube = Cube(space)
        self._seed = seed
        self._open: dict[int, _Open] = {}
        self._points: list[Array] = []
        self._scores: list[float] = []
        self._epochs: list[int] = []
        self._fitted: tuple[int, Array] | None = None  # number of trials in the fit, and the hyperparameters
        self._regression: tuple[int, Regression] | None = None
        self._after = TpeSampler(space, seed)

    def ask(self, number: int, given: Params | None = None) -> Params:
        """The given values, or a proposal that depends only on seed, number and history."""
        finished = len(self._scores)
        handed_over = finished >= HANDOVER or number >= LAST
        rng = random.Random(f"{self._seed}:{number}")
        if given is not None:
            values = dict(given)
        elif handed_over:
            values = dict(self._after.ask(number))
        elif finished < STARTUP_TRIALS or number % RANDOM_EVERY == RANDOM_EVERY - 1 or not self._space.parameters:
            values = self._space.draw(rng, spread=WIDE, share=1.0)
        else:
            values = dict(self._propose(number))
        if given is not None or not handed_over:
            self._after.ask(number, values)
        self._open[number] = _Open(values, self._cube.point(values))
        return values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Note how far the trial was trained."""
        self._open[number].scores[epoch] = score
        self._after.report(number, epoch, score)

    def tell(self, number: int, score: float | None) -> None:
        """Add the finished trial to the history; a failed one teaches nothing."""
        done = self._open.pop(number)
        self._after.tell(number, score)
        if score is None or len(self._scores) >= HANDOVER:
            return
        self._points.append(done.point)
        self._scores.append(score)
        self._epochs.append(max(done.scores, default=0))

    def _propose(self, number: int) -> Params:
        rng = np.random.default_rng(zlib.crc32(f"{self._seed}:{number}".encode()))
        cube, regression = self._cube, self._learned()
        seen = np.array(self._points)
        expected, _ = regression.predict(cube.columns(seen))
        order = np.argsort(-expected)
        best = float(expected[order[0]])
        pending = [run.point for run in self._open.values()][-PENDING:]
        if pending:
            regression = regression.believing(cube.columns(np.array(pending)))
        points = np.vstack(
            [
                cube.uniform(300, rng),
                cube.around(np.tile(cube.home, (300, 1)), rng, 0.15, 0.5),
                _steps(cube, seen[order[:5]], 1000, rng),
            ]
        )
        value = _gain(regression, cube, points, best)
        for spread in (0.1, 0.05, 0.02, 0.01):
            leaders = points[np.argsort(-value)[:10]]
            nearby = cube.around(np.repeat(leaders, 20, axis=0), rng, spread, 0.5)
            points = np.vstack([leaders, nearby])
            value = _gain(regression, cube, points, best)
        return cube.values(points[int(np.argmax(value))])

    def _learned(self) -> Regression:
        """The regression on all finished trials. Its hyperparameters are fitted again as the history grows."""
        finished = len(self._scores)
        if self._regression is None or self._regression[0] != finished:
            size = _fitted_to(finished)
            if self._fitted is None or self._fitted[0] != size:
                self._fitted = (size, fit(self._observations(size)))
            self._regression = (finished, Regression(self._observations(finished), self._fitted[1]))
        return self._regression[1]

    def _observations(self, count: int) -> Observations:
        epochs = np.array(self._epochs[:count], dtype=float)
        return Observations(
            inputs=self._cube.columns(np.array(self._points[:count])),
            groups=self._cube.groups,
            values=standardised(np.array(self._scores[:count])),
            missing=1 - epochs / max(1.0, float(epochs.max())),
        )


def standardised(scores: Array) -> Array:
    """Scores [n] with median 0 and spread 1 of the upper half; scores far below are pulled in.

    A diverged training is as bad as a bad one: its exact score must not flatten the differences above.
    """
    middle = float(np.median(scores))
    spread = float(np.sqrt(np.mean(np.maximum(scores - middle, 0.0) ** 2) * 2)) or 1.0
    z = (scores - middle) / spread
    return np.where(z < -1, -1 - np.log(np.maximum(-z, 1.0)), z)


def _fitted_to(finished: int) -> int:
    """Number of first trials to which hyperparameters are fitted: all of few, then in steps of a tenth."""
    size = STARTUP_TRIALS
    while size + max(1, size // 10) <= finished:
        size += max(1, size // 10)
    return size


def _steps(cube: Cube, centres: Array, count: int, rng: np.random.Generator) -> Array:
    """Points [count, p] by small and large steps, in few and many dimensions, from `centres`."""
    origins = centres[rng.integers(0, len(centres), count)]
    spread = rng.choice([0.02, 0.05, 0.1, 0.2], size=(count, 1))
    share = rng.choice([1.5 / max(1, centres.shape[1]), 0.5, 1.0], size=(count, 1))
    return cube.around(origins, rng, spread, share)


def _gain(regression: Regression, cube: Cube, points: Array, best: float) -> Array:
    mean, deviation = regression.predict(cube.columns(points))
    return log_expected_improvement(mean, deviation, best)
