"""Data sets of tiny images, for tests of what is read and refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

BCCD = Path(__file__).parents[2].parent / "shared" / "data" / "bccd"
needs_bccd = pytest.mark.skipif(not BCCD.is_dir(), reason="the BCCD data set is not beside the repository")
BOX = "0 0.5 0.5 0.2 0.2\n"
POLYGON = "1 0.1 0.1 0.5 0.1 0.3 0.6\n"

Make = Callable[..., Path]


def write_image(image: Path, labels: str | None) -> Path:
    """A small image, and the label file that belongs to it."""
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(image_bytes())
    label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
    label.parent.mkdir(parents=True, exist_ok=True)
    if labels is not None:
        label.write_text(labels)
    return label


@cache
def image_bytes(kind: str = "JPEG", size: tuple[int, int] = (32, 24), mode: str = "RGB", **options: object) -> bytes:
    """Content of an image file in a format of Pillow's: a slope from dark to bright."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()
