"""Synthetic family `long`: trainings whose schedule has any length, and recipes that need not hold at another one.

The end of a training of L epochs is (top + gain(x)) (1 - exp(-(L e^speed(x) / L0)^.64)). The exponent and the range of
L0 are fitted to yolov5n on BCCD: at 128 px the defaults reached .380, .530 and .536 on test after 40, 300 and 844
epochs, at 160 px .411 and .552 on val after 12 and 42. So a fast recipe leads by much at a short length and by little
at a long one: on BCCD by .084 at 40 epochs and by .031 at 300, in the family by .05 to .11 and by .02 to .04 for a
speed of .5 and a gain of .02 (means of 300 tasks: .077 and .025). On another set a recipe led by .093 at 20 epochs and
lost by .052 at 300 (mosaic off: fast, and it over-fits). So speed costs gain, by another amount in each task.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.records import Params
from benchmarks.policies.tasks import FloatArray, share_of
from benchmarks.policies.yolo import (
    DIP,
    DIP_CHANCE,
    EPOCH_NOISE,
    LOSS,
    RUN_NOISE,
    SPACE,
    WARMUP,
    YoloTask,
)

SHAPE = 0.64  # exponent of the length
HALF_LENGTH = (12.0, 45.0)  # epochs: range of L0
FAST, STRONG, FAINT = 4, (1.0, 2.5), 0.2  # parameters that decide the pace, their weights, spread of the others'
SPEED = 0.6  # largest effect on the logarithm of the pace
GAIN, FAR = 0.05, 0.02  # most that a recipe gains by its direction, and loses by its distance from the defaults
AGREEMENT = (-0.6, 0.9)  # of the directions of speed and of gain: range over tasks
OVERFIT = (0.0, 0.2)  # gain that a speed of one costs: range over tasks


@dataclass(frozen=True)
class LongTask:
    """One problem of the family, drawn by its number, in the space of the family `yolo`."""

    number: int

    space = SPACE
    warmup = WARMUP
    epoch_s = 7.5

    @cached_property
    def _figures(self) -> dict[str, float]:
        rng = random.Random(f"long-{self.number}")
        low, high = map(math.log, HALF_LENGTH)
        return {
            "top": rng.uniform(0.45, 0.8),
            "length": math.exp(rng.uniform(low, high)),
            "overfit": rng.uniform(*OVERFIT),
        }

    @cached_property
    def _directions(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Weights, optimum, directions of speed and of gain by parameter, and the defaults' places."""
        weights, best = YoloTask(self.number).optimum
        rng = random.Random(f"long-{self.number}-speed")
        slow = np.array([rng.gauss(0.0, FAINT) for _ in SPACE.parameters])
        for index in rng.sample(range(len(slow)), FAST):
            slow[index] = rng.choice((-1.0, 1.0)) * rng.uniform(*STRONG)
        along = rng.uniform(*AGREEMENT)
        across = np.array([abs(weight) * rng.gauss(0.0, 1.0) for weight in slow])
        good = -along * slow + math.sqrt(1 - along**2) * across
        home = np.array([share_of(p, p.default) for p in SPACE.parameters])
        return weights, best, slow, good, home

    def end(self, params: Params, epochs: int) -> float:
        """Noise-free mAP50-95 at the end of a training of that length."""
        weights, best, slow, good, home = self._directions
        off = np.array([share_of(p, params.get(p.name, p.default)) for p in SPACE.parameters]) - home
        far = LOSS * float(weights @ (_distance(off - best) - _distance(best)))
        speed = -SPEED * math.tanh(float(slow @ off) * 0.8)
        gain = GAIN * math.tanh(float(good @ off)) - FAR * (1 - math.exp(-far / FAR))
        gain -= self._figures["overfit"] * max(0.0, speed) ** 2
        pace = (epochs * math.exp(speed) / self._figures["length"]) ** SHAPE
        return float(np.clip((self._figures["top"] + gain) * (1 - math.exp(-pace)), 0.0, 1.0))

    def observe(self, params: Params, epochs: int, seed: str) -> FloatArray:
        """(epochs,) scores that a training of that length reports."""
        rng = random.Random(seed)
        end, shift = self.end(params, epochs), rng.gauss(0.0, RUN_NOISE)
        observed = []
        for epoch in range(1, epochs + 1):
            share = epoch / epochs
            calm = max(0.08, 1.0 - share) ** 1.5 + 0.05  # the learning rate falls
            value = end * share**2 / (share**2 + 0.04) * 1.04 + shift + EPOCH_NOISE * calm * rng.gauss(0.0, 1.0)
            if rng.random() < DIP_CHANCE * calm:
                value *= 1.0 - rng.uniform(*DIP)
            observed.append(value)
        return np.asarray(np.clip(observed, 0.0, 1.0))


def _distance(off: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(off**2 + 0.05**2) - 0.05)
