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
from automl.files.home import make_folder, not_writable
from automl.store.address import command

_MARK = ".claim"


class Claim:
    """A study's folder in the hands of one process, from the choice of its name until the study has begun.

    Others see a locked file in it. The lock goes with the process: what a killed search left is free again. (On a
    file system without locks it is not, and only a new folder can be claimed.)
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock

    def keep(self) -> None:
        """The study has begun, and its name in the database guards the folder."""
        (self.folder / _MARK).unlink(missing_ok=True)
        os.close(self._lock)

    def give_up(self) -> None:
        """The folder goes, with all that is in it."""
        gone = self.folder
        with suppress(OSError):  # at once: whoever takes the name meanwhile has a folder of its own
            gone = self.folder.rename(self.folder.with_name(f".{self.folder.name}.{uuid.uuid4().hex}"))
        shutil.rmtree(gone, ignore_errors=True)
        os.close(self._lock)


def claim_folder(taken: Collection[str], asked: str | None, data: Path, home: Path, db: str | None = None) -> Claim:
    """The folder of the study of the name asked for, or of the first free one after the data set; new and empty.

    taken  names of the studies in the database

    Raises StudyConflict when the name asked for is taken, NoSpace.
    """
    if asked is not None and asked in taken:
        raise StudyConflict(
            f"a study named '{asked}' exists already. Go on with it: {command('resume', asked, db)}. "
            "Or choose another --name."
        )
    studies = make_folder(home / "studies")
    if asked is not None:
        return _named(studies / asked)
    names = (name for name in _names(data) if name not in taken)
    return next(claim for name in names if (claim := _claim(studies / name)) is not None)


def _names(data: Path) -> Iterator[str]:
    """Names after a data set, without end."""
    file = data.resolve()
    generic = file.stem in ("data", "dataset", "custom")
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in (file.parent.name if generic else file.stem))
    stem = stem.strip("._-")[:50] or "study"
    return (f"{stem}-{number}" for number in itertools.count(1))


def _named(folder: Path) -> Claim:
    """A claim to that very folder. What a search left there that was killed before its study began is removed."""
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
    """A claim to a new folder; None where there is one already."""
    try:
        folder.mkdir()
        lock = os.open(folder / _MARK, os.O_RDWR | os.O_CREAT, 0o644)
    except (FileExistsError, FileNotFoundError):  # the latter: another one found it empty
        return None
    except OSError as error:
        raise not_writable(folder, error) from error
    if _locked(lock, folder) is False:
        os.close(lock)
        return None
    return Claim(folder, lock)


def _locked(lock: int, folder: Path) -> bool | None:
    """Whether the folder's mark is ours now; None where the file system knows no locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), (folder / _MARK).stat())  # else it was given up meanwhile
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:
        return None
