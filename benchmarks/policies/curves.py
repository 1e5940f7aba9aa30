"""Synthetic family `curves`: noisy power laws that cross, dead dimensions, strong defaults, epochs of unequal cost."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.records import Params
from automl.space import Parameter, SearchSpace
from benchmarks.policies.tasks import Curve, FloatArray, noisy

HORIZON = 40
PLAIN = tuple(f"x{index}" for index in range(9))
SPACE = SearchSpace(
    (
        Parameter("lr0", "log", 0.01, 1e-4, 0.1),
        Parameter("width", "log", 2.0, 1.0, 10.0),
        *(Parameter(name, "uniform", 0.5, 0.0, 1.0) for name in PLAIN),
    )
)


@dataclass(frozen=True)
class CurvesTask:
    """One problem of the family, drawn by its number.

    Eleven numeric dimensions. The final score falls quadratically with the distance from an optimum near the defaults.
    Five of nine plain dimensions count, each less than the one before, two of them together; four are dead. A high
    learning rate learns faster to a lower final score, so that curves cross. A wide network ends higher, learns more
    slowly and costs up to ten times as much. Noise is normal, 0.006 a training and 0.006 an epoch.
    """

    number: int

    family = "curves"
    space = SPACE
    horizon = HORIZON
    warmup = 0.0

    @property
    def name(self) -> str:
        """Family and number."""
        return f"{self.family}-{self.number}"

    @cached_property
    def _drawn(self) -> dict[str, float]:
        rng = random.Random(self.name)
        order = rng.sample(PLAIN, len(PLAIN))
        drawn = {f"weight {name}": 0.9 * 0.6**rank if rank < 5 else 0.0 for rank, name in enumerate(order)}
        drawn |= {f"best {name}": min(0.95, max(0.05, rng.gauss(0.5, 0.2))) for name in PLAIN}
        drawn |= {"log_lr": rng.gauss(-2.0, 0.4), "top": rng.uniform(0.55, 0.8), "halflife": rng.uniform(1.5, 4.0)}
        drawn |= {"gain": rng.uniform(0.02, 0.1), "together": rng.uniform(-0.6, 0.6), "cross": rng.uniform(0.2, 0.6)}
        drawn |= {"first": PLAIN.index(order[0]), "second": PLAIN.index(order[1])}
        return drawn

    def curve(self, params: Params) -> Curve:
        """A power law from zero to the final score."""
        d = self._drawn
        x = {p.name: float(params.get(p.name) or p.default or 0.0) for p in SPACE.parameters}
        off = {name: x[name] - d[f"best {name}"] for name in PLAIN}
        miss = sum(d[f"weight {name}"] * off[name] ** 2 for name in PLAIN)
        miss += d["together"] * off[PLAIN[int(d["first"])]] * off[PLAIN[int(d["second"])]]
        faster = math.log10(x["lr0"]) - d["log_lr"]
        wide = math.log10(x["width"])
        end = d["top"] * math.exp(-miss - 0.12 * faster**2) + d["gain"] * (1 - math.exp(-2 * wide))
        halflife = d["halflife"] * 10 ** (-d["cross"] * faster) * (1 + wide)
        epochs = np.arange(1, HORIZON + 1, dtype=np.float64)
        scores = np.clip(end * (1 - 1 / (1 + epochs / halflife)), 0.0, 1.0)
        return Curve(scores=scores, seconds=np.full(HORIZON, 10.0 * x["width"]))

    def observe(self, params: Params, seed: str) -> FloatArray:
        """Scores with noise of the training and of each epoch."""
        return noisy(self.curve(params).scores, seed, run=0.006, epoch=0.006)
