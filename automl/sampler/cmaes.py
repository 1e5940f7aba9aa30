"""Separable CMA-ES, begun at the defaults: a normal distribution whose centre and widths follow the best.

Sources: Hansen, "The CMA Evolution Strategy: A Tutorial", 2016 (arXiv:1604.00772; its symbols and default
constants); Ros and Hansen, "A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity",
PPSN 2008 (a diagonal covariance, learned (n + 2)/3 times faster); Hansen, "Injecting External Solutions
Into CMA-ES", 2011 (clipped steps for points that the strategy did not draw itself).

Written here and not taken from Optuna, whose CmaEsSampler needs another package, leaves categories and
conditional parameters to random draws, and is told nothing about trials that it did not propose. Separable,
because the tens to hundreds of trials that a budget pays cannot teach a full matrix of 28 dimensions.

Trials end in any order, and some were not drawn here. So a generation is the next `_lambda` scored trials, and
each is read as a step from the present centre. Categories are drawn from probabilities that move
towards the elite's (Baluja, "Population-based incremental learning", 1994). A dimension learns from the
trials in which it was active. Expect little before two generations: 28 dimensions make 13 trials one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from automl.records import Params, ParamValue
from automl.space import Parameter, SearchSpace

# A step in all dimensions is as long as that of SearchSpace.draw, which moves half of them by .15.
SIGMA = 0.1
NARROWEST, WIDEST = 0.01, 0.3  # of the range: below lies noise, beyond are flat draws
LEARNED = 0.3  # share of a category's probabilities that one generation replaces
CHANCE = 0.1  # share of the draws that stay uniform over the choices

Vector = NDArray[np.float64]


class CmaesSampler:
    """A centre and a width for each numeric dimension, probabilities for each choice; no history is kept."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._numeric = tuple(p for p in space.parameters if p.kind != "choice")
        self._chances = {p.name: _near_default(p) for p in space.parameters if p.kind == "choice"}
        self._open: dict[int, Params] = {}
        self._scored: list[tuple[float, int, Params]] = []  # the generation so far
        n = len(self._numeric)
        self._lambda = 4 + math.floor(3 * math.log(max(n, 1)))
        self._mean: Vector = np.array([p.unit(p.default) for p in self._numeric])
        self._sigma = SIGMA
        self._c: Vector = np.ones(n)  # the diagonal of C
        self._p_sigma: Vector = np.zeros(n)
        self._p_c: Vector = np.zeros(n)
        self._generation = 0

    def ask(self, number: int, given: Params | None = None) -> Params:
        """The given values, or a draw that depends only on seed, number and history."""
        values = dict(given) if given is not None else self._draw(random.Random(f"{self._seed}:{number}"))
        self._open[number] = values
        return values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Do nothing: only ended trials count."""

    def tell(self, number: int, score: float | None) -> None:
        """Add the trial to its generation; the last one of it moves the distribution."""
        values = self._open.pop(number)
        if score is None:
            return
        known = {p.name: values[p.name] for p in self._space.parameters if p.name in values and p.holds(values[p.name])}
        self._scored.append((score, number, known))
        if len(self._scored) == self._lambda:
            ranked = sorted(self._scored, key=lambda item: (-item[0], item[1]))
            self._learn([values for _, _, values in ranked[: self._lambda // 2]])
            self._scored = []

    def _draw(self, rng: random.Random) -> dict[str, ParamValue]:
        steps = {p.name: rng.gauss(0.0, width) for p, width in zip(self._numeric, self._widths(), strict=True)}
        centre = {p.name: float(place) for p, place in zip(self._numeric, self._mean, strict=True)}
        values: dict[str, ParamValue] = {}
        for parameter in self._space.parameters:
            name = parameter.name
            if not parameter.active(values):
                continue
            if name in steps:
                values[name] = parameter.at(centre[name] + steps[name])
            else:
                values[name] = rng.choices(parameter.choices, self._chances[name])[0]
        return values

    def _widths(self) -> list[float]:
        """Standard deviations; a whole number keeps enough to reach its neighbours."""
        widths = self._sigma * np.sqrt(self._c)
        least = [0.3 / (p.high - p.low) if p.kind == "int" else 0.0 for p in self._numeric]
        return [max(float(width), low) for width, low in zip(widths, least, strict=True)]

    def _learn(self, elite: Sequence[Params]) -> None:
        """One generation's update from its better half, best first."""
        self._generation += 1
        raw = np.log(self._lambda / 2 + 0.5) - np.log(np.arange(1, len(elite) + 1))
        weights: Vector = raw / raw.sum()
        for parameter in self._space.parameters:
            if parameter.kind == "choice":
                self._chances[parameter.name] = self._moved(parameter, elite, weights)
        if self._numeric:
            self._move_distribution(elite, weights)

    def _move_distribution(self, elite: Sequence[Params], weights: Vector) -> None:
        n = len(self._numeric)
        mu_eff = 1.0 / float(np.sum(weights**2))
        # Hansen 2016, table 1
        c_sigma = (mu_eff + 2) / (n + mu_eff + 5)
        d_sigma = 1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma
        c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
        c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
        c_mu = min(1 - c_1, 2 * (mu_eff - 2 + 1 / mu_eff) / ((n + 2) ** 2 + mu_eff))
        faster = (n + 2) / 3  # Ros and Hansen 2008
        c_1, c_mu = min(0.5, c_1 * faster), min(0.5, c_mu * faster)
        chi_n = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))

        steps, active = self._steps(elite)
        share = weights[:, None] * active
        total = share.sum(axis=0)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        step: Vector = (share * steps).sum(axis=0)
        self._mean = np.clip(self._mean + self._sigma * step, 0.0, 1.0)
        self._p_sigma = (1 - c_sigma) * self._p_sigma + math.sqrt(c_sigma * (2 - c_sigma) * mu_eff) * step / np.sqrt(
            self._c
        )
        length = float(np.linalg.norm(self._p_sigma))
        fading = math.sqrt(1 - (1 - c_sigma) ** (2 * self._generation))
        h_sigma = length / fading < (1.4 + 2 / (n + 1)) * chi_n
        self._p_c = (1 - c_c) * self._p_c + h_sigma * math.sqrt(c_c * (2 - c_c) * mu_eff) * step
        spread = (share * steps**2).sum(axis=0)
        learned = (
            (1 - c_1 - c_mu) * self._c
            + c_1 * (self._p_c**2 + (not h_sigma) * c_c * (2 - c_c) * self._c)
            + c_mu * spread
        )
        self._c = np.where(total > 0, np.maximum(learned, 1e-4), self._c)
        growth = math.exp(min(1.0, c_sigma / d_sigma * (length / chi_n - 1)))
        self._sigma = min(WIDEST, max(NARROWEST, self._sigma * growth))

    def _steps(self, elite: Sequence[Params]) -> tuple[Vector, Vector]:
        """(k, n) steps y from the centre in units of sigma, clipped as injected ones; and (k, n) 1 where active."""
        n = len(self._numeric)
        steps, active = np.zeros((len(elite), n)), np.zeros((len(elite), n))
        for row, values in enumerate(elite):
            for column, parameter in enumerate(self._numeric):
                if parameter.name in values:
                    active[row, column] = 1.0
                    steps[row, column] = (parameter.unit(values[parameter.name]) - self._mean[column]) / self._sigma
        lengths = np.linalg.norm(steps / np.sqrt(self._c), axis=1)
        longest = math.sqrt(n) + 2 * n / (n + 2)  # Hansen 2011
        return steps * np.minimum(1.0, longest / np.maximum(lengths, 1e-12))[:, None], active

    def _moved(self, parameter: Parameter, elite: Sequence[Params], weights: Vector) -> list[float]:
        """The choices' probabilities after a generation; each keeps a part of chance."""
        old = self._chances[parameter.name]
        seen = {index: float(weights[index]) for index, values in enumerate(elite) if parameter.name in values}
        if not seen:
            return old
        count = len(parameter.choices)
        new = [(1 - LEARNED) * chance for chance in old]
        for index, weight in seen.items():
            new[parameter.choices.index(elite[index][parameter.name])] += LEARNED * weight / sum(seen.values())
        return [(1 - CHANCE) * chance + CHANCE / count for chance in new]


def _near_default(parameter: Parameter) -> list[float]:
    """The default in half of the draws, any choice in the others, as SearchSpace.draw has it."""
    uniform = 0.5 / len(parameter.choices)
    return [uniform + 0.5 * (choice == parameter.default) for choice in parameter.choices]
