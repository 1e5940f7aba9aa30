"""Facts of data sets that exist nowhere, for tests of findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from automl.checks.facts import HASH_BYTES, Facts, SplitFacts
from automl.records import Finding

Row = tuple[int, float, float, float, float]  # class, centre x and y, width and height
SQUARE: Row = (0, 0.5, 0.5, 0.2, 0.2)


def split_of(
    rows: Sequence[Sequence[Row]],
    *,
    split: str = "train",
    size: tuple[int, int] = (640, 480),
    unlabelled: Sequence[int] = (),
    brightness: ArrayLike | None = None,
    contrast: ArrayLike | None = None,
    hashes: NDArray[np.uint8] | None = None,
    **fields: Any,
) -> SplitFacts:
    """A split with the label rows of each image; pixels were read if a brightness or hashes are given."""
    count = len(rows)
    boxes = [(image, line, *row) for image, file in enumerate(rows) for line, row in enumerate(file, start=1)]
    table = np.array(boxes, dtype=float).reshape(-1, 7)
    pixels = brightness is not None or hashes is not None or contrast is not None
    known = count if pixels else 0
    values: dict[str, Any] = {
        "split": split,
        "sources": (Path(f"/data/images/{split}"),),
        "images": tuple(f"/data/images/{split}/{number:06}.jpg" for number in range(count)),
        "labelled": np.array([number not in unlabelled for number in range(count)], dtype=np.bool_),
        "width": np.full(count, size[0], dtype=np.int32),
        "height": np.full(count, size[1], dtype=np.int32),
        "turned": np.zeros(count, dtype=np.bool_),
        "box_image": table[:, 0].astype(np.int32),
        "box_line": table[:, 1].astype(np.int32),
        "box_class": table[:, 2].astype(np.int32),
        "boxes": table[:, 3:].astype(np.float32),
        "polygon": np.zeros(len(table), dtype=np.bool_),
        "decoded": np.full(known, fill_value=True),
        "brightness": _values(brightness, known, 120.0),
        "contrast": _values(contrast, known, 50.0),
        "hashes": hashes if hashes is not None else random_hashes(known),
    }
    return SplitFacts(**{**values, **fields})


def facts_of(*splits: SplitFacts, names: Sequence[str] = ("cat", "dog"), noted: Sequence[Finding] = ()) -> Facts:
    """Facts of a data set with those splits."""
    by_name = {split.split: split for split in splits}
    return Facts(file=Path("/data/data.yaml"), names=tuple(names), splits=by_name, noted=tuple(noted))


def boxes_of(*classes: int) -> list[Row]:
    """One row of each class."""
    return [(number, *SQUARE[1:]) for number in classes]


def random_hashes(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Hashes as unlike each other as those of different pictures."""
    return np.random.default_rng(seed).integers(0, 256, (count, HASH_BYTES), dtype=np.uint8)


def _values(values: ArrayLike | None, count: int, default: float) -> NDArray[np.float32]:
    return np.broadcast_to(np.asarray(default if values is None else values, dtype=np.float32), count).copy()
