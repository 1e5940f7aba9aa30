"""Folders of data checks below the home: a report as JSON and HTML, its pictures beside it. Each is whole or absent."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REPORT, PAGE = "report.json", "report.html"
_CHECKS = "checks"


def checks_folder(home: Path, data: Path | str) -> Path:
    """Folder of the newest check of a data.yaml. Pure: nothing is created.

    data  absolute path of the file
    """
    return home / _CHECKS / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]


def picture_file(folder: Path, name: str) -> Path:
    """File of a report's picture. Only the name counts: a report cannot lead out of its folder."""
    return folder / name.replace("\\", "/").rpartition("/")[2]


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Empty folder beside `folder` to write into; it replaces `folder` when the block ends without an error.

    Raises OSError where nothing can be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:12]  # of no other process
    new, old = (folder.with_name(f".{folder.name}.{mark}.{state}") for state in ("new", "old"))
    new.mkdir()
    try:
        yield new
        with suppress(FileNotFoundError):
            folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:
            with suppress(OSError):
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
