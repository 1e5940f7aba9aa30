"""File systems of a network."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from automl.host.mounts import network_type


class Mounted(NamedTuple):
    """A line of the table of mounts."""

    mountpoint: str
    fstype: str


MOUNTS = (
    Mounted("/", "ext4"),
    Mounted("/data", "nfs4"),
    Mounted("/data/scratch", "xfs"),
    Mounted("/mnt/c", "9p"),
    Mounted("/over", "nfs"),
    Mounted("/over", "tmpfs"),
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", ""),
        ("/data", "nfs4"),
        ("/data/me/runs", "nfs4"),
        ("/database", ""),
        ("/data/scratch/runs", ""),
        ("/mnt/c/Users/me", "9p"),
        ("/over/runs", ""),
    ],
)
def test_the_innermost_mount_counts(path: str, kind: str) -> None:
    assert network_type(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    "kind",
    [
        "nfs",
        "nfs3",
        "cifs",
        "smbfs",
        "smb3",
        "lustre",
        "9p",
        "fuse.sshfs",
        "fuse.gcsfuse",
        "beegfs",
        "gpfs",
        "virtiofs",
    ],
)
def test_kinds_of_a_network(kind: str) -> None:
    assert network_type(Path("/x"), [Mounted("/", kind)]) == kind


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "apfs", "NTFS", "fuseblk", "f2fs", ""]
)
def test_kinds_of_a_disk(kind: str) -> None:
    assert network_type(Path("/x"), [Mounted("/", kind)]) == ""


def test_a_link_counts_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "there")
    assert network_type(tmp_path / "here" / "new", [Mounted(str(tmp_path.resolve() / "there"), "nfs")]) == "nfs"


def test_a_table_that_cannot_be_read_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(all: bool) -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, "disk_partitions", fail)
    assert network_type(Path("/x")) == ""
