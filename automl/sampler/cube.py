"""A search space as the unit cube: each numeric dimension in its own scale, each choice by its index."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from automl.records import Params, ParamValue
from automl.space import Parameter, SearchSpace

Array = NDArray[np.float64]


class Cube:
    """Translation between values of a space, points of the cube [p] and columns of a kernel [c].

    A dimension that is inactive, or that a configuration does not name, is at its default.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.parameters = space.parameters
        self.is_choice = np.array([p.kind == "choice" for p in self.parameters], dtype=bool)
        self.sizes = np.array([len(p.choices) if p.kind == "choice" else 0 for p in self.parameters])
        self.home = np.array([self._inward(p, p.default) for p in self.parameters], dtype=float)
        widths = [max(1, int(size)) for size in self.sizes]
        self.groups = np.repeat(np.arange(len(widths)), widths)
        self._parents = [self._conditions(p) for p in self.parameters]

    def point(self, values: Params) -> Array:
        """The point [p] of a configuration."""
        point = self.home.copy()
        for index, parameter in enumerate(self.parameters):
            if parameter.name in values and parameter.holds(values[parameter.name]):
                point[index] = self._inward(parameter, values[parameter.name])
        return point

    def values(self, point: Array) -> dict[str, ParamValue]:
        """The configuration at a point [p]: active dimensions only, rounded as trainers get them."""
        values: dict[str, ParamValue] = {}
        for parameter, place in zip(self.parameters, point, strict=True):
            if parameter.active(values):
                values[parameter.name] = parameter.rounded(_outward(parameter, float(place)))
        return values

    def settle(self, points: Array) -> Array:
        """The points [n, p] within the cube: mirrored at its faces, inactive dimensions at their defaults."""
        inside = np.where(self.is_choice, points, 1 - np.abs(1 - np.abs(points) % 2))
        for index, conditions in enumerate(self._parents):
            for parent, allowed in conditions:
                unmet = ~np.isin(inside[:, parent], allowed)
                inside[unmet, index] = self.home[index]
        return np.asarray(inside)

    def columns(self, points: Array) -> Array:
        """Columns [n, c] of points [n, p] for a kernel: two different choices lie one apart."""
        parts = [
            (points[:, [index]] == np.arange(size)) / math.sqrt(2) if size else points[:, [index]]
            for index, size in enumerate(self.sizes)
        ]
        return np.hstack(parts).astype(float)

    def uniform(self, count: int, rng: np.random.Generator) -> Array:
        """Points [count, p], uniform over the cube."""
        anywhere = rng.random((count, len(self.parameters)))
        return self.settle(np.where(self.is_choice, np.floor(anywhere * np.maximum(self.sizes, 1)), anywhere))

    def around(self, centres: Array, rng: np.random.Generator, spread: Array | float, share: Array | float) -> Array:
        """Points near `centres` [n, p]. Each dimension moves with probability `share`; at least one does.

        spread  standard deviation of a step as a share of the range, [n, 1] or one for all; a choice that moves
                is drawn again
        """
        moved = rng.random(centres.shape) < share
        moved[np.arange(len(centres)), rng.integers(0, centres.shape[1], len(centres))] = True
        stepped = centres + rng.normal(size=centres.shape) * spread
        drawn = np.floor(rng.random(centres.shape) * np.maximum(self.sizes, 1))
        return self.settle(np.where(moved, np.where(self.is_choice, drawn, stepped), centres))

    def _inward(self, parameter: Parameter, value: ParamValue) -> float:
        if parameter.kind == "choice":
            return float(parameter.choices.index(value)) if value in parameter.choices else 0.0
        if not isinstance(value, int | float) or parameter.high <= parameter.low:
            return 0.5
        low, high, here = parameter.low, parameter.high, float(value)
        if parameter.kind == "log":
            low, high, here = math.log(low), math.log(high), math.log(max(here, low))
        return min(1.0, max(0.0, (here - low) / (high - low)))

    def _conditions(self, parameter: Parameter) -> list[tuple[int, list[float]]]:
        """Index and allowed places of each choice on which the parameter depends."""
        names = {p.name: index for index, p in enumerate(self.parameters)}
        conditions = []
        for name, allowed in parameter.when:
            parent = self.parameters[names[name]] if name in names else None
            if parent is not None and parent.kind == "choice":
                places = [float(parent.choices.index(value)) for value in allowed if value in parent.choices]
                conditions.append((names[name], places))
        return conditions


def _outward(parameter: Parameter, place: float) -> ParamValue:
    if parameter.kind == "choice":
        return parameter.choices[int(place)]
    if parameter.kind == "log":
        low, high = math.log(parameter.low), math.log(parameter.high)
        return min(parameter.high, max(parameter.low, math.exp(low + place * (high - low))))
    value = parameter.low + place * (parameter.high - parameter.low)
    return round(value) if parameter.kind == "int" else value
