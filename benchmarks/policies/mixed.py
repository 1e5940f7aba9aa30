"""Synthetic family `mixed`: categories, conditions, and operating points that differ tenfold in cost."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.records import Params, ParamValue
from automl.space import POINT, Parameter, SearchSpace
from benchmarks.policies.tasks import Curve, FloatArray, noisy

HORIZON = 36
MODELS = {"n": 1.0, "s": 2.1, "m": 4.2}  # slot-seconds of an epoch, as a multiple of the cheapest
SIZES = {320: 1.0, 512: 2.4}
POINTS = tuple(f"{model}@{imgsz}" for model in MODELS for imgsz in SIZES)
OPTIMIZERS = ("SGD", "AdamW", "Lion")
PLAIN = ("x0", "x1", "x2", "x3", "x4")
_SGD: tuple[tuple[str, tuple[ParamValue, ...]], ...] = (("optimizer", ("SGD",)),)
_OTHER: tuple[tuple[str, tuple[ParamValue, ...]], ...] = (("optimizer", ("AdamW", "Lion")),)
SPACE = SearchSpace(
    (
        Parameter(POINT, "choice", POINTS[0], choices=POINTS),
        Parameter("optimizer", "choice", "SGD", choices=OPTIMIZERS),
        Parameter("lr0", "log", 0.01, 0.001, 0.1, when=_SGD),
        Parameter("lr0@AdamW", "log", 0.001, 0.00003, 0.01, when=_OTHER),
        Parameter("momentum", "uniform", 0.9, 0.6, 0.99, when=_SGD),
        Parameter("cos_lr", "choice", False, choices=(False, True)),
        Parameter("mosaic", "choice", 1.0, choices=(1.0, 0.5, 0.0)),
        Parameter("mixup", "uniform", 0.1, 0.0, 1.0, when=(("mosaic", (1.0, 0.5)),)),
        Parameter("layers", "int", 3, 1, 6),
        *(Parameter(name, "uniform", 0.5, 0.0, 1.0) for name in PLAIN),
    )
)


@dataclass(frozen=True)
class MixedTask:
    """One problem of the family, drawn by its number.

    Six operating points cost 1 to 10 times as much an epoch. The costly ones learn more slowly and end higher, by .16
    on some tasks and by .02 on others. The learning rate has an optimum for each optimizer, and the optimizers' best
    scores differ by up to .06. Two of five plain dimensions are dead. The optimum of one dimension depends on the
    model, and the best mosaic on the image size. Noise is normal, .006 a training and .006 an epoch.
    """

    number: int

    family = "mixed"
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
        drawn = {f"weight {name}": (0.5, 0.3, 0.15, 0.0, 0.0)[rank] for rank, name in enumerate(order)}
        drawn |= {f"best {name}": min(0.95, max(0.05, rng.gauss(0.5, 0.18))) for name in PLAIN}
        drawn["shifting"] = float(PLAIN.index(order[0]))
        drawn |= {f"off {name}": -abs(rng.gauss(0.0, 0.03)) for name in OPTIMIZERS}
        drawn |= {f"log_lr {name}": rng.gauss(0.0, 0.3) for name in OPTIMIZERS}
        drawn |= {f"mosaic {value} {size}": -abs(rng.gauss(0.0, 0.015)) for value in (1.0, 0.5, 0.0) for size in SIZES}
        drawn |= {"model": rng.uniform(0.01, 0.09), "size": rng.uniform(0.005, 0.07), "top": rng.uniform(0.45, 0.65)}
        drawn |= {"half": rng.uniform(1.5, 4.0), "layers": float(rng.choice((2, 3, 4, 5))), "cos": rng.gauss(0, 0.01)}
        drawn |= {"momentum": rng.uniform(0.85, 0.96), "mixup": rng.uniform(0.0, 0.3)}
        return drawn

    def curve(self, params: Params) -> Curve:
        """A power law from zero to the final score; the operating point gives the cost of an epoch."""
        d = self._drawn
        # A search whose budget pays for one operating point does not name it.
        model, imgsz = str(params.get("model") or "n"), int(params.get("imgsz") or min(SIZES))
        optimizer = str(params["optimizer"])
        large, wide = math.log(MODELS[model]) / math.log(MODELS["m"]), float(imgsz == max(SIZES))
        decades = self._decades(params, optimizer)
        end = d["top"] + d["model"] * large + d["size"] * wide + d[f"off {optimizer}"]
        end += d[f"mosaic {params['mosaic']} {imgsz}"] + (d["cos"] if params["cos_lr"] else 0.0)
        if "momentum" in params:
            end -= 0.8 * (float(params["momentum"] or 0.0) - d["momentum"]) ** 2
        if "mixup" in params:
            end -= 0.05 * (float(params["mixup"] or 0.0) - d["mixup"]) ** 2
        end -= 0.008 * (float(params["layers"] or 0) - d["layers"]) ** 2
        end *= math.exp(-self._miss(params, large) - 0.15 * decades**2)
        half = d["half"] * 10 ** (-0.35 * decades) * (1 + 0.6 * large + 0.3 * wide)
        epochs = np.arange(1, HORIZON + 1, dtype=np.float64)
        seconds = np.full(HORIZON, 12.0 * MODELS[model] * SIZES[imgsz])
        return Curve(scores=np.clip(end * (1 - 1 / (1 + epochs / half)), 0.0, 1.0), seconds=seconds)

    def _decades(self, params: Params, optimizer: str) -> float:
        """Decades of the learning rate above its optimum."""
        usual = {"SGD": 0.01, "AdamW": 0.001, "Lion": 0.0003}[optimizer]
        return math.log10(float(params["lr0"] or usual) / usual) - self._drawn[f"log_lr {optimizer}"]

    def _miss(self, params: Params, large: float) -> float:
        d = self._drawn
        miss = 0.0
        for index, name in enumerate(PLAIN):
            best = d[f"best {name}"] + (0.15 * (large - 0.5) if index == d["shifting"] else 0.0)
            miss += d[f"weight {name}"] * (float(params[name] or 0.0) - best) ** 2
        return miss

    def observe(self, params: Params, seed: str) -> FloatArray:
        """Scores with noise of the training and of each epoch."""
        return noisy(self.curve(params).scores, seed, run=0.006, epoch=0.006)
