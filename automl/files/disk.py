"""Disk space that a study needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from automl.errors import NoSpace
from automl.files.kept import KEEP
from automl.records import Slots

SMALL = 3_000_000  # parameters of a small network such as yolov5n: a lower limit for any study


def bytes_of_a_trial(parameters: int) -> int:
    """Bytes that a running trial may need: snapshot with optimizer state, best and last weights, log."""
    return parameters * 20 + 50_000_000


def disk_bytes(parameters: int, slots: Slots) -> int:
    """Bytes that a study may need: running trials, weights of the best ones, caches and the database."""
    weights = 2 * 4 * parameters * (KEEP + 1)  # best.pt and last.pt of each, and of the baseline
    return bytes_of_a_trial(parameters) * slots.count + weights + 200_000_000


def check_disk(directory: Path, parameters: int, slots: Slots) -> None:
    """Raise NoSpace if the disk of a folder cannot hold the study of a network with so many parameters."""
    needed = disk_bytes(parameters, slots)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NoSpace(
            f"{directory} has {free / 1e9:.1f} GB free, and the study needs {needed / 1e9:.1f} GB. "
            "Free some, or set AUTOML_HOME to a folder on a larger disk."
        )
