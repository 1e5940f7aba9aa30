"""Evolution: each proposal is a child of the best trials so far, mutated a little within the ranges.

Sources: the rules that YOLOv5 publishes for `train.py --evolve` (five best parents, weighted by how far
they lie above the worst of them, mutation probability .8, sigma .2 times a uniform draw, at least one gene
moves) and those of Ultralytics' tuner (steps as shares of the range, mirrored at its ends). Our additions:
steps in the parameter's own scale, logarithmic where the effect is a ratio, so that the range replaces
YOLOv5's gains; a parent of its own for every dimension; categories that change by chance; and, for a
dimension that was inactive in one parent, the value of another parent or the default.
"""

from __future__ import annotations

import heapq
import random

from automl.records import Params, ParamValue
from automl.space import Parameter, SearchSpace

PARENTS = 5
MUTATED = 0.8  # share of the numbers that a child moves
SIGMA = 0.2  # of the range; times a uniform draw in [0, 1]
SWITCHED = 0.1  # share of the categories that a child draws anew


class EvolveSampler:
    """Evolution from the five best trials. Nothing else is kept, so the cost of an `ask` does not grow."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._open: dict[int, Params] = {}
        self._best: list[tuple[float, int, Params]] = []  # score, minus the trial's number, its values

    def ask(self, number: int, given: Params | None = None) -> Params:
        """The given values, or a child that depends only on seed, number and history."""
        rng = random.Random(f"{self._seed}:{number}")
        if given is not None:
            values = dict(given)
        elif self._best:
            values = self._child(rng)
        else:
            values = self._space.draw(rng)
        self._open[number] = values
        return values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Do nothing: only ended trials count."""

    def tell(self, number: int, score: float | None) -> None:
        """Make the trial a parent if it is among the best; a failed one never is."""
        values = self._open.pop(number)
        if score is None:
            return
        known = {p.name: values[p.name] for p in self._space.parameters if p.name in values and p.holds(values[p.name])}
        self._best = heapq.nlargest(PARENTS, [*self._best, (score, -number, known)], key=lambda item: item[:2])

    def _child(self, rng: random.Random) -> dict[str, ParamValue]:
        worst = self._best[-1][0]
        parents = [values for _, _, values in self._best]
        weights = [score - worst + 1e-6 for score, _, _ in self._best]
        first = rng.choices(parents, weights)[0]  # the child is like this one but for what others give
        moving = {p.name for p in self._space.parameters if rng.random() < (SWITCHED if _categorical(p) else MUTATED)}
        if not moving and self._space.parameters:
            moving = {rng.choice(self._space.parameters).name}
        values: dict[str, ParamValue] = {}
        for parameter in self._space.parameters:
            other = rng.choices(parents, weights)[0] if rng.random() < 0.5 else first
            if parameter.active(values):
                gene = _gene(parameter, (other, first, *parents))
                values[parameter.name] = _mutated(parameter, gene, rng) if parameter.name in moving else gene
        return values


def _categorical(parameter: Parameter) -> bool:
    return parameter.kind == "choice"


def _gene(parameter: Parameter, sources: tuple[Params, ...]) -> ParamValue:
    return next((values[parameter.name] for values in sources if parameter.name in values), parameter.default)


def _mutated(parameter: Parameter, gene: ParamValue, rng: random.Random) -> ParamValue:
    if _categorical(parameter):
        return rng.choice([choice for choice in parameter.choices if choice != gene])
    return parameter.at(parameter.unit(gene) + rng.gauss(0.0, SIGMA) * rng.random())
