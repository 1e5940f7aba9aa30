"""Removal of a study's folder: only what automl has written goes, and no link is followed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from automl.errors import NoSpace
from automl.files import moved
from automl.records import StudySpec

_FOLDERS = ("cache", "ensembles", "journal", "networks", "predictions", "probe", "trials")
_FILES = re.compile(
    r"\.study|\.claim|\.writable|pause|search\.log|data(-test)?(-(train|val|test))?\.(yaml|txt)|data(-test)?\.files\.json"
    r"|\.DS_Store|Thumbs\.db"
)


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Result of a removal."""

    freed_bytes: int
    kept: tuple[str, ...]  # paths that are still there: not automl's, behind a link, or impossible to remove


def removable(spec: StudySpec) -> Path | None:
    """The folder that goes with the study, or the link in its place; None where it is not here or not its own."""
    folder = Path(spec.directory)
    if moved.home_of(spec.directory) is None or not os.path.lexists(folder):
        return None
    return folder if folder.is_symlink() or (folder.is_dir() and moved.is_of(folder, spec)) else None


def foreign(folder: Path) -> list[Path]:
    """Entries of a study's folder that automl has not written, by name."""
    return sorted(entry for entry in _entries(folder) if not _is_ours(entry))


def size_of(folder: Path) -> int:
    """Bytes of the files that automl has written to the folder; links count as nothing."""
    return sum(_bytes(entry) for entry in _entries(folder) if _is_ours(entry))


def set_aside(folder: Path) -> Path:
    """Rename the folder, so that its name is free at once and nothing finds it; its new path.

    Raises NoSpace if it cannot be renamed.
    """
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        return folder.rename(aside)
    except OSError as error:
        raise NoSpace(f"{folder} cannot be removed ({error.strerror}). Nothing was deleted.") from None


def remove(aside: Path, folder: Path) -> Removed:
    """Remove a folder that was set aside. What has to stay is put back to the folder's own place.

    Rests of an earlier removal of the same study that was cut off go too.
    """
    if aside.is_symlink():
        target = str(aside.resolve())
        aside.unlink()
        return Removed(freed_bytes=0, kept=(target,))
    linked = tuple(str(entry.resolve()) for entry in _entries(aside) if entry.is_symlink() and _is_ours(entry))
    rests = [rest for rest in _rests(folder) if rest != aside]
    freed = _cleared(aside) + sum(map(_cleared, rests))
    left = tuple(str(folder / entry.name) for entry in _entries(aside))
    if aside.exists():
        aside.rename(folder)
    return Removed(freed_bytes=freed, kept=(*linked, *left))


def _cleared(folder: Path) -> int:
    """Remove automl's entries, and the folder if it is empty then; freed bytes."""
    before = size_of(folder)
    for entry in _entries(folder):
        if not _is_ours(entry):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)  # what is left is reported
        else:
            entry.unlink(missing_ok=True)
    left = size_of(folder)
    with suppress(OSError):
        folder.rmdir()  # only if it is empty
    return before - left


def _rests(folder: Path) -> Iterator[Path]:
    pattern = re.compile(rf"\.{re.escape(folder.name)}\.[0-9a-f]{{32}}")
    for entry in _entries(folder.parent):
        if pattern.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            yield entry


def _is_ours(entry: Path) -> bool:
    if entry.is_symlink() or not entry.is_dir():
        return entry.name in _FOLDERS or _FILES.fullmatch(entry.name) is not None
    return entry.name in _FOLDERS


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _bytes(entry: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if entry.is_symlink():
        return 0
    if not entry.is_dir():
        return entry.stat().st_size
    return sum(_size(Path(place) / name) for place, _, names in os.walk(entry) for name in names)


def _size(file: Path) -> int:
    try:
        status = file.lstat()
    except OSError:  # it goes meanwhile
        return 0
    return 0 if stat.S_ISLNK(status.st_mode) else status.st_size
