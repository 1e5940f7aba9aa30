"""Where a search puts things: its home folder, its database, its name."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path

from automl.errors import AutoMLError, NoSpace, StudyConflict
from automl.store.engine import default_url, holds_password


def free_name(taken: Collection[str], asked: str | None, data: Path, home: Path, db: str | None = None) -> str:
    """The name asked for, or the first free one after the data set. Its folder is free too.

    Raises StudyConflict when the name asked for is taken.
    """
    folder = home / "studies"
    if asked is not None:
        if asked in taken:
            raise StudyConflict(
                f"a study named '{asked}' exists already. Go on with it: {command('resume', asked, db)}. "
                "Or choose another --name."
            )
        if (folder / asked).is_dir() and any((folder / asked).iterdir()):
            raise StudyConflict(
                f"{folder / asked} holds files of a study that this database does not know. "
                "Choose another --name, or remove the folder."
            )
        return asked
    file = data.resolve()
    generic = file.stem in ("data", "dataset", "custom")
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in (file.parent.name if generic else file.stem))
    stem = stem.strip("._-")[:50] or "study"
    names = (f"{stem}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken and not (folder / name).exists())


def make_folder(directory: Path) -> Path:
    """The folder, which can be written to. Raises NoSpace."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise NoSpace(
            f"{directory} cannot be written ({error.strerror}). Set AUTOML_HOME to a folder that can."
        ) from error
    return directory


def home_folder(home: str | Path | None) -> Path:
    """Where studies live: as given, as AUTOML_HOME says, or ./automl-runs."""
    return Path(home or os.environ.get("AUTOML_HOME") or "automl-runs").expanduser().absolute()


def store_url(home: str | Path | None, db: str | None) -> str:
    """The database: as given, as AUTOML_DB says, or SQLite in the home folder."""
    return db or os.environ.get("AUTOML_DB") or default_url(home_folder(home))


def command(verb: str, study: str, db: str | None) -> str:
    """The command line for a study, as it is told to a user who named that database, or none."""
    return f"automl {verb} {study}{db_words(db)}"


def db_words(db: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """What a command that is told must add to reach the database: nothing where AUTOML_DB names it already.

    A password is never shown: such a URL is left to be put into AUTOML_DB.
    """
    if db is None or db == environment.get("AUTOML_DB"):
        return ""
    return ' --db "$AUTOML_DB"' if holds_password(db) else f" --db {shlex.quote(db)}"


def shipped(name: str) -> Path:
    """A file of `configs/`, in a checkout or as installed."""
    spec = importlib.util.find_spec("automl")
    package = Path(spec.origin).parent if spec is not None and spec.origin is not None else Path("automl")
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / name).is_file():
            return folder / name
    raise AutoMLError(f"configs/{name} is missing from this installation. Install automl again.")
