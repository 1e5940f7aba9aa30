"""Files that are written whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Path to write to, beside `file`; it replaces `file` when the block ends without an error.

    Readers see the old file or the new one, never a part. If the block writes nothing the old file stays.
    """
    part = file.with_name(f".{file.stem}.{uuid.uuid4().hex[:12]}{file.suffix}")  # of no other process or thread
    try:
        yield part
        if part.exists():
            part.replace(file)
    finally:
        part.unlink(missing_ok=True)
