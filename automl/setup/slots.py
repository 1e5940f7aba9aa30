"""Slots of this machine: the places where trials can run side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from automl.errors import AutoMLError, NoDevice
from automl.host import gpus
from automl.host.cores import usable_cores
from automl.records import Slots

Say = Callable[[str], None]  # a sentence for the user
_INSTALL = "Use --device cpu, or install torch with CUDA and a driver that it can use."
_ELSEWHERE = {
    "mps": "trials do not train on Apple's GPUs",
    "xpu": "trials do not train on Intel's GPUs",
    "npu": "trials do not train on Ascend's NPUs",
    "tpu": "trials do not train on TPUs",
}


def find_slots(device: str | None, count: int | None, say: Say = lambda text: None) -> Slots:
    """The slots of this machine: its GPUs, or its cores with one thread each. Raises AutoMLError.

    device  "cpu", GPU indices such as "0,1", "gpu" for all, or None for the GPUs if there are any
    """
    devices = gpus.find_gpus() if device != "cpu" else gpus.Gpus()
    names = _chosen(device, devices)
    cores = usable_cores()
    if not names:
        if devices.problem:
            say(f"{devices.problem}. The search runs on the CPU.")
        count = count or cores
        return Slots(count=count, device="cpu", threads=max(1, cores // count))
    if count is not None and count != len(names):
        raise AutoMLError(f"--slots {count}: one trial runs on each GPU. Choose GPUs with --device 0,1.")
    problem = gpus.torch_problem(names)
    if problem:
        raise NoDevice(f"{_shown(device, names)}, but torch {problem}", _INSTALL)
    return Slots(count=len(names), device="gpu", devices=names, threads=max(1, cores // len(names)))


def _chosen(device: str | None, found: gpus.Gpus) -> tuple[str, ...]:
    """Names of the GPUs to use; none for the CPU."""
    if device in (None, "cpu"):
        return found.names
    known = {name.lower(): name for name in found.names}
    asked = list(known) if device == "gpu" else [part.strip().lower() for part in str(device).split(",")]
    if asked and len(set(asked)) == len(asked) and all(part in known for part in asked):
        return tuple(known[part] for part in asked)
    kind = str(device).lower().partition(":")[0]
    if kind in _ELSEWHERE:
        raise NoDevice(f"--device {device}: {_ELSEWHERE[kind]}", "Use --device cpu, or a machine with GPUs of NVIDIA.")
    here = f"GPUs here: {', '.join(found.names)}" if found.names else "no GPU was found here"
    here = f"{here} ({found.problem})" if found.problem else here
    raise NoDevice(f"--device {device}: {here}", "Use --device cpu, or indices such as --device 0,1.")


def _shown(device: str | None, names: Sequence[str]) -> str:
    """The GPUs as the user or a tool names them, as the beginning of a sentence."""
    several = "a GPU" if len(names) == 1 else f"{len(names)} GPUs"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if device is not None:
        return f"--device {device} asks for {several}"
    return f"nvidia-smi lists {several}" if visible is None else f"CUDA_VISIBLE_DEVICES={visible} names {several}"
