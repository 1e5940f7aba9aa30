"""Synthetic family `yolo`: early ranks mislead and the defaults are strong, as in recorded YOLO trainings.

Fitted to 48 trainings of yolov5n on BCCD at 160 px, 35 of 12 epochs and 13 of 42 (mAP50-95 on val). The table shows
the recorded figures beside those of the family over 12 tasks of 35 trainings: 3 of the defaults, 11 flat draws and 21
with a normal step of .13 of its range on every parameter.

| | 12 epochs | 42 epochs | family, 40 epochs |
|---|---|---|---|
| rank correlation of an epoch with the last: first half (of 40 and 42 from epoch 5 on) | .35 | .39 | .40 |
| at two thirds | .62 | .71 | .65 |
| at 10/12 | .81 | .57 | .79 |
| of the mean of the last five epochs with the last: first half | .46 | .58 | .44 |
| mean of the trainings at a tenth, a fifth, a half, the end | .01 .04 .19 .38 | .08 .24 .42 .50 | .11 .25 .43 .48 |
| epochs that fall by more than .03, by more than .1 | .07, .01 | .12, .01 | .15, .02 |
| ends near the defaults beside theirs: median, range | -.01, -.05 to +.02 | -.05, -.14 to -.03 | -.02, -.09 to .00 |
| ends of flat draws beside the defaults' | -.03, -.16 to +.01 | | -.07, -.11 to -.04 |

So flat draws are worse here than in the records, where a horizon of 12 left every training unfinished.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.records import Params
from automl.space import Parameter, SearchSpace
from benchmarks.policies.tasks import Curve, FloatArray, share_of

HORIZON = 40
WARMUP = 3.0  # epochs; the first rung is two epochs later
RUN_NOISE, EPOCH_NOISE = 0.009, 0.05  # of a training, and of an epoch at first; at the end .0075
LOSS, SATURATION = 0.55, 0.05  # loss by distance from the optimum: its slope, and its upper limit
# Effect of a decade of learning rate: on the final score, and on the logarithm of the half-way epoch.
LR_LOSS, LR_PACE = 0.06, 0.15
# Effects of two other directions: on the logarithm of the half-way epoch, and on the last part of the schedule.
SLOW, LATE = 0.45, 0.04
DIP_CHANCE, DIP = 0.07, (0.1, 0.35)  # an epoch loses this share of its score, and the next one does not
SPACE = SearchSpace(
    (
        Parameter("lr0", "log", 0.01, 0.0005, 0.1),
        Parameter("lrf", "log", 0.01, 0.001, 0.5),
        Parameter("momentum", "uniform", 0.937, 0.7, 0.98),
        Parameter("weight_decay", "log", 0.0005, 0.00005, 0.005),
        Parameter("warmup_epochs", "uniform", 3.0, 0.0, 5.0),
        Parameter("box", "log", 7.5, 2.0, 20.0),
        Parameter("cls", "log", 0.5, 0.1, 4.0),
        Parameter("dfl", "log", 1.5, 0.4, 6.0),
        Parameter("hsv_h", "uniform", 0.015, 0.0, 0.1),
        Parameter("hsv_s", "uniform", 0.7, 0.0, 0.9),
        Parameter("hsv_v", "uniform", 0.4, 0.0, 0.9),
        Parameter("degrees", "uniform", 0.0, 0.0, 45.0),
        Parameter("translate", "uniform", 0.1, 0.0, 0.9),
        Parameter("scale", "uniform", 0.5, 0.0, 0.95),
        Parameter("flipud", "uniform", 0.0, 0.0, 1.0),
        Parameter("fliplr", "uniform", 0.5, 0.0, 1.0),
        Parameter("mosaic", "uniform", 1.0, 0.0, 1.0),
        Parameter("mixup", "uniform", 0.0, 0.0, 1.0),
        Parameter("close_mosaic", "int", 10, 0, 20),
    )
)
NAMES = tuple(p.name for p in SPACE.parameters)


@dataclass(frozen=True)
class YoloTask:
    """One problem of the family, drawn by its number; nineteen of Ultralytics' numeric parameters.

    The final score falls with each parameter's distance from an optimum near its default, ever more slowly. A learning
    rate that is off by a decade costs .06 more. The pace of a training depends on another direction of the parameters:
    strong augmentation is slow, and may pay in the end. The last third of the schedule depends on a third direction.
    So early ranks say little of the final ones.
    """

    number: int

    family = "yolo"
    space = SPACE
    horizon = HORIZON
    warmup = WARMUP

    @property
    def name(self) -> str:
        """Family and number."""
        return f"{self.family}-{self.number}"

    @cached_property
    def _drawn(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, dict[str, float]]:
        """Weights, optimum and two other directions by parameter, and figures of the task."""
        rng = random.Random(self.name)
        ranks = list(range(len(NAMES)))
        rng.shuffle(ranks)
        weights = np.array([0.85**rank for rank in ranks])
        home = np.array([share_of(p, p.default) for p in SPACE.parameters])
        best = np.array([abs(rng.gauss(0.0, 0.06)) if at < 0.01 else rng.gauss(0.0, 0.06) for at in home])
        best = np.where(home > 0.99, -np.abs(best), best)
        slow = np.array([rng.gauss(0.0, 1.0) for _ in NAMES])
        late = np.array([rng.gauss(0.0, 1.0) for _ in NAMES])
        own = {"top": rng.uniform(0.48, 0.56), "half": rng.uniform(7.0, 9.0), "lr": rng.gauss(0.0, 0.15)}
        return weights / weights.sum(), best, slow, late, own

    @property
    def optimum(self) -> tuple[FloatArray, FloatArray]:
        """Weight of each parameter, and the place of its optimum beside the default, as a share of its range."""
        weights, best, *_ = self._drawn
        return weights, best

    def curve(self, params: Params) -> Curve:
        """A curve that rises to half its final score at the half-way epoch; all epochs cost the same."""
        weights, best, slow, late, own = self._drawn
        values = [share_of(p, params.get(p.name, p.default)) for p in SPACE.parameters]
        home = np.array([share_of(p, p.default) for p in SPACE.parameters])
        off = np.array(values) - home
        far = LOSS * float(weights @ (_distance(off - best) - _distance(best)))
        lost = SATURATION * (1 - math.exp(-far / SATURATION))
        decades = math.log10(float(params.get("lr0") or 0.01) / 0.01) - own["lr"]
        lost += LR_LOSS * (decades**2 - own["lr"] ** 2)
        pace = SLOW * math.tanh(float(slow @ off) * 0.8) - LR_PACE * decades
        swing = LATE * math.tanh(float(late @ off) * 0.8)
        epochs = np.arange(1, HORIZON + 1, dtype=np.float64)
        half = own["half"] * math.exp(pace)
        rise = epochs**2 / (epochs**2 + half**2) * (1 + (own["half"] ** 2 + half**2) / 2 / HORIZON**2)
        schedule = np.clip((epochs / HORIZON - 0.6) / 0.4, 0.0, 1.0)
        scores = (own["top"] - lost - swing) * rise + swing * schedule
        return Curve(scores=np.clip(scores, 0.0, 1.0), seconds=np.full(HORIZON, 7.5))

    def observe(self, params: Params, seed: str) -> FloatArray:
        """Scores with noise of the training and, falling with time, of each epoch, and with dips."""
        rng = random.Random(seed)
        scores = self.curve(params).scores
        shift = rng.gauss(0.0, RUN_NOISE)
        observed = []
        for index, score in enumerate(scores.tolist()):
            calm = 1.0 - 0.85 * (index + 1) / HORIZON  # the learning rate falls
            value = score + shift + EPOCH_NOISE * calm * rng.gauss(0.0, 1.0)
            if rng.random() < DIP_CHANCE * calm:
                value *= 1.0 - rng.uniform(*DIP)
            observed.append(value)
        return np.asarray(np.clip(observed, 0.0, 1.0))


def _distance(off: FloatArray) -> FloatArray:
    """Distance that is quadratic near zero and linear far from it."""
    return np.asarray(np.sqrt(off**2 + 0.05**2) - 0.05)
