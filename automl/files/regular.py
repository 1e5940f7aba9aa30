"""Regular files, opened so that a pipe or a device in their place neither waits nor fills the memory."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO


def open_regular(file: str | Path) -> IO[bytes]:
    """The file, open for bytes. Raises OSError, for what is no regular file too."""
    return open(file, "rb", opener=_opener)


def read_regular(file: str | Path) -> bytes:
    """The content of a file. Raises OSError, for what is no regular file too."""
    with open_regular(file) as stream:
        return stream.read()


def read_regular_text(file: str | Path) -> str:
    """The text of a file in UTF-8. Raises OSError or UnicodeDecodeError."""
    return read_regular(file).decode("utf-8-sig")


def is_file(place: Path) -> bool:
    """True for a file that can be seen; False below a closed folder, and for a name that no file can have."""
    try:
        return place.is_file()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def _opener(file: str, flags: int) -> int:
    """A handle of the file. The opening of a pipe does not wait where the system knows how."""
    handle = os.open(file, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), file)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", file)
    except BaseException:
        os.close(handle)
        raise
    return handle
