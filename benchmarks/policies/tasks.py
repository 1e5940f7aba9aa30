"""What a search policy is tried on: a space, noise-free learning curves with their cost, and noise.

Regret of a delivered checkpoint is (best - value) / (best - median): 0 is the best that a local search
finds without noise, 1 the best epoch of a median random configuration.
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

DRAWS = 400  # random configurations behind the median and the typical cost
STARTS = 6  # of which so many of the best are climbed from, and the defaults
STEPS = ((0.25, 50), (0.1, 60), (0.04, 60), (0.015, 60))  # spread of a step as a share of the range, and tries


@dataclass(frozen=True)
class Curve:
    """What a training would show without noise."""

    scores: FloatArray  # (horizon,) in [0, 1]
    seconds: FloatArray  # (horizon,) slot-seconds of each epoch by itself

    @property
    def best(self) -> float:
        """The score of the best epoch."""
        return float(self.scores.max())


class Task(Protocol):
    """One problem to search on."""

    @property
    def name(self) -> str:
        """Names the task among all families."""
        ...

    @property
    def family(self) -> str:
        """Tasks of one family are averaged."""
        ...

    @property
    def space(self) -> SearchSpace:
        """The dimensions, with the defaults that a person would start from."""
        ...

    @property
    def horizon(self) -> int:
        """Epochs of every training's schedule."""
        ...

    @property
    def warmup(self) -> float:
        """Epochs of warm-up, before which our halving does not judge."""
        ...

    def curve(self, params: Params) -> Curve:
        """The noise-free curve of trainer arguments, as `SearchSpace.arguments` gives them."""
        ...

    def observe(self, params: Params, seed: str) -> FloatArray:
        """(horizon,) scores as a training with that seed would report them."""
        ...


@dataclass(frozen=True)
class Scale:
    """What turns a task's scores into regret and trainings into seconds."""

    best: float  # noise-free
    median: float  # noise-free, of random configurations' best epochs
    training_s: float  # median slot-seconds of a full training of a random configuration

    def regret(self, value: float) -> float:
        """0 for the best known, 1 for a median random configuration."""
        return (self.best - value) / (self.best - self.median)


def defaults(space: SearchSpace) -> dict[str, ParamValue]:
    """Trainer arguments of the defaults, inactive dimensions left out."""
    values: dict[str, ParamValue] = {}
    for parameter in space.parameters:
        if parameter.active(values):
            values[parameter.name] = parameter.default
    return space.arguments(values)


def flat(space: SearchSpace, rng: random.Random) -> dict[str, ParamValue]:
    """Values drawn flat over the space, each dimension in its own scale; inactive ones left out."""
    values: dict[str, ParamValue] = {}
    for parameter in space.parameters:
        if parameter.active(values):
            values[parameter.name] = at_share(parameter, rng.random())
    return values


def at_share(parameter: Parameter, share: float) -> ParamValue:
    """The value at a share in [0, 1] of the dimension, in its own scale."""
    if parameter.kind == "choice":
        return parameter.choices[min(int(share * len(parameter.choices)), len(parameter.choices) - 1)]
    if parameter.kind == "log":
        natural = parameter.low * (parameter.high / parameter.low) ** share
    else:
        natural = parameter.low + share * (parameter.high - parameter.low)
    return round(natural) if parameter.kind == "int" else parameter.rounded(natural)


def share_of(parameter: Parameter, value: ParamValue) -> float:
    """Where the value stands in its dimension, in [0, 1]; the inverse of `at_share`."""
    if parameter.kind == "choice":
        return (parameter.choices.index(value) + 0.5) / len(parameter.choices)
    number = float(value)  # type: ignore[arg-type]
    if parameter.kind == "log":
        return float(np.log(number / parameter.low) / np.log(parameter.high / parameter.low))
    return (number - parameter.low) / (parameter.high - parameter.low)


def noisy(scores: FloatArray, seed: str, *, run: float, epoch: float) -> FloatArray:
    """Scores with one normal shift for the whole training and one for each epoch, within [0, 1]."""
    rng = random.Random(seed)
    shift = rng.gauss(0.0, run)
    steps = np.array([rng.gauss(0.0, epoch) for _ in scores])
    return np.asarray(np.clip(scores + shift + steps, 0.0, 1.0))


def measure(task: Task) -> Scale:
    """The task's scale. The best comes from random draws and hill climbing, without noise; seeded."""
    rng = random.Random(f"scale {task.name}")
    space = task.space
    draws = [flat(space, rng) for _ in range(DRAWS)]
    drawn = [(values, task.curve(space.arguments(values))) for values in draws]
    ranked = sorted(((curve.best, index) for index, (_, curve) in enumerate(drawn)), reverse=True)
    starts = [drawn[index][0] for _, index in ranked[:STARTS]] + [space.values(defaults(space))]
    best = max([ranked[0][0], *(_climb(task, dict(start), rng) for start in starts)])
    return Scale(
        best=best,
        median=statistics.median(curve.best for _, curve in drawn),
        training_s=statistics.median(float(curve.seconds.sum()) for _, curve in drawn),
    )


def _climb(task: Task, values: dict[str, ParamValue], rng: random.Random) -> float:
    best = task.curve(task.space.arguments(values)).best
    for spread, tries in STEPS:
        for _ in range(tries):
            tried = task.space.draw(rng, around=values, spread=spread, share=rng.choice((0.15, 0.4, 1.0)))
            value = task.curve(task.space.arguments(tried)).best
            if value > best:
                best, values = value, dict(tried)
    return best


@dataclass(frozen=True)
class Padded:
    """A task with dimensions added that change nothing, all of them flat in [0, 1] with default 0.5."""

    inner: Task
    idle: int

    @property
    def name(self) -> str:
        """The inner name with the number of added dimensions."""
        return f"{self.inner.name}+{self.idle}"

    @property
    def family(self) -> str:
        """A family of its own."""
        return f"{self.inner.family}+{self.idle}"

    @property
    def space(self) -> SearchSpace:
        """The inner space and the idle dimensions after it."""
        idle = tuple(Parameter(f"idle{index}", "uniform", 0.5, 0.0, 1.0) for index in range(self.idle))
        return replace(self.inner.space, parameters=(*self.inner.space.parameters, *idle))

    @property
    def horizon(self) -> int:
        """As within."""
        return self.inner.horizon

    @property
    def warmup(self) -> float:
        """As within."""
        return self.inner.warmup

    def curve(self, params: Params) -> Curve:
        """As within."""
        return self.inner.curve(self._without(params))

    def observe(self, params: Params, seed: str) -> FloatArray:
        """As within."""
        return self.inner.observe(self._without(params), seed)

    def _without(self, params: Params) -> dict[str, ParamValue]:
        return {key: value for key, value in params.items() if not key.startswith("idle")}
