"""Facts of data sets whose images lie in a folder, for tests of pictures and reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from automl.checks.facts import HASH_BYTES, Facts, SplitFacts
from tests.builders.data_folder import image_bytes

Row = tuple[int, float, float, float, float]  # class, centre x and y, width and height


def drawn_split(folder: Path, rows: Sequence[Sequence[Row]], split: str = "train", **fields: Any) -> SplitFacts:
    """A split with an image for each list of label rows."""
    place = folder / "images" / split
    place.mkdir(parents=True, exist_ok=True)
    images = [place / f"{number:03}.jpg" for number in range(len(rows))]
    for image in images:
        image.write_bytes(image_bytes(size=(64, 48)))
    table = np.array(
        [(image, line, *row) for image, file in enumerate(rows) for line, row in enumerate(file, start=1)], dtype=float
    ).reshape(-1, 7)
    count = len(images)
    values: dict[str, Any] = {
        "split": split,
        "sources": (place,),
        "images": tuple(map(str, images)),
        "labelled": np.ones(count, dtype=np.bool_),
        "width": np.full(count, 64, dtype=np.int32),
        "height": np.full(count, 48, dtype=np.int32),
        "turned": np.zeros(count, dtype=np.bool_),
        "box_image": table[:, 0].astype(np.int32),
        "box_line": table[:, 1].astype(np.int32),
        "box_class": table[:, 2].astype(np.int32),
        "boxes": table[:, 3:].astype(np.float32),
        "polygon": np.zeros(len(table), dtype=np.bool_),
        "decoded": np.zeros(0, dtype=np.bool_),
        "brightness": np.zeros(0, dtype=np.float32),
        "contrast": np.zeros(0, dtype=np.float32),
        "hashes": np.zeros((0, HASH_BYTES), dtype=np.uint8),
    }
    return SplitFacts(**{**values, **fields})


def drawn_facts(folder: Path, *splits: SplitFacts, names: Sequence[str] = ("cat", "dog")) -> Facts:
    """Facts of a data set with those splits."""
    return Facts(file=folder / "data.yaml", names=tuple(names), splits={split.split: split for split in splits})
