"""Slots of this machine: the places where trials can run side by side."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from automl.errors import AutoMLError
from automl.records import Slots


def find_slots(device: str | None, count: int | None) -> Slots:
    """The slots of this machine: its GPUs, or its cores with one thread each. Raises AutoMLError.

    device  "cpu", GPU indices such as "0,1", or None for the GPUs if there are any
    """
    if count is not None and count < 1:
        raise AutoMLError(f"--slots {count}: a search needs 1 slot or more.")
    cores = len(os.sched_getaffinity(0))
    gpus = _gpus()
    if device is not None and device != "cpu":
        indices = tuple(part.strip() for part in device.split(","))
        unknown = [part for part in indices if part not in gpus]
        if unknown or len(set(indices)) != len(indices):
            here = f"GPUs here: {', '.join(gpus)}" if gpus else "no GPU was found here"
            raise AutoMLError(f"--device {device}: {here}. Use --device cpu, or indices such as --device 0,1.")
        gpus = indices
    if gpus and device != "cpu":
        if count is not None and count != len(gpus):
            raise AutoMLError(f"--slots {count}: one trial runs on each GPU. Choose GPUs with --device 0,1.")
        return Slots(count=len(gpus), device="gpu", devices=gpus, threads=max(1, cores // len(gpus)))
    count = count or cores
    return Slots(count=count, device="cpu", threads=max(1, cores // count))


def _gpus() -> tuple[str, ...]:
    """CUDA indices that this process may use; torch is not loaded."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(part.strip() for part in visible.split(",") if part.strip() not in ("", "-1"))
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        listing = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(re.findall(r"^GPU (\d+):", listing, flags=re.MULTILINE))
