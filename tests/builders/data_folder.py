"""Data sets that are never opened as images, for tests of what is read and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

BCCD = Path(__file__).parents[2].parent / "shared" / "data" / "bccd"
needs_bccd = pytest.mark.skipif(not BCCD.is_dir(), reason="the BCCD data set is not beside the repository")
BOX = "0 0.5 0.5 0.2 0.2\n"
POLYGON = "1 0.1 0.1 0.5 0.1 0.3 0.6\n"

Make = Callable[..., Path]


def write_image(image: Path, labels: str | None) -> Path:
    """A file that passes for an image, as nothing opens it, and the label file that belongs to it."""
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"pixels")
    label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
    label.parent.mkdir(parents=True, exist_ok=True)
    if labels is not None:
        label.write_text(labels)
    return label
