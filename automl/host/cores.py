"""CPU cores that this process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

_ROOT = Path("/")


def usable_cores() -> int:
    """Cores of the process: those that it may run on, and no more than its container has a share of. At least 1."""
    quota = cpu_quota()
    cores = _allowed()
    return max(1, cores if quota is None else min(cores, int(quota)))


def _allowed() -> int:
    """Cores that the process may run on; all of the machine where the system does not bind processes to cores."""
    process = psutil.Process()
    try:
        return len(process.cpu_affinity() or ()) or os.cpu_count() or 1
    except (AttributeError, psutil.Error, OSError):  # macOS has no such thing
        return os.cpu_count() or 1


def cpu_quota(root: Path = _ROOT) -> float | None:
    """CPU time in cores that the control groups of this process allow, such as 2.0 for `docker run --cpus=2`.

    None without a limit. Linux only: elsewhere there are no such files.

    root  of the file system
    """
    return min(_quotas(root), default=None)


def _quotas(root: Path) -> Iterator[float]:
    groups = root / "sys" / "fs" / "cgroup"
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            yield from _limits(groups, group, _unified)
        elif "cpu" in controllers.split(","):
            for folder in (controllers, "cpu"):
                yield from _limits(groups / folder, group, _classic)


def _limits(mount: Path, group: str, limit: Callable[[Path], float | None]) -> Iterator[float]:
    """Limits of a group and of those above it. In a container the group's own folder is the mount itself."""
    names = [part for part in group.split("/") if part and part != ".."]
    for depth in range(len(names), -1, -1):
        folder = mount.joinpath(*names[:depth])
        quota = limit(folder)
        if quota is not None:
            yield quota


def _unified(folder: Path) -> float | None:
    """Limit in a group of version 2."""
    return _share(*(_text(folder / "cpu.max").split() or ["max"]))


def _classic(folder: Path) -> float | None:
    """Limit in a group of version 1."""
    return _share(_text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip())


def _share(quota: str, period: str = "100000", *others: str) -> float | None:
    """Quota by period; None for "max", -1 and what cannot be read."""
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
    return share if share > 0 else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
