"""Places that an export is written to: folders, SQLite files, servers; and errors of the tools as one sentence."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from automl.errors import AutoMLError, NoSpace
from automl.trackers.contents import shown

_OURS_TO_MEND = (AssertionError, AttributeError, IndexError, KeyError, NameError, TypeError)
_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433}
_PATIENCE_S = 10.0  # for the answer of a server
_SQLITE_NAMES = (".db", ".db3", ".sqlite", ".sqlite3")


def check_folder(tool: str, place: str) -> None:
    """Raise AutoMLError unless a folder of that name can be made and written."""
    if "://" in place:
        raise AutoMLError(f"--to {tool} {shown(place)}: this tool takes a folder, not a URL.")
    folder = Path(place).expanduser()
    if folder.exists() and not folder.is_dir():
        raise NoSpace(f"--to {tool} {place}: this is a file. Name a folder.")
    _check_writable(tool, place, folder)


@contextmanager
def writing(tool: str, place: str) -> Iterator[None]:
    """Turn an OSError within into NoSpace."""
    try:
        yield
    except OSError as error:
        raise NoSpace(
            f"--to {tool} {shown(place)} cannot be written ({error.strerror or error}). Choose another place."
        ) from error


@contextmanager
def reported(tool: str, place: str, way_out: str) -> Iterator[None]:
    """Turn an error of the tool within into one sentence, without a password.

    way_out  sentence on what to do
    """
    try:
        yield
    except (AutoMLError, *_OURS_TO_MEND):
        raise
    except Exception as error:
        raise AutoMLError(f"--to {tool} {shown(place)}: {_first_line(error, place)}. {way_out}") from error


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Environment variables of an engine, for those that the user has not set; restored at the end."""
    added = {key: value for key, value in values.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


def sqlite_file(url: str) -> Path | None:
    """File of an SQLite URL; None for another URL.

    Raises AutoMLError for a database in memory.
    """
    match = re.match(r"sqlite(?:\+\w+)?://(?:/(?P<file>[^?]*))?", url)
    if match is None:
        return None
    if not match["file"] or ":memory:" in match["file"]:
        raise AutoMLError(f"{url}: a database in memory ends with its process. Write sqlite:///FILE.")
    return Path(match["file"])


def check_sqlite(tool: str, url: str) -> None:
    """Raise AutoMLError if an SQLite URL names no file that can be written, or a place is such a file without a URL."""
    if "://" not in url:
        if url.lower().endswith(_SQLITE_NAMES) or _is_sqlite(Path(url)):
            raise AutoMLError(f"--to {tool} {url}: write a database as a URL: sqlite:///{url}")
        return
    file = sqlite_file(url)
    if file is None:
        return
    if file.is_dir():
        raise NoSpace(f"--to {tool} {url}: {file} is a folder. Name a file.")
    if file.exists() and file.stat().st_size and not _is_sqlite(file):
        raise AutoMLError(f"--to {tool} {url}: {file} is not an SQLite database. Name another file.")
    if not file.exists():
        _check_writable(tool, url, file.parent)
    elif not os.access(file, os.W_OK):
        raise NoSpace(f"--to {tool} {url}: {file} cannot be written. Choose another place.")


def with_driver(url: str) -> str:
    """URL of a database with the driver for Postgres that automl brings: SQLAlchemy 2.1 would look for another one."""
    return re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg2://", url)


def check_reachable(tool: str, url: str, way_out: str) -> None:
    """Raise AutoMLError if no server listens at the address of a database; some tools would try for minutes.

    way_out  sentence on what to do
    """
    with reported(tool, url, way_out):
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
        if parts.hostname and port and not parts.scheme.startswith("http"):
            socket.create_connection((parts.hostname, port), timeout=_PATIENCE_S).close()


def make_parent(url: str) -> None:
    """Create the folder of an SQLite URL."""
    file = sqlite_file(url)
    if file is not None:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)


def _check_writable(tool: str, place: str, folder: Path) -> None:
    """Raise NoSpace unless a folder can be written, or can be made."""
    above = next(part for part in (folder.absolute(), *folder.absolute().parents) if part.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise NoSpace(f"--to {tool} {place}: {above} cannot be written. Choose another place.")


def _is_sqlite(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"


def _first_line(error: Exception, place: str) -> str:
    """First line of an error's text that says something, without a password."""
    text = str(getattr(error, "orig", None) or error)
    lines = [line.strip() for line in text.replace(place, shown(place)).splitlines() if line.strip()]
    return shown(lines[0].rstrip(".")) if lines else type(error).__name__
