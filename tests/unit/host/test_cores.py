"""CPU cores that a process may use, from the files of its control groups."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from automl.host.cores import cpu_quota, usable_cores


def machine(root: Path, files: dict[str, str]) -> Path:
    """A file system with these files."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


UNIFIED, MIXED = "0::/\n", "3:cpuset:/\n2:cpu,cpuacct:/docker/12\n0::/docker/12\n"
GROUPS = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"proc/self/cgroup": UNIFIED, f"{GROUPS}/cpu.max": "200000 100000\n"}, 2.0),
        ({"proc/self/cgroup": UNIFIED, f"{GROUPS}/cpu.max": "150000 100000\n"}, 1.5),
        ({"proc/self/cgroup": UNIFIED, f"{GROUPS}/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": UNIFIED}, None),
        (
            {"proc/self/cgroup": "0::/a.slice/b\n", f"{GROUPS}/a.slice/cpu.max": "300000 100000\n"}
            | {f"{GROUPS}/a.slice/b/cpu.max": "400000 100000\n"},
            3.0,  # the group above allows less
        ),
        (
            {"proc/self/cgroup": MIXED, f"{GROUPS}/cpu,cpuacct/cpu.cfs_quota_us": "200000\n"}
            | {f"{GROUPS}/cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            2.0,  # in a container, where the path is that of the machine outside
        ),
        (
            {"proc/self/cgroup": MIXED, f"{GROUPS}/cpu/docker/12/cpu.cfs_quota_us": "50000\n"}
            | {f"{GROUPS}/cpu/docker/12/cpu.cfs_period_us": "100000\n"},
            0.5,
        ),
        (
            {"proc/self/cgroup": "1:cpu:/\n", f"{GROUPS}/cpu/cpu.cfs_quota_us": "-1\n"}
            | {f"{GROUPS}/cpu/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        ({"proc/self/cgroup": "nonsense\n", f"{GROUPS}/cpu.max": "what\n"}, None),
        ({"proc/self/cgroup": UNIFIED, f"{GROUPS}/cpu.max": "\n"}, None),
        ({}, None),  # macOS, Windows
    ],
)
def test_the_quota_is_that_of_the_control_groups(tmp_path: Path, files: dict[str, str], cores: float | None) -> None:
    assert cpu_quota(machine(tmp_path, files)) == cores


@pytest.mark.parametrize(("quota", "cores"), [(None, 6), (2.0, 2), (2.9, 2), (0.5, 1), (64.0, 6)])
def test_a_container_has_the_whole_cores_of_its_share(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int
) -> None:
    monkeypatch.setattr("automl.host.cores.cpu_quota", lambda: quota)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: list(range(6)))
    assert usable_cores() == cores


def test_cores_are_counted_where_processes_are_not_bound_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.host.cores.cpu_quota", lambda: None)
    monkeypatch.delattr(psutil.Process, "cpu_affinity")
    assert usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
