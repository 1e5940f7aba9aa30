"""Snapshots: the state of a training, with which it goes on in another process without any difference."""

from __future__ import annotations

import dataclasses
import logging
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import torch
import ultralytics
from ultralytics.utils.torch_utils import unwrap_model

from automl.records import EpochMetrics, TrainJob, Trial
from automl.trainers.ultralytics.checkpoint import Best
from automl.trainers.ultralytics.training import Position, Training, randomness

NAME = "snapshot.pt"
_FORMAT = 1
_SHARE = 0.02  # of the time since the last snapshot that the next one may cost
_BYTES_PER_S = 300e6  # of writing, before it was measured

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """State of a training after an epoch."""

    history: tuple[EpochMetrics, ...]  # of all finished epochs
    best: Best | None
    content: Mapping[str, Any]

    def put_back(self, training: Training) -> Position:
        """Restore the training's state. Call it when all is built and no random number is drawn yet."""
        content = self.content
        unwrap_model(training.model).load_state_dict(content["model"])
        training.ema.ema.load_state_dict(content["ema"])
        training.ema.updates = content["updates"]
        training.optimizer.load_state_dict(content["optimizer"])
        training.scaler.load_state_dict(content["scaler"])
        training.stopper.best_fitness, training.stopper.best_epoch = content["stopper"]
        training.best_fitness = content["best_fitness"]
        for index in content["buffer"]:
            training.train_loader.dataset.load_image(index)  # enters the mosaic buffer again
        return Position(
            epochs=len(self.history),
            last_step=content["last_step"],
            gradients=content["gradients"],
            randomness=content["randomness"],
        )


def take_snapshot(
    training: Training, identity: Mapping[str, Any], history: list[EpochMetrics], best: Best | None
) -> dict[str, Any]:
    """Plain containers and tensors of the training at the end of an epoch."""
    model = unwrap_model(training.model)
    return {
        "identity": identity,
        "history": [dataclasses.asdict(metrics) for metrics in history],
        "best": dataclasses.asdict(best) if best else None,
        "model": model.state_dict(),
        "ema": training.ema.ema.state_dict(),
        "updates": training.ema.updates,
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "stopper": [training.stopper.best_fitness, training.stopper.best_epoch],
        "best_fitness": training.best_fitness,
        "last_step": training.last_step,
        "gradients": {name: p.grad for name, p in model.named_parameters() if p.grad is not None},
        "buffer": list(training.train_loader.dataset.buffer),
        "randomness": randomness(),
    }


def identity_of(trial: Trial, job: TrainJob) -> dict[str, Any]:
    """Facts that are equal for a trial and for its snapshot."""
    return {
        "format": _FORMAT,
        "ultralytics": str(ultralytics.__version__),
        "number": trial.number,
        "params": dict(trial.params),
        "epochs": trial.epochs,
        "seed": trial.seed,
        "fixed": dict(job.fixed),
        "data": PurePath(os.path.relpath(job.data, job.directory)).as_posix(),  # both may move
    }


def read_snapshot(file: Path, identity: Mapping[str, Any]) -> Snapshot | None:
    """The snapshot; None if there is none of this very trial. No code of the file runs."""
    if not file.is_file():
        return None
    try:
        check_whole(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
        stored = content["identity"]
        history = tuple(EpochMetrics(**metrics) for metrics in content["history"])
        best = Best(**content["best"]) if content["best"] else None
    except Exception as error:  # cut off, or another program's file: the trial starts over
        logger.warning("%s cannot be read, the trial starts over: %r", file, error)
        return None
    differing = sorted(key for key in {*identity, *stored} if not _same(key, stored.get(key), identity.get(key)))
    if differing:
        logger.warning("%s is of another trial (%s differ), this one starts over", file, ", ".join(differing))
        return None
    return Snapshot(history=history, best=best, content=content)


def check_whole(file: Path) -> None:
    """Raise BadZipFile for a file of `torch.save` with a part that is not as it was written: torch does not look."""
    with zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} is damaged")


def _same(key: str, stored: Any, own: Any) -> bool:
    """True if both are equal. An earlier version stored the absolute path of the data, which may have moved since."""
    if key == "data" and any(kind(str(stored)).is_absolute() for kind in (PurePosixPath, PureWindowsPath)):
        return PureWindowsPath(str(stored)).name == PurePosixPath(str(own)).name  # takes slashes too
    return bool(stored == own)


class Rhythm:
    """Schedule of snapshots, which keeps their share of the time small."""

    def __init__(self, size_bytes: float, at: float) -> None:
        self._cost_s = size_bytes / _BYTES_PER_S
        self._since = at

    def due(self, at: float) -> bool:
        """True if a snapshot now would cost a small share of the time since the last one."""
        return self._cost_s <= _SHARE * (at - self._since)

    def done(self, began: float, ended: float) -> None:
        """A snapshot was written between these clock times."""
        self._cost_s, self._since = ended - began, ended
