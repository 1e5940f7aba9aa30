"""Words for what a machine refuses to a process: memory, files, processes, places on its disks."""

from __future__ import annotations

import errno
import math
import os
import sys

from automl.errors import AutoMLError
from automl.figures import size

_MEMORY = "the memory that this process may use is spent. Free some or raise its limit (ulimit -v)"
_PROCESSES = "this user may begin no further process or thread. End some, or raise the limit (ulimit -u)"
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


LEAST_BYTES = 8_000_000_000  # of addresses that Ray, torch and their threads take in a process
LEAST_FILES, LEAST_PROCESSES = 512, 512


def check_limits() -> None:
    """Raise AutoMLError for limits of this process with which Ray would hang or end with its own traceback.

    The limit of open files is raised where that is allowed: macOS begins with one of 256.
    """
    if sys.platform == "win32":
        return
    import resource

    for name, least, what, flag in (
        ("RLIMIT_AS", LEAST_BYTES, "", "-v"),
        ("RLIMIT_NOFILE", LEAST_FILES, " open files", "-n"),
        ("RLIMIT_NPROC", LEAST_PROCESSES if os.geteuid() else 0, " processes of this user", "-u"),
    ):
        kind: int | None = getattr(resource, name, None)
        if kind is None:
            continue
        now, most = (math.inf if n == resource.RLIM_INFINITY else n for n in resource.getrlimit(kind))
        if now < least <= most and name == "RLIMIT_NOFILE":
            resource.setrlimit(kind, (least, resource.getrlimit(kind)[1]))
        elif now < least:
            has, needs = (
                f"{size(int(n))} of memory" if name == "RLIMIT_AS" else f"{n:.0f}{what}" for n in (now, least)
            )
            raise AutoMLError(
                f"the limit is {has}, and a search needs {needs}. Raise it (ulimit {flag}), and begin again."
            )


def in_words(error: BaseException) -> str | None:
    """Phrase on a shortage of the machine, with the way out; None for an error of another kind."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return _PROCESSES
    return _of_system(error) if isinstance(error, OSError) else None


def _of_system(error: OSError) -> str | None:
    if error.errno == errno.ENOMEM:
        return _MEMORY
    if error.errno == errno.EAGAIN:
        return _PROCESSES
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"this process may open no further file{_limit()}. Raise the limit: ulimit -n 4096"
    name = error.filename or "a file"
    if error.errno in _FULL:
        return f"{name} cannot be written: its disk is full. Free some"
    if error.errno in (errno.EROFS, errno.EIO):
        return f"{name} cannot be written ({error.strerror}). Check its disk"
    if error.errno in (errno.EACCES, errno.EPERM) and error.filename:
        return f"{name} cannot be used ({error.strerror}). Check its permissions"
    return f"{name} is gone. Put it back" if error.errno == errno.ENOENT and error.filename else None


def _limit() -> str:
    """The limit of open files, as a parenthesis; empty on a system without."""
    if sys.platform == "win32":
        return ""
    import resource

    return f" (its limit is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]})"
