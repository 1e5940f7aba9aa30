"""Builds the training of the defaults, reads back what it is made of and times a few steps of it."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import torch

from automl.errors import AutoMLError
from automl.records import Params, ParamValue, Prepared, TrainJob
from automl.trainers import schema
from automl.trainers.applied import applied, check_applied
from automl.trainers.environment import versions
from automl.trainers.training import Setup, Training, release

_SECONDS = 3.0  # of training steps, unless the fewest take longer
_FEWEST, _MOST = 3, 40  # steps timed; the first one warms up and does not count
_VAL_BATCHES = 3
_REFUSALS = (TypeError, ValueError, SyntaxError, NotImplementedError, AssertionError)


class _EnoughError(Exception):
    """The steps have been timed."""


class _Probe(Training):
    """A training that validates nothing and ends when its steps have been timed."""

    def __init__(self, setup: Setup, params: Params) -> None:
        self.found: dict[str, ParamValue] = {}  # arguments as applied
        self._params = params
        self.first: float | None = None  # when the first step began
        self.steps: list[float] = []  # seconds
        self._clock = 0.0
        super().__init__(setup, {})

    def _on_train_start(self) -> None:
        check_applied(self, self._params)
        self.found = applied(self, str(self._params["model"]))

    def _on_train_epoch_start(self) -> None:
        super()._on_train_epoch_start()
        self._clock = time.perf_counter()

    def _on_train_batch_start(self) -> None:
        super()._on_train_batch_start()
        if self.first is None:
            self.first = time.perf_counter()

    def _on_train_batch_end(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.steps.append(now - self._clock)
        self._clock = now
        timed = len(self.steps) - 1
        if timed >= _MOST or (timed >= _FEWEST and sum(self.steps[1:]) > _SECONDS):
            raise _EnoughError

    def validate(self) -> tuple[dict[str, float], float]:
        """Nothing yet."""
        return {}, 0.0

    @property
    def step_s(self) -> float:
        """Mean seconds of a step, without the first where there are more."""
        counted = self.steps[1:] or self.steps
        return sum(counted) / len(counted)

    def validation_s(self) -> float:
        """Seconds of a whole validation, from its first batches."""
        whole = self.test_loader
        part = _Part(whole, _VAL_BATCHES)
        self.validator.dataloader = part
        began = time.perf_counter()
        super().validate()
        return (time.perf_counter() - began) * len(whole) / len(part)


class _Part:
    """The first batches of a loader."""

    def __init__(self, loader: Any, batches: int) -> None:
        self._loader = loader
        self._batches = min(batches, len(loader))
        self.dataset = loader.dataset

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self._loader), self._batches)


def probe(setup: Setup, params: Params, job: TrainJob, began: float) -> Prepared:
    """What `Trainer.prepare` answers. `began` is when it was called, after all imports."""
    with tempfile.TemporaryDirectory(prefix="automl-probe-") as folder:
        setup = replace(setup, overrides={**setup.overrides, "save_dir": folder})
        training = None
        try:
            training = _Probe(setup, params)
            _time_steps(training)
            return _answer(training, job, began)
        except _REFUSALS as error:
            raise AutoMLError(f"Ultralytics refuses the arguments: {error}") from None
        except RuntimeError as error:
            hint = "Lower batch or imgsz." if "out of memory" in str(error).lower() else "Check the fixed arguments."
            raise AutoMLError(f"The baseline cannot be trained: {error}. {hint}") from error
        finally:
            if training is not None:
                release(training)


def _time_steps(training: _Probe) -> None:
    with suppress(_EnoughError):
        training.train()


def _answer(training: _Probe, job: TrainJob, began: float) -> Prepared:
    step_s, val_s = training.step_s, training.validation_s()
    return Prepared(
        defaults={key: training.found[key] for key in schema.tunable_keys()},
        fitted=training.fitted[0] if training.fitted else None,
        tensors=len(training.model.state_dict()),
        parameters=sum(each.numel() for each in training.model.parameters()),
        train_images=len(training.train_loader.dataset),
        val_images=len(training.test_loader.dataset),
        train_s=step_s * len(training.train_loader),
        val_s=val_s,
        startup_s=(training.first or began) - began,
        memory_bytes=_memory_bytes(job.device),
        versions=versions(),
    )


def _memory_bytes(device: str) -> int:
    """High-water mark of the GPU, or of this process where there is none."""
    if device != "cpu":
        return int(torch.cuda.max_memory_reserved())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
