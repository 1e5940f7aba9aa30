"""Files at a second place without a second copy, where the file system allows it."""

from __future__ import annotations

import os
import shutil
from enum import StrEnum
from pathlib import Path

from automl.files.home import not_writable


class Link(StrEnum):
    """Kinds of a file at a second place, the cheapest first."""

    SYMBOLIC = "symbolic link"
    HARD = "hard link"
    COPY = "copy"


def link(source: Path, target: Path) -> Link:
    """Put a file at a second place, by the first kind of Link that works there.

    Raises NoSpace if none does.
    """
    source = source.absolute()
    for kind, place in ((Link.SYMBOLIC, os.symlink), (Link.HARD, os.link)):
        try:
            place(source, target)
        except (OSError, NotImplementedError):  # Windows without the right, another disk, FAT
            continue
        return kind
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise not_writable(target.parent, error) from error
    return Link.COPY
