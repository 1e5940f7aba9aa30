"""Deletion and renaming of studies: their rows and their folders together."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import AutoMLError, StudyConflict
from automl.files import moved, removal
from automl.files.home import STUDIES
from automl.records import Deleted, Deletion, StudyRow, StudySpec, StudyState
from automl.reports import life
from automl.setup.request import check_name
from automl.store import managing, read
from automl.store.address import command

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOTE = 2000  # characters of a note


def idle(engine: Engine, study: str, db: str | None) -> tuple[Engine, StudyRow]:
    """The database with the row of a study that does not run. Raises StudyConflict if it does."""
    row = read.study(engine, study)
    check_not_running(engine, row, db)
    return engine, row


def check_running(engine: Engine, row: StudyRow, db: str | None) -> None:
    """Raise StudyConflict, with the command that goes on, if the study's process has ended unexpectedly."""
    if life.dead_heartbeat(engine, row) is not None:
        raise StudyConflict(
            f"study '{row.name}' is not running: its process ended unexpectedly. "
            f"Go on with: {command('resume', row.name, db)}"
        )


def check_not_running(engine: Engine, row: StudyRow, db: str | None) -> None:
    """Raise StudyConflict, with the command that stops it, if the study's process is alive."""
    if row.state is StudyState.RUNNING and life.dead_heartbeat(engine, row) is None:
        check_not_suspended(row)
        raise StudyConflict(
            f"study '{row.name}' is running on {row.host} (process {row.pid}). Stop it first: "
            f"{command('stop', row.name, db)}"
        )


def check_not_suspended(row: StudyRow) -> None:
    """Raise StudyConflict, with the way out, if the study's process is suspended."""
    words = life.suspended_words(row)
    if words:
        raise StudyConflict(f"study '{row.name}' is running on {row.host}. {words}")


def checked_note(text: str) -> str:
    """The note without blanks around it. Raises AutoMLError for one that is too long."""
    note = text.strip()
    if len(note) > NOTE:
        raise AutoMLError(f"a note has at most {NOTE} characters, and this one has {len(note)}. Shorten it.")
    return note


def deletion_of(engine: Engine, row: StudyRow) -> Deletion:
    """Contents and cost of the study, and notes on what stays, before a deletion."""
    folder = removal.removable(row.spec)
    plain = folder is not None and not folder.is_symlink()
    notes = list(_foreign(folder)) if folder is not None and plain else []
    if folder is None:
        notes.append(_not_removed(row.spec))
    elif not plain:
        notes.append(f"{folder} is a link: the link goes, and {folder.resolve()} stays.")
    notes += _needed(row, read.studies(engine))
    return Deletion(
        name=row.name,
        trials=row.trials,
        slot_s=row.slot_s,
        device=row.spec.slots.device,
        folder="" if folder is None else str(folder),
        size_bytes=removal.size_of(folder) if folder is not None and plain else 0,
        notes=tuple(notes),
    )


def _foreign(folder: Path) -> Iterable[str]:
    names = [str(entry) for entry in removal.foreign(folder)]
    return [f"{path} is not automl's and stays." for path in names]


def _not_removed(spec: StudySpec) -> str:
    """Sentence on a folder that does not go with the study."""
    if Path(spec.directory).exists():
        return f"{spec.directory} stays: it is not sure to be this study's folder."
    before = moved.elsewhere(spec)
    return f"{spec.directory}{f' and {before}, where it was,' if before else ''} has no folder of it: only rows go."


def _needed(row: StudyRow, studies: Iterable[StudyRow]) -> Iterable[str]:
    """Sentences on other studies whose trainings start from files of this one."""
    folder = Path(row.spec.directory)
    for other in studies:
        spec = other.spec
        files = {spec.weights, *(weights.path for weights in spec.weights_of)} - {None}
        if other.name != row.name and any(Path(str(file)).is_relative_to(folder) for file in files):
            yield f"Study '{other.name}' starts from weights of it and could not be resumed."


def delete_study(engine: Engine, row: StudyRow) -> Deleted:
    """Delete the study's rows and its folder. Raises StudyConflict if it runs."""
    folder, dead = removal.removable(row.spec), life.dead_heartbeat(engine, row)
    aside: Path | None = None
    try:
        with managing.removal(engine, row.name, at=time.time(), dead=dead):
            aside = removal.set_aside(folder) if folder is not None else None
    except BaseException:
        if aside is not None and folder is not None:
            aside.rename(folder)
        raise
    if aside is None or folder is None:
        return Deleted(name=row.name, trials=row.trials, freed_bytes=0, notes=(_not_removed(row.spec),))
    removed = removal.remove(aside, folder)
    notes = tuple(f"Still there: {path}." for path in removed.kept)
    return Deleted(name=row.name, trials=row.trials, freed_bytes=removed.freed_bytes, notes=notes)


def rename_study(engine: Engine, row: StudyRow, name: str) -> None:
    """Give the study and its folder another name. Raises AutoMLError for a name that cannot be used."""
    check_name(name, "")
    if name == row.name:
        raise StudyConflict(f"the study is called '{name}' already.")
    old, new = Path(row.spec.directory), Path(row.spec.directory).with_name(name)
    own = old.parts[-2:] == (STUDIES, row.name)  # else the folder has a name of its own, and keeps it
    # A renaming that was cut off may have moved the folder already.
    done = own and not old.exists() and new.is_dir() and bool(row.spec.key) and moved.is_of(new, row.spec)
    if own and not done and new.exists() and not _same(old, new):
        raise StudyConflict(f"{new} exists already. Choose another name, or move it away.")
    dead, went = life.dead_heartbeat(engine, row), False
    try:
        with managing.renaming(engine, row.name, name, at=time.time(), dead=dead):
            if own and not done and old.exists():
                _move(old, new)
                went = True
    except BaseException:
        if went:
            new.rename(old)
        raise


def _same(old: Path, new: Path) -> bool:
    """True if both are one folder: on a disk that does not tell upper from lower case."""
    return old.exists() and old.samefile(new)


def _move(old: Path, new: Path) -> None:
    try:
        old.rename(new)
    except OSError as error:
        raise StudyConflict(f"{old} cannot be renamed ({error.strerror}). Nothing was changed.") from None
