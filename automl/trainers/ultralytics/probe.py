"""Probe of the defaults: their training is built, read back and timed for a few steps."""

from __future__ import annotations

import ctypes
import gc
import math
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import torch
from ultralytics.utils.torch_utils import get_flops, unwrap_model

from automl.errors import AutoMLError, OutOfMemory
from automl.records import Params, ParamValue, Prepared, TrainJob
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.applied import applied, check_applied
from automl.trainers.ultralytics.environment import versions
from automl.trainers.ultralytics.memory import is_out_of_memory
from automl.trainers.ultralytics.training import Setup, Training, release

_SECONDS = 3.0  # of training steps, unless the minimum takes longer
_FEWEST, _MOST = 3, 40  # timed steps, to which one warm-up step comes
_VAL_BATCHES = 3
_AUTO_SWITCH = 10_000  # optimizer steps beyond which Ultralytics' `auto` takes another optimizer
_FORWARDS = 5  # timed single images, to which one for warm-up comes
_REFUSALS = (TypeError, ValueError, SyntaxError, NotImplementedError, AssertionError)


class _EnoughError(Exception):
    """The steps have been timed."""


class _Probe(Training):
    """A training that validates nothing and ends once its steps have been timed."""

    def __init__(self, setup: Setup, params: Params) -> None:
        self.applied: dict[str, ParamValue] = {}  # arguments, once the loop has started
        self._params = params
        self.first: float | None = None  # clock at the start of the first step
        self.steps: list[float] = []  # seconds
        self._clock = 0.0
        super().__init__(setup, {})

    def _on_train_start(self) -> None:
        check_applied(self, self._params)
        self.applied = applied(self, str(self._params["model"]))

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
        """No scores: `validation_s` times the validation afterwards."""
        return {}, 0.0

    @property
    def step_s(self) -> float:
        """Mean seconds of a step, without the first if there are more."""
        steps = self.steps[1:] or self.steps
        return sum(steps) / len(steps)

    def validation_s(self) -> float:
        """Seconds of a whole validation, extrapolated from its first batches."""
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
    """Facts and costs for `Trainer.prepare`.

    began  clock at the call of `prepare`, after all imports
    """
    with tempfile.TemporaryDirectory(prefix="automl-probe-") as folder:
        setup = replace(setup, overrides={**setup.overrides, "save_dir": folder})
        training = None
        _forget_peak(job.device)
        try:
            training = _Probe(setup, params)
            _time_steps(training)
            return _answer(training, job, began)
        except _REFUSALS as error:
            raise AutoMLError(f"Ultralytics refuses the arguments: {error}") from None
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                size = f"{params['model']} at {setup.overrides.get('imgsz', 640)} px, batch {_proposed_batch(setup)}"
                raise OutOfMemory(f"{size}: out of memory. Lower --batch or --imgsz.") from None
            raise AutoMLError(f"The defaults cannot be trained: {error}. Check the fixed arguments.") from error
        finally:
            if training is not None:
                release(training)


def _time_steps(training: _Probe) -> None:
    with suppress(_EnoughError):
        training.train()


def _answer(training: _Probe, job: TrainJob, began: float) -> Prepared:
    step_s, val_s = training.step_s, training.validation_s()
    memory = _memory_bytes(job.device)  # read before the next lines allocate more
    latency_s, gflops = _single_images(training)
    switch, elsewhere = _beyond(training)
    return Prepared(
        defaults={key: training.applied[key] for key in schema.tunable_keys()},
        fitted=training.fitted[0] if training.fitted else None,
        tensors=len(training.model.state_dict()),
        parameters=sum(tensor.numel() for tensor in training.model.parameters()),
        train_images=len(training.train_loader.dataset),
        val_images=len(training.test_loader.dataset),
        train_s=step_s * len(training.train_loader),
        val_s=val_s,
        startup_s=(training.first or began) - began,
        memory_bytes=memory,
        versions=versions(),
        memory_total_bytes=_memory_total_bytes(job.device),
        latency_s=latency_s,
        gflops=gflops,
        horizon=training.epochs,
        switch_epochs=switch,
        elsewhere=elsewhere,
    )


def _proposed_batch(setup: Setup) -> Any:
    return setup.overrides.get("batch", "of the trainer's default")


def _single_images(training: _Probe) -> tuple[float, float]:
    """Median seconds of one image through the fused network on this device, without loading and NMS; GFLOPs."""
    size = int(training.args.imgsz)
    network = deepcopy(unwrap_model(training.model)).float().eval().fuse(verbose=False)
    gflops = float(get_flops(network, size))
    image = torch.zeros(1, int(training.data.get("channels", 3)), size, size, device=training.device)
    seconds = []
    with torch.inference_mode():
        for _ in range(_FORWARDS + 1):
            _wait(training)
            began = time.perf_counter()
            network(image)
            _wait(training)
            seconds.append(time.perf_counter() - began)
    return sorted(seconds[1:])[_FORWARDS // 2], gflops


def _wait(training: _Probe) -> None:
    if training.device.type == "cuda":
        torch.cuda.synchronize()


def _beyond(training: _Probe) -> tuple[int | None, Params]:
    """Longest horizon before `auto` takes its other optimizer, and the defaults with the optimizer not in use.

    None and no defaults if the optimizer is not `auto`.
    """
    if str(training.setup.overrides.get("optimizer", "auto")).lower() != "auto":
        return None, {}
    steps = math.ceil(len(training.train_loader.dataset) / max(training.batch_size, training.args.nbs))
    switch = _AUTO_SWITCH // steps
    training.optimizer = training.build_optimizer(
        training.model,
        name="auto",
        lr=training.args.lr0,
        momentum=training.args.momentum,
        iterations=0 if training.epochs > switch else _AUTO_SWITCH + 1,
    )
    for group in training.optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    arguments = applied(training, str(training.applied["model"]))
    return switch, {key: arguments[key] for key in schema.tunable_keys()}


def _forget_peak(device: str) -> None:
    """Reset the high-water mark of memory: the process may have probed something larger before."""
    if device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return
    gc.collect()
    with suppress(OSError, AttributeError):  # return freed memory, else it hides the next allocations
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):  # Linux only; elsewhere the mark is that of the whole process
        Path("/proc/self/clear_refs").write_text("5")


def _memory_bytes(device: str) -> int:
    """High-water mark of the GPU, or of this process on a CPU."""
    if device != "cpu":
        return int(torch.cuda.max_memory_reserved())
    with suppress(OSError):
        mark = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if mark is not None:
            return int(mark[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows, which counts the peak itself
        memory = psutil.Process().memory_info()
        return int(getattr(memory, "peak_wset", memory.rss))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _memory_total_bytes(device: str) -> int:
    if device != "cpu":
        return int(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)
    return int(psutil.virtual_memory().total)
