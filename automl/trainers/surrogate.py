"""A trainer that trains nothing: learning curves for virtual time, tests and benchmarks."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import psutil

from automl.errors import DataChanged, NoSpace, TrialError
from automl.records import EpochMetrics, Params, Prepared, SplitMetrics, TrainJob, Trial
from automl.scores import evaluator
from automl.scores.resample import LEVELS, Detections, map50_95
from automl.trainers import detections

_OPTIMUM = {"x0": 0.7, "x1": 0.3, "x2": 0.55, "x3": 0.2, "x4": 0.85, "x5": 0.45, "x6": 0.6}
_WEIGHT = {"x0": 0.9, "x1": 0.6, "x2": 0.4, "x3": 0.25, "x4": 0.15, "x5": 0.05, "x6": 0.0}
_BEST_LOG_LR = -2.3  # lr0 of about 0.005

DEFAULTS: Mapping[str, float] = {**dict.fromkeys(_OPTIMUM, 0.5), "lr0": 0.01}
SPACE: Mapping[str, Mapping[str, Any]] = {
    **{key: {"type": "float", "low": 0.0, "high": 1.0} for key in _OPTIMUM},
    "lr0": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
}


class FaultKind(StrEnum):
    """Kind of a fault."""

    ERROR = "error"  # the training raises
    NAN = "nan"  # the score is NaN from that epoch on
    DISK = "disk"  # the trial's files cannot be written
    DATA = "data"  # the data have changed
    CRASH = "crash"  # the process is killed: only under a driver that trains in other processes


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault of a trial in place of an epoch."""

    trial: int
    epoch: int  # from 1
    kind: FaultKind
    attempts: int = 1  # the first attempts, in which it happens; later ones have no fault


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The learning curve of one set of parameters, without noise."""

    start: float
    asymptote: float
    halflife: float  # epochs to the middle between start and asymptote
    epoch_s: float

    def score(self, epoch: int) -> float:
        """mAP50-95 after that epoch: a power law from `start` to `asymptote`."""
        distance = 1.0 / (1.0 + epoch / self.halflife)  # to the asymptote, as a share of the whole
        return self.asymptote - (self.asymptote - self.start) * distance


def curve(params: Params, epoch_s: float = 60.0) -> Curve:
    """The learning curve of some parameters; absent keys have their defaults.

    The effect falls from x0 to x5, and x6 has none. A high lr0 learns faster to a lower asymptote, so early epochs
    mislead a little. x3 and x5 raise the cost of an epoch, up to twice.

    epoch_s  seconds of an average epoch
    """
    x = {key: float(params.get(key, DEFAULTS[key]) or 0.0) for key in DEFAULTS}
    miss = sum(_WEIGHT[key] * (x[key] - best) ** 2 for key, best in _OPTIMUM.items())
    log_lr = math.log10(max(x["lr0"], 1e-8))
    asymptote = 0.62 * math.exp(-1.6 * miss) * math.exp(-0.22 * (log_lr - _BEST_LOG_LR) ** 2)
    halflife = 4.0 * 10 ** (-0.35 * (log_lr - _BEST_LOG_LR)) * (0.6 + 0.8 * x["x1"])
    cost = epoch_s * (0.6 + 0.5 * x["x3"] + 0.3 * x["x5"])
    return Curve(start=0.0, asymptote=asymptote, halflife=max(halflife, 0.2), epoch_s=cost)


class SurrogateTrainer:
    """A trainer that yields the epochs of an invented curve; `train_s` and `val_s` are virtual seconds.

    epoch_s  virtual seconds of an average epoch
    noise    standard deviation of a score, the same draw for the same seed and parameters
    pace     real seconds of sleep for each virtual second; 0 never sleeps
    faults   failures to imitate
    """

    def __init__(
        self, *, epoch_s: float = 60.0, noise: float = 0.006, pace: float = 0.0, faults: tuple[Fault, ...] = ()
    ) -> None:
        self.epoch_s = epoch_s
        self.noise = noise
        self.pace = pace
        self.faults = faults

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> Prepared:
        """The surrogate's defaults and the cost of their epoch."""
        defaults = {**DEFAULTS, **job.fixed}
        cost = curve(defaults, self.epoch_s).epoch_s
        return Prepared(
            defaults=defaults,
            fitted=None,
            tensors=len(DEFAULTS),
            parameters=len(DEFAULTS),
            train_images=1000,
            val_images=200,
            train_s=0.85 * cost,
            val_s=0.15 * cost,
            startup_s=0.0,
            memory_bytes=1,
            versions={"surrogate": "1"},
        )

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Yield the epochs after `trial.done_epochs`, as if from a snapshot."""
        params: dict[str, Any] = {**DEFAULTS, **job.fixed, **trial.params}
        shape = curve(params, self.epoch_s)
        seed = f"{trial.seed} {sorted(params.items(), key=lambda item: item[0])}"
        noise, jitter = random.Random(seed), random.Random(f"cost {seed}")
        faults = {f.epoch: f.kind for f in self.faults if f.trial == trial.number and trial.attempt <= f.attempts}
        diverged = False
        for epoch in range(1, trial.epochs + 1):
            score = min(max(shape.score(epoch) + self.noise * noise.gauss(0.0, 1.0), 0.0), 1.0)
            cost = shape.epoch_s * (1.0 + 0.02 * (jitter.random() - 0.5))
            kind = faults.get(epoch)
            diverged = diverged or kind is FaultKind.NAN
            if epoch <= trial.done_epochs:
                continue
            if kind is not None:
                _fail(kind, trial, epoch)
            if self.pace > 0:
                time.sleep(self.pace * cost)
            yield EpochMetrics(
                epoch=epoch,
                map50_95=math.nan if diverged else score,
                map50=min(1.0, 1.5 * score),
                precision=min(1.0, 1.3 * score),
                recall=min(1.0, 1.2 * score),
                train_s=0.85 * cost,
                val_s=0.15 * cost,
                losses={"train/loss": 4.0 - 4.0 * score, "val/loss": 4.2 - 4.0 * score},
                applied=dict(params) if epoch == trial.done_epochs + 1 else None,
            )

    def evaluate(self, trial: Trial, job: TrainJob, split: str) -> SplitMetrics:
        """The best epoch's scores on "val"; on "test" the curve's score there with other noise."""
        whole = replace(trial, epochs=trial.done_epochs or trial.epochs, done_epochs=0)
        epochs = SurrogateTrainer(epoch_s=self.epoch_s, noise=self.noise).run(whole, job)
        best = max(epochs, key=lambda epoch: epoch.map50_95)
        score, images = best.map50_95, 200
        if split != "val":
            params: dict[str, Any] = {**DEFAULTS, **job.fixed, **trial.params}
            own = random.Random(f"{split} {trial.seed} {sorted(params.items(), key=lambda item: item[0])}")
            score = curve(params, self.epoch_s).score(best.epoch) + self.noise * own.gauss(0.0, 1.0)
            sample = _detections(min(max(score, 0.0), 1.0), split, own)
            detections.save(sample, detections.file_of(job.directory, split))
            score, images = map50_95(sample), len(sample.present)
        return SplitMetrics(
            images=images,
            map50_95=score,
            map50=min(1.0, 1.5 * score),
            precision=min(1.0, 1.3 * score),
            recall=min(1.0, 1.2 * score),
        )


def _detections(score: float, split: str, own: random.Random, images: int = 200) -> Detections:
    """Detections with about that mAP50-95: one object an image, on easy images with a better box.

    split  the same images, easy and hard, for every trial
    own    the trial's own noise
    """
    world = random.Random(split)
    fits = [min(max(score + world.gauss(0.0, 0.2) + own.gauss(0.0, 0.03), 0.0), 1.0) * LEVELS for _ in range(images)]
    levels = [int(fit + world.random()) for fit in fits]  # number of IoU thresholds that a box passes
    one = np.ones(images, dtype=np.int32)
    return Detections(
        images=evaluator.digest(f"{split}-{number}" for number in range(images)),
        found=one,
        correct=np.array(levels)[:, None] > np.arange(LEVELS),
        confidence=np.array([(level + own.random()) / (LEVELS + 2) for level in levels], dtype=np.float32),
        classes=np.zeros_like(one),
        present=one,
        objects=np.zeros_like(one),
    )


def _fail(kind: FaultKind, trial: Trial, epoch: int) -> None:
    if kind is FaultKind.ERROR:
        raise TrialError(f"trial {trial.number} failed in epoch {epoch}, as its fault asks for")
    if kind is FaultKind.DISK:
        raise NoSpace("the disk is full, as a fault asks for. Free some, and resume")
    if kind is FaultKind.DATA:
        raise DataChanged("the data have changed, as a fault asks for. Put them back, and resume")
    if kind is FaultKind.CRASH:
        psutil.Process().kill()
