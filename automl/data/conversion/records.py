"""Records of annotations on their way from another format to YOLO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

DATA = "data.yaml"
MARK = "# Written by automl from other annotations: the whole folder is replaced when they are converted again.\n"


class Kind(StrEnum):
    """Formats that are converted."""

    COCO = "coco"
    VOC = "voc"


class PixelBox(NamedTuple):
    """A box with its class. Pixel edges: a box over the whole image has left 0 and right = width."""

    name: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """One image with its boxes, all of them usable."""

    image: Path  # absolute; it exists
    name: str  # its place below the folder of its split, with slashes
    width: int  # pixels in which the boxes are measured
    height: int
    boxes: Sequence[PixelBox]


@dataclass
class Parts:
    """Images by split, as far as a source tells them."""

    names: list[str] = field(default_factory=list)  # classes by id
    splits: dict[str, list[Annotated]] = field(default_factory=dict)
    files: dict[str, list[Path]] = field(default_factory=dict)  # annotation files of each split
