"""Sizes of the training boxes in pixels, from label files and the headers of images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from automl.data.dataset import Dataset
from automl.data.labels import label_path, sides_in

MOST_IMAGES = 2000  # of train that are read: shares of boxes are then known to about 1 %
_TURNED = range(5, 9)  # EXIF orientations that swap width and height, as Ultralytics does
_ORIENTATION = 0x0112

_Image = TypeVar("_Image")


@dataclass(frozen=True, kw_only=True)
class BoxSizes:
    """Sides of boxes, in pixels of images whose longer side was scaled to `at`."""

    at: int
    sides: tuple[float, ...]  # ascending: square roots of the boxes' areas

    def under(self, pixels: float) -> float:
        """Share of the boxes whose side is shorter than so many pixels; 0 without boxes."""
        return sum(side < pixels for side in self.sides) / len(self.sides) if self.sides else 0.0


def box_sizes(dataset: Dataset, *, at: int = 640, most: int = MOST_IMAGES) -> BoxSizes:
    """Sides of the boxes in train, from `most` images at most, evenly spread over it.

    An image that cannot be opened is passed over: a training says so.
    """
    columns = math.prod(dataset.extra.get("kpt_shape", (0,)))
    sides = [side for image in spread(dataset.train.images, most) for side in _sides(image, at, columns)]
    return BoxSizes(at=at, sides=tuple(sorted(sides)))


def spread(images: Sequence[_Image], most: int) -> Iterator[_Image]:
    """So many of the images at most, evenly spread over them."""
    count = min(most, len(images))
    return (images[number * len(images) // count] for number in range(count))


def _sides(image: Path, at: int, keypoint_columns: int) -> list[float]:
    fractions = sides_in(label_path(str(image)), keypoint_columns)
    size = _size(image) if fractions else None
    if size is None:
        return []
    width, height = (at * side / max(size) for side in size)
    return [math.sqrt(x * width * y * height) for x, y in fractions]


def _size(image: Path) -> tuple[int, int] | None:
    """Width and height in pixels as they are shown, from the header; None if it cannot be read."""
    from PIL import Image

    unreadable = (OSError, ValueError, SyntaxError, Image.DecompressionBombError, ImportError)
    with suppress(*unreadable), Image.open(image) as picture:  # ImportError: Ultralytics' patch asks for pi-heif
        turned = picture.format == "JPEG" and picture.getexif().get(_ORIENTATION) in _TURNED
        width, height = picture.size
        return (height, width) if turned else (width, height)
    return None
