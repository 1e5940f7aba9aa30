"""Output that outlasts its reader and its disk: a search goes on where nobody takes what it prints."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from typing import Any, TextIO

_READER_GONE = (errno.EPIPE, errno.EIO, errno.ECONNRESET)  # `| head`, a terminal that was closed


class Lasting:
    """A text stream that drops what cannot be written, and all of it once its reader is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None  # why text was dropped though someone reads, as on a full disk

    def write(self, text: str) -> int:
        """Write the text if that is possible; its length."""
        with self._trying():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write the lines if that is possible."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Write what is waiting if that is possible."""
        with self._trying():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _READER_GONE:
                self._to_nowhere()
            else:
                self.lost = error

    def _to_nowhere(self) -> None:
        """Let the stream end nowhere: so Python's own last flush, and what others print, succeed too."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def outlast() -> None:
    """Let this process's output outlast its reader and its disk, for good: Python flushes once more as it ends."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Lasting):
            setattr(sys, name, Lasting(stream))


class Lines:
    """File to which whole lines are appended, if its disk takes them. After a full disk it goes on with whole lines."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.problem: OSError | None = None  # that of the last line

    def add(self, line: str) -> bool:
        """Append the line; False where it is left out."""
        content, end = line.encode(), self._end()
        try:
            written = self._file.write(content)
            if written != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.problem = error
            with suppress(OSError):
                if end is not None:
                    self._file.truncate(end)  # no part of a line
            return False
        self.problem = None
        return True

    def _end(self) -> int | None:
        """Size of the file; None for a pipe."""
        try:
            return self._file.seek(0, os.SEEK_END)
        except OSError:
            return None
