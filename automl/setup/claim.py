"""A study's name and its folder, claimed before the study begins."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from automl.errors import StudyConflict
from automl.files.home import STUDIES, make_folder, not_writable
from automl.store.address import command

_MARK = ".claim"


class Claim:
    """A study's folder that belongs to one process, from the choice of its name until the study has begun.

    Others see a locked file in it. The lock ends with the process, so the folder of a killed search is free again.
    (On a file system without locks it is not, and only a new folder can be claimed.)
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock

    def keep(self) -> None:
        """Release the lock once the study has begun: its name in the database guards the folder."""
        (self.folder / _MARK).unlink(missing_ok=True)
        os.close(self._lock)

    def give_up(self) -> None:
        """Remove the folder with everything in it."""
        folder = self.folder
        with suppress(OSError):  # renamed first: another search can use the name at once
            folder = self.folder.rename(self.folder.with_name(f".{self.folder.name}.{uuid.uuid4().hex}"))
        shutil.rmtree(folder, ignore_errors=True)
        os.close(self._lock)


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
    return next(claim for candidate in free if (claim := _claim(studies / candidate)) is not None)


def _names(data: Path) -> Iterator[str]:
    """Names after a data set, without end."""
    file = data.resolve()
    generic = file.stem in ("data", "dataset", "custom")
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in (file.parent.name if generic else file.stem))
    stem = stem.strip("._-")[:50] or "study"
    return (f"{stem}-{number}" for number in itertools.count(1))


def _named(folder: Path) -> Claim:
    """Claim to that very folder. Files of a search that was killed before its study began are removed."""
    with suppress(OSError):
        folder.rmdir()  # only if it is empty
    try:
        lock = os.open(folder / _MARK, os.O_RDWR)
    except OSError:
        lock = None
    if lock is not None:
        if _locked(lock, folder) is not True:
            os.close(lock)
            raise _occupied(folder)
        Claim(folder, lock).give_up()
    claim = _claim(folder)
    if claim is None:
        raise _occupied(folder)
    return claim


def _occupied(folder: Path) -> StudyConflict:
    if (folder / _MARK).exists():
        return StudyConflict(
            f"another search prepares a study named '{folder.name}' now. Choose another --name, or remove {folder} "
            "if none does."
        )
    return StudyConflict(
        f"{folder} holds files of a study that this database does not know. "
        "Choose another --name, or remove the folder."
    )


def _claim(folder: Path) -> Claim | None:
    """Claim to a new folder; None if it exists already."""
    try:
        folder.mkdir()
        lock = os.open(folder / _MARK, os.O_RDWR | os.O_CREAT, 0o644)
    except (FileExistsError, FileNotFoundError):  # the latter: another search removed it as empty
        return None
    except OSError as error:
        raise not_writable(folder, error) from error
    if _locked(lock, folder) is False:
        os.close(lock)
        return None
    return Claim(folder, lock)


def _locked(lock: int, folder: Path) -> bool | None:
    """True if this process now holds the folder's lock; None on a file system without locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), (folder / _MARK).stat())  # False if the folder was given up meanwhile
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:
        return None
