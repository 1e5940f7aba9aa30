"""File systems: those of a network, where locks and shared memory cannot be relied on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import psutil

_NETWORK = re.compile(
    r"(?i)nfs\d*|cifs|smb\w*|smbfs|lustre|9p|v9fs|drvfs|virtiofs|afs|ceph|gpfs|beegfs\w*|orangefs|pvfs2|glusterfs|ncpfs"
    r"|webdav|davfs\d?|fuse\.(?!fuseiso|fuse-overlayfs|ntfs|lxcfs|snapfuse|squashfuse|gvfsd|portal|encfs|gocryptfs).*"
    r"|macfuse\S*|osxfuse\S*|acfs|vboxsf|prl_fs|fuse\.\S*sshfs"
)


class Mount(Protocol):
    """A mounted file system, as psutil has it."""

    @property
    def mountpoint(self) -> str: ...
    @property
    def fstype(self) -> str: ...


def network_type(path: Path, mounts: Iterable[Mount] | None = None) -> str:
    """Kind of the network file system that a path lies on, such as "nfs4"; empty on a disk of this machine.

    path    may be missing: its nearest folder that is there counts
    mounts  None: those of this machine
    """
    kind = _kind(path, _mounts() if mounts is None else mounts)
    return kind if _NETWORK.fullmatch(kind) else ""


def _mounts() -> Iterable[Mount]:
    try:
        return list(psutil.disk_partitions(all=True))
    except (OSError, RuntimeError, psutil.Error):
        return ()


def _kind(path: Path, mounts: Iterable[Mount]) -> str:
    """Type of the innermost mount above the path; the last one of several at a place hides the others."""
    place = Path(os.path.realpath(path))
    above = [mount for mount in mounts if place.is_relative_to(mount.mountpoint)]
    depths = [(len(Path(mount.mountpoint).parts), number) for number, mount in enumerate(above)]
    return above[max(depths)[1]].fstype if above else ""
