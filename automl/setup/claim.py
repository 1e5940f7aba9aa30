"""A study's name and its folder, claimed before the study begins."""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from automl.errors import StudyConflict
from automl.files.home import STUDIES, make_folder, not_writable
from automl.host.guest import no_warnings_of
from automl.store.address import command

_MARK = ".claim"


class Claim:
    """A study's folder that belongs to one process, from the choice of its name until the study has begun.

    Others see the locked file of that name, which stays for good. The lock ends with the process, and the mark in the
    folder tells of a study that never began: so the folder of a killed search is free again. (On a file system without
    locks it may not be, and only a new folder can be claimed.)
    """

    def __init__(self, folder: Path, lock: FileLock | None) -> None:
        self.folder = folder
        self._lock = lock

    def keep(self) -> None:
        """Release the lock once the study has begun: its name in the database guards the folder."""
        (self.folder / _MARK).unlink(missing_ok=True)
        _release(self._lock)

    def give_up(self) -> None:
        """Remove the folder with everything in it."""
        _remove(self.folder)
        _release(self._lock)


def claim_folder(names: Collection[str], name: str | None, data: Path, home: Path, db: str | None = None) -> Claim:
    """New, empty folder of a study with that name, else with the first free name after the data set.

    names  of the studies in the database

    Raises StudyConflict if the name is in use, NoSpace if no folder can be made.
    """
    if name is not None and name in names:
        raise StudyConflict(
            f"a study named '{name}' exists already. Go on with it: {command('resume', name, db)}. "
            "Or choose another --name."
        )
    studies = make_folder(home / STUDIES)
    if name is not None:
        return _named(studies / name)
    free = (candidate for candidate in _names(data) if candidate not in names)
    return next(claim for candidate in free if (claim := _new(studies / candidate)) is not None)


def _names(data: Path) -> Iterator[str]:
    """Names after a data set, without end."""
    file = data.resolve()
    generic = file.stem in ("data", "dataset", "custom")
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in (file.parent.name if generic else file.stem))
    stem = stem.strip("._-")[:50] or "study"
    return (f"{stem}-{number}" for number in itertools.count(1))


def _named(folder: Path) -> Claim:
    """Claim to that very folder. Files of a search that was killed before its study began are removed."""
    lock = _lock(folder)
    if lock is not None and (folder / _MARK).exists():
        _remove(folder)
    with suppress(OSError):
        folder.rmdir()  # only if it is empty
    if not _made(folder):
        _release(lock)
        raise _occupied(folder)
    return Claim(folder, lock)


def _new(folder: Path) -> Claim | None:
    """Claim to a new folder; None if it exists already or another search takes it now."""
    try:
        lock = _lock(folder)
    except StudyConflict:
        return None
    if _made(folder):
        return Claim(folder, lock)
    _release(lock)
    return None


def _lock(folder: Path) -> FileLock | None:
    """The lock of the folder's name; None on a file system without locks. Raises StudyConflict if another has it."""
    file = make_folder(folder.parent.with_name("claims")) / f"{folder.name}.lock"
    lock = FileLock(file, thread_local=False)
    if not _acquired(lock):
        raise _prepared(folder, f"{folder} and {file}")
    if lock.is_locked and _acquired(again := FileLock(file, thread_local=False)):  # a second time: it locks nothing
        again.release()
        lock.release()
    return lock if lock.is_locked else None


def _acquired(lock: FileLock) -> bool:
    """False if another has the lock. True too on a file system without locks, where versions of filelock differ."""
    try:
        with no_warnings_of(r"filelock\b.*"):
            lock.acquire(timeout=0)
    except Timeout:
        return False
    except (OSError, NotImplementedError):  # no locks here; a folder that cannot be written is refused when it is made
        return True
    return True


def _release(lock: FileLock | None) -> None:
    if lock is not None:
        lock.release()


def _made(folder: Path) -> bool:
    """True if the folder is new, and has its mark now."""
    try:
        folder.mkdir()
        (folder / _MARK).touch()
    except FileExistsError:
        return False
    except OSError as error:
        raise not_writable(folder, error) from error
    return True


def _remove(folder: Path) -> None:
    moved = folder
    with suppress(OSError):  # renamed first: another search can use the name at once
        moved = folder.rename(folder.with_name(f".{folder.name}.{uuid.uuid4().hex}"))
    shutil.rmtree(moved, ignore_errors=True)


def _occupied(folder: Path) -> StudyConflict:
    if (folder / _MARK).exists():
        return _prepared(folder, str(folder))
    return StudyConflict(
        f"{folder} holds files of a study that this database does not know. "
        "Choose another --name, or remove the folder."
    )


def _prepared(folder: Path, left: str) -> StudyConflict:
    """Error for a name that another search has claimed. `left`: what such a search would have left behind."""
    return StudyConflict(
        f"another search prepares a study named '{folder.name}' now. Choose another --name, or remove {left} if none "
        "does."
    )
