"""Files that are written whole or not at all, and that are still whole after a loss of power."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Path to write to, beside `file`; it replaces `file` when the block ends without an error.

    Readers see the old file or the new one, never a part. The new one is on the disk before it takes the name: else a
    loss of power could leave the name to an empty file. If the block writes nothing the old file stays.
    """
    part = file.with_name(f".{file.stem}.{uuid.uuid4().hex[:12]}{file.suffix}")  # of no other process or thread
    try:
        yield part
        if part.exists():
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(file)
            _keep_name(file.parent)
    finally:
        part.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """Let the folder's disk know the new name. Windows, and some file systems, open no folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
