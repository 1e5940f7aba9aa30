"""Disk space that a study needs."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from automl.errors import NoSpace
from automl.files.kept import KEEP
from automl.records import Slots

FULL_BYTES = 100_000_000  # free, below which a library's vague error means a full disk
SMALL = 3_000_000  # parameters of a small network such as yolov5n: a lower limit for any study


_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_UNWRITABLE = (*_FULL, errno.EROFS, errno.EIO)
FREE_SOME = "Free some, and resume"


def unwritable(error: BaseException) -> bool:
    """True for an error of a disk that is full, out of order or read-only, wherever it was met."""
    return isinstance(error, OSError) and error.errno in _UNWRITABLE


def not_written(error: BaseException, file: Path) -> NoSpace:
    """Error for a file of a study that could not be written, with the disk and what to do.

    error  an OSError, or what a library makes of it
    """
    folder = file.parent
    if not folder.is_dir():
        return NoSpace(f"{folder} is gone, so {file.name} could not be written. Put the folder back, and resume")
    free = shutil.disk_usage(folder).free
    reason = error.strerror if isinstance(error, OSError) and error.strerror else ""
    if (isinstance(error, OSError) and error.errno in _FULL) or (not reason and free < FULL_BYTES):
        return NoSpace(f"the disk of {folder} is full ({free / 1e6:.0f} MB free). {FREE_SOME}")
    reason = reason or (str(error).strip().splitlines() or [type(error).__name__])[0]
    return NoSpace(f"{file} could not be written ({reason}). Mend that, and resume")


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
