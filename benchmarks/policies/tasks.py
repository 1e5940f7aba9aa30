"""Tasks for search policies: a space, noise-free learning curves with their cost, and noise.

Regret of a delivered checkpoint is (best - value) / (best - median). 0 is the best value of a local search without
noise, 1 the best epoch of a median random configuration.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from automl.records import Params, ParamValue
from automl.space import Parameter, SearchSpace

FloatArray = NDArray[np.float64]

DRAWS = 400  # random configurations for the median and the typical cost
STARTS = 6  # best of them from which the local search starts, beside the defaults
STEPS = ((0.25, 50), (0.1, 60), (0.04, 60), (0.015, 60))  # spread of a step as a share of the range, and tries


@dataclass(frozen=True)
class Curve:
    """Learning curve of a training without noise."""

    scores: FloatArray  # (horizon,) in [0, 1]
    seconds: FloatArray  # (horizon,) slot-seconds of each epoch alone

    @property
    def best(self) -> float:
        """Score of the best epoch."""
        return float(self.scores.max())


class Task(Protocol):
    """One problem for a search."""

    @property
    def name(self) -> str:
        """Name among the tasks of all families."""
        ...

    @property
    def family(self) -> str:
        """Family, over whose tasks regrets are averaged."""
        ...

    @property
    def space(self) -> SearchSpace:
        """Dimensions, with the defaults of a person."""
        ...

    @property
    def horizon(self) -> int:
        """Epochs of a full training."""
        ...

    @property
    def warmup(self) -> float:
        """Epochs of warm-up; our halving has no rung among them."""
        ...

    def curve(self, params: Params) -> Curve:
        """The noise-free curve of trainer arguments from `SearchSpace.arguments`."""
        ...

    def observe(self, params: Params, seed: str) -> FloatArray:
        """(horizon,) scores that a training with the seed reports."""
        ...


@dataclass(frozen=True)
class Scale:
    """Scale of a task: for scores in regret, and for trainings in seconds."""

    best: float  # noise-free
    median: float  # noise-free, of random configurations' best epochs
    training_s: float  # median slot-seconds of a full training of a random configuration

    def regret(self, value: float) -> float:
        """Regret of a score: 0 for the best known, 1 for a median random configuration."""
        return (self.best - value) / (self.best - self.median)


def defaults(space: SearchSpace) -> dict[str, ParamValue]:
    """Trainer arguments of the defaults, without inactive dimensions."""
    values: dict[str, ParamValue] = {}
    for parameter in space.parameters:
        if parameter.active(values):
            values[parameter.name] = parameter.default
    return space.arguments(values)


def flat(space: SearchSpace, rng: random.Random) -> dict[str, ParamValue]:
    """Values drawn flat over the space, each dimension on its own scale; without inactive ones."""
    values: dict[str, ParamValue] = {}
    for parameter in space.parameters:
        if parameter.active(values):
            values[parameter.name] = at_share(parameter, rng.random())
    return values


def at_share(parameter: Parameter, share: float) -> ParamValue:
    """The value at a share in [0, 1] of the dimension, on its own scale."""
    if parameter.kind == "choice":
        return parameter.choices[min(int(share * len(parameter.choices)), len(parameter.choices) - 1)]
    if parameter.kind == "log":
        natural = parameter.low * (parameter.high / parameter.low) ** share
    else:
        natural = parameter.low + share * (parameter.high - parameter.low)
    return round(natural) if parameter.kind == "int" else parameter.rounded(natural)


def share_of(parameter: Parameter, value: ParamValue) -> float:
    """Position of the value in its dimension, in [0, 1]; the inverse of `at_share`."""
    if parameter.kind == "choice":
        return (parameter.choices.index(value) + 0.5) / len(parameter.choices)
    number = float(value)  # type: ignore[arg-type]
    if parameter.kind == "log":
        return float(np.log(number / parameter.low) / np.log(parameter.high / parameter.low))
    return (number - parameter.low) / (parameter.high - parameter.low)


def noisy(scores: FloatArray, seed: str, *, run: float, epoch: float) -> FloatArray:
    """Scores with a normal shift of the whole training and one of each epoch, clipped to [0, 1]."""
    rng = random.Random(seed)
    shift = rng.gauss(0.0, run)
    steps = np.array([rng.gauss(0.0, epoch) for _ in scores])
    return np.asarray(np.clip(scores + shift + steps, 0.0, 1.0))


def measure(task: Task) -> Scale:
    """Scale of a task. Its best value comes from seeded random draws and hill climbing without noise."""
    rng = random.Random(f"scale {task.name}")
    space = task.space
    draws = [flat(space, rng) for _ in range(DRAWS)]
    trainings = [(values, task.curve(space.arguments(values))) for values in draws]
    ranked = sorted(((curve.best, index) for index, (_, curve) in enumerate(trainings)), reverse=True)
    starts = [trainings[index][0] for _, index in ranked[:STARTS]] + [space.values(defaults(space))]
    best = max([ranked[0][0], *(_climb(task, dict(start), rng) for start in starts)])
    return Scale(
        best=best,
        median=statistics.median(curve.best for _, curve in trainings),
        training_s=statistics.median(float(curve.seconds.sum()) for _, curve in trainings),
    )


def _climb(task: Task, values: dict[str, ParamValue], rng: random.Random) -> float:
    best = task.curve(task.space.arguments(values)).best
    for spread, tries in STEPS:
        for _ in range(tries):
            step = task.space.draw(rng, around=values, spread=spread, share=rng.choice((0.15, 0.4, 1.0)))
            value = task.curve(task.space.arguments(step)).best
            if value > best:
                best, values = value, dict(step)
    return best


@dataclass(frozen=True)
class Padded:
    """A task with additional dimensions without effect, each flat in [0, 1] with default 0.5."""

    inner: Task
    idle: int

    @property
    def name(self) -> str:
        """Inner name and number of additional dimensions."""
        return f"{self.inner.name}+{self.idle}"

    @property
    def family(self) -> str:
        """Inner family and number of additional dimensions."""
        return f"{self.inner.family}+{self.idle}"

    @property
    def space(self) -> SearchSpace:
        """The inner space, then the additional dimensions."""
        idle = tuple(Parameter(f"idle{index}", "uniform", 0.5, 0.0, 1.0) for index in range(self.idle))
        return replace(self.inner.space, parameters=(*self.inner.space.parameters, *idle))

    @property
    def horizon(self) -> int:
        """Horizon of the inner task."""
        return self.inner.horizon

    @property
    def warmup(self) -> float:
        """Warm-up of the inner task."""
        return self.inner.warmup

    def curve(self, params: Params) -> Curve:
        """The inner curve."""
        return self.inner.curve(self._without(params))

    def observe(self, params: Params, seed: str) -> FloatArray:
        """The inner scores."""
        return self.inner.observe(self._without(params), seed)

    def _without(self, params: Params) -> dict[str, ParamValue]:
        return {key: value for key, value in params.items() if not key.startswith("idle")}
