"""Files of Git LFS that were not fetched: a few lines of text stand for the content."""

from __future__ import annotations

_HEAD = b"version https://git-lfs.github.com/spec/"
IN_WORDS = "a pointer of Git LFS, not the file itself"
WAY_OUT = "fetch the files with `git lfs pull` in their repository"


def is_pointer(head: bytes) -> bool:
    """True for the beginning of a pointer, of 100 bytes or more."""
    return head.startswith(_HEAD)
