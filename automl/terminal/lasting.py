"""Output of a search that outlives the place where it is printed: a terminal, a pipe, or a file on a full disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from automl.host import hangup


class Lasting:
    """A stream whose failures end nothing: once it cannot be written, what is printed goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        try:
            return self._stream.write(text)
        except OSError:
            self._drop()
            return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines, or drop them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what was written, or drop it."""
        try:
            self._stream.flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Lead the stream's file nowhere: what waits in its buffer, and what libraries write there, fails no more."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def lasting() -> Iterator[None]:
    """Let the command within outlive its terminal, and whatever else its output goes to."""
    streams = sys.stdout, sys.stderr
    out, error = (stream and cast(TextIO, Lasting(stream)) for stream in streams)
    with hangup.survived():
        sys.stdout, sys.stderr = out, error
        try:
            yield
        finally:
            for stream in (out, error):
                if stream is not None:
                    stream.flush()
            sys.stdout, sys.stderr = streams
