"""The places on this machine where trials can run side by side."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from automl.errors import AutoMLError
from automl.records import Slots


def find_slots(device: str | None, count: int | None) -> Slots:
    """The slots of this machine: its GPUs, or its cores with one thread each.

    device  "cpu", GPU indices such as "0,1", or None for the GPUs where there are any
    """
    if count is not None and count < 1:
        raise AutoMLError(f"--slots {count} is no place to train in. Use 1 or more.")
    cores = len(os.sched_getaffinity(0))
    gpus = _gpus()
    if device is not None and device != "cpu":
        asked = tuple(part.strip() for part in device.split(","))
        unknown = [part for part in asked if part not in gpus]
        if unknown or len(set(asked)) != len(asked):
            here = f"GPUs here: {', '.join(gpus)}" if gpus else "no GPU was found here"
            raise AutoMLError(f"--device {device}: {here}. Use --device cpu, or indices such as --device 0,1.")
        gpus = asked
    if gpus and device != "cpu":
        if count is not None and count != len(gpus):
            raise AutoMLError(f"--slots {count}: one trial runs on each GPU. Choose GPUs with --device 0,1.")
        return Slots(count=len(gpus), device="gpu", devices=gpus, threads=max(1, cores // len(gpus)))
    count = count or cores
    return Slots(count=count, device="cpu", threads=max(1, cores // count))


def _gpus() -> tuple[str, ...]:
    """CUDA indices that may be used, without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(part.strip() for part in visible.split(",") if part.strip() not in ("", "-1"))
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        found = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(re.findall(r"^GPU (\d+):", found, flags=re.MULTILINE))
