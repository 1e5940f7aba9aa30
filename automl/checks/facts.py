"""Facts of a data set's files, as arrays: everything that findings are made of. Nothing here is judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.data.labels import RowFault
from automl.data.pixels import Flaw, Trait
from automl.records import Finding

HASH_BYTES = 32  # of the perceptual hash of an image


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """A label row that cannot be used, or a whole label file that cannot be read."""

    image: int  # index in the split
    line: int  # from 1
    text: str
    fault: RowFault = RowFault.TEXT


@dataclass(frozen=True, eq=False, kw_only=True)
class SplitFacts:
    """Facts of one split. Arrays have one entry for each image (n) or for each usable label row (m)."""

    split: str
    sources: tuple[Path, ...]  # absolute: folders of images, text files that list images
    images: tuple[str, ...]  # n absolute paths, sorted as Ultralytics sorts them
    labelled: NDArray[np.bool_]  # n: True if there is a label file
    width: NDArray[np.int32]  # n: pixels as shown, after a turn by EXIF; 0 where it cannot be read
    height: NDArray[np.int32]  # n
    turned: NDArray[np.bool_]  # n: True if EXIF turns or mirrors the image
    traits: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, dtype=np.uint16))  # n: flags of Trait
    flaws: Mapping[int, Flaw] = field(default_factory=dict)  # by image: reasons why it cannot be trained on
    problems: tuple[RowProblem, ...] = ()
    box_image: NDArray[np.int32]  # m: index of the image
    box_line: NDArray[np.int32]  # m: line in the label file, from 1
    box_class: NDArray[np.int32]  # m
    boxes: NDArray[np.float32]  # m x 4: centre x, y, width and height, fractions of the image
    polygon: NDArray[np.bool_]  # m: True if outlined by a polygon; the box then encloses it
    # Of pixels; empty where they were not read.
    decoded: NDArray[np.bool_]  # n: True if the pixels were read
    brightness: NDArray[np.float32]  # n: mean of grey, 0 to 255; NaN where not decoded
    contrast: NDArray[np.float32]  # n: standard deviation of grey; NaN where not decoded
    hashes: NDArray[np.uint8]  # n x HASH_BYTES: perceptual hash

    @property
    def has_pixels(self) -> bool:
        """True if the pixels were read."""
        return len(self.decoded) == len(self.images) > 0

    @property
    def whole(self) -> NDArray[np.bool_]:
        """(n,) True for images that can be used with all of their rows: only their numbers of boxes say something."""
        whole = np.ones(len(self.images), dtype=np.bool_)
        whole[[*self.flaws, *(problem.image for problem in self.problems)]] = False
        return whole

    def having(self, trait: Trait) -> NDArray[np.intp]:
        """Images with a trait, by index; none where traits were not read."""
        return np.flatnonzero(self.traits & trait.value)

    @property
    def per_image(self) -> NDArray[np.int64]:
        """Number of usable label rows of each image."""
        return np.bincount(self.box_image, minlength=len(self.images))


@dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """Facts of a data set."""

    file: Path  # absolute path of the data.yaml
    names: tuple[str, ...]  # by class id
    splits: Mapping[str, SplitFacts]  # by name, in the order train, val, test
    extra: Mapping[str, Any] = field(default_factory=dict)  # further keys of the data.yaml, such as channels
    noted: tuple[Finding, ...] = ()  # findings of reading itself: files left out, splits that are none, names

    @property
    def nc(self) -> int:
        """Number of classes."""
        return len(self.names)
