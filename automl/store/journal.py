"""The journal of a session: rows on disk, in the study's folder, until the database has them.

One file for each session, of one line for each group of rows: a checksum and JSON with the number of the group. Its
space is reserved ahead, so that the last rows of a search find room on a full disk.
"""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

SUFFIX = ".jsonl"
RESERVE = 1 << 20  # bytes that are reserved, and to which an emptied file shrinks
LINES = 64  # groups that are read at once

_SYNC_S = 1.0  # a power cut may cost that much; a kill costs nothing. So fsync takes under 1 % of the time
_sync = getattr(os, "fdatasync", os.fsync)  # cheaper, since the length of the file does not change


@dataclass(frozen=True)
class Entry:
    """One group of rows."""

    number: int  # from 1; without gaps
    rows: int  # for a message
    document: dict[str, Any]  # of a Batch


class Journal:
    """Groups of rows of one session that are not in the database yet, first in first out.

    One thread appends, another one reads and forgets. Where the disk takes no more, groups wait in memory, and
    `problem` says so: the caller has to end soon.

    file  to be created; None: groups wait in memory, for commands of a moment
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.problem: str | None = None  # reason for which the disk takes no more; None while it does
        self.last = 0  # number of the latest group
        self.rows = 0  # that wait
        self._memory: deque[Entry] = deque()
        self._lock = Lock()
        self._size = self._end = self._tail = 0  # bytes of the file, of its lines, and of those that are stored
        self._ahead: list[tuple[Entry, int]] = []  # groups that were read, each with the end of its line
        self._synced_at = -math.inf
        self._handle: BinaryIO | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handle = file.open("x+b", buffering=0)
            self._reserve(RESERVE)

    @property
    def empty(self) -> bool:
        """True if no group waits."""
        return self._tail == self._end and not self._memory

    @property
    def lost_rows(self) -> int:
        """Rows that end with the process: those that are not on disk."""
        return sum(entry.rows for entry in self._memory)

    def append(self, document: dict[str, Any], rows: int) -> None:
        """Put a group on disk. Without room it waits in memory."""
        with self._lock:
            entry = Entry(self.last + 1, rows, document)
            if self._handle is None or self._memory or not self._written(encode(entry)):
                self._memory.append(entry)
            self.last, self.rows = entry.number, self.rows + rows

    def waiting(self) -> list[Entry]:
        """The oldest groups that are not stored; a few at once."""
        with self._lock:
            self._ahead = list(self._read())
            return [entry for entry, _ in self._ahead] or [*self._memory][:LINES]

    def stored(self, number: int) -> None:
        """Forget the groups up to that number, of those that `waiting` gave last: the database has them."""
        with self._lock:
            for entry, end in self._ahead:
                if entry.number <= number:
                    self._tail, self.rows = end, self.rows - entry.rows
            self._ahead = []
            while self._memory and self._memory[0].number <= number:
                self.rows -= self._memory.popleft().rows
            if self._tail == self._end > RESERVE // 2:
                self._rewind()

    def remove(self) -> None:
        """Close the file and delete it."""
        with self._lock:
            if self._handle is not None and self.file is not None:
                self._handle.close()
                self._handle = None
                discard(self.file)

    def leave(self) -> None:
        """Close the file, and leave it for a later command."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _written(self, line: bytes) -> bool:
        """True once the line is on disk. `problem` is set where room is short, even if this line has found some."""
        if self._size - self._end - len(line) < RESERVE // 2:
            self._reserve(self._size + max(RESERVE, len(line)))
        try:
            self._put(self._end, line)
        except OSError as error:
            self.problem = self.problem or (error.strerror or str(error))
            return False
        self._end += len(line)
        self._size = max(self._size, self._end)
        return True

    def _reserve(self, size: int) -> None:
        """Make the file that long, with blank lines."""
        try:
            self._put(self._size, b"\n" * (size - self._size))
            self._size = size
        except OSError as error:
            self.problem = error.strerror or str(error)

    def _put(self, position: int, data: bytes) -> None:
        assert self._handle is not None
        self._handle.seek(position)
        view = memoryview(data)
        while view:
            view = view[self._handle.write(view) :]
        if position + len(data) > self._size or time.monotonic() - self._synced_at >= _SYNC_S:
            _sync(self._handle.fileno())
            self._synced_at = time.monotonic()

    def _read(self) -> Iterator[tuple[Entry, int]]:
        position = self._tail
        if self._handle is None or position == self._end:
            return
        with os.fdopen(os.dup(self._handle.fileno()), "rb") as lines:  # even if somebody has deleted the file
            lines.seek(position)
            for _ in range(LINES):
                if position >= self._end:
                    return
                line = lines.readline()
                entry = decode(line)
                assert entry is not None
                position += len(line)
                yield entry, position

    def _rewind(self) -> None:
        """Begin again at the top of the file. Old lines stay below the new ones; their numbers tell them apart."""
        self._tail = self._end = 0
        if self._size > RESERVE and self._handle is not None:
            with suppress(OSError):
                self._handle.truncate(RESERVE)
                self._size = RESERVE


def encode(entry: Entry) -> bytes:
    """The line of a group."""
    text = json.dumps({"n": entry.number, "rows": entry.rows, "batch": entry.document}, default=_plain).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode(line: bytes) -> Entry | None:
    """The group of a line; None for a blank line or one that was not written to its end."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or not text or checksum != b"%08x" % zlib.crc32(text):
        return None
    document = json.loads(text)
    return Entry(document["n"], document["rows"], document["batch"])


def entries(file: Path) -> Iterator[Entry]:
    """Groups of a file that a session has left, in their order; without a last one that was torn."""
    number = None
    with file.open("rb") as lines:
        for line in lines:
            entry = decode(line)
            if entry is None or number not in (None, entry.number - 1):
                return
            number = entry.number
            yield entry


def files(folder: Path) -> list[Path]:
    """Journals that sessions have left in a study's folder of journals."""
    try:
        return sorted(folder.glob(f"*{SUFFIX}"))
    except OSError:
        return []


def discard(file: Path) -> None:
    """Delete a journal, and its folder with the last one."""
    with suppress(OSError):
        file.unlink(missing_ok=True)
        file.parent.rmdir()


def _plain(value: Any) -> Any:
    """A number of another library as one of Python."""
    return value.item() if hasattr(value, "item") else str(value)
