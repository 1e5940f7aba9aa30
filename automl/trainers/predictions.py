"""Predictions of a network on a list of images, as a small file. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.files.archives import DAMAGED
from automl.files.atomic import replacing

_FORMAT = 1
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImagePredictions:
    """Predictions on one image, most confident first."""

    boxes: Floats  # (n, 4) x y width height: centre and size, fractions of the image
    confidence: Floats  # (n,) in [0, 1]
    classes: Ints  # (n,) ids of the network's own classes

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Predictions on a list of images. Those of all images lie in one array, in the order of the images."""

    images: tuple[str, ...]  # as they were named to the predictor
    names: tuple[str, ...]  # of the network's classes, by id
    sizes: Ints  # (images, 2) width and height in pixels, as they are shown
    counts: Ints  # (images,) number of predictions of each image
    boxes: Floats  # (n, 4) x y width height: centre and size, fractions of the image
    confidence: Floats  # (n,) in [0, 1]; within an image in descending order
    classes: Ints  # (n,)
    imgsz: int  # pixels
    least: float  # confidence below which nothing was kept
    weights: str = ""  # digest of the weights file, to know whether the file still belongs to it

    def __post_init__(self) -> None:
        """Raise ValueError if the arrays do not belong together."""
        total, images = int(self.counts.sum()), len(self.images)
        if self.sizes.shape != (images, 2) or self.counts.shape != (images,) or (self.counts < 0).any():
            raise ValueError("sizes and counts have one row for each image")
        if self.boxes.shape != (total, 4) or self.confidence.shape != (total,) or self.classes.shape != (total,):
            raise ValueError("boxes, confidence and classes have one row for each prediction")

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImagePredictions]:
        ends = np.cumsum(self.counts)
        for begin, end in zip(ends - self.counts, ends, strict=True):
            rows = slice(int(begin), int(end))
            yield ImagePredictions(boxes=self.boxes[rows], confidence=self.confidence[rows], classes=self.classes[rows])

    def by_image(self) -> Mapping[str, ImagePredictions]:
        """Predictions by the image's name."""
        return dict(zip(self.images, self, strict=True))


def gathered(
    images: Sequence[str],
    predicted: Sequence[ImagePredictions],
    sizes: Sequence[tuple[int, int]],
    *,
    names: Sequence[str],
    imgsz: int,
    least: float,
    weights: str = "",
) -> Predictions:
    """The record of the predictions on each of the images."""
    ordered = [_ordered(single) for single in predicted]
    return Predictions(
        images=tuple(images),
        names=tuple(names),
        sizes=np.asarray(sizes, dtype=np.int32).reshape(-1, 2),
        counts=np.array([len(single) for single in ordered], dtype=np.int32),
        boxes=np.concatenate([np.zeros((0, 4), np.float32), *(single.boxes for single in ordered)]),
        confidence=np.concatenate([np.zeros(0, np.float32), *(single.confidence for single in ordered)]),
        classes=np.concatenate([np.zeros(0, np.int32), *(single.classes for single in ordered)]),
        imgsz=imgsz,
        least=least,
        weights=weights,
    )


def _ordered(single: ImagePredictions) -> ImagePredictions:
    order = np.argsort(-single.confidence, kind="stable")
    return ImagePredictions(
        boxes=single.boxes[order], confidence=single.confidence[order], classes=single.classes[order]
    )


def save(predictions: Predictions, file: Path) -> None:
    """Write the predictions, whole or not at all: about 15 bytes for each one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as part, part.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=np.int32(_FORMAT),
            images=_text(predictions.images),
            names=_text(predictions.names),
            sizes=predictions.sizes,
            counts=predictions.counts,
            boxes=predictions.boxes,
            confidence=predictions.confidence,
            classes=predictions.classes,
            imgsz=np.int32(predictions.imgsz),
            least=np.float64(predictions.least),
            weights=_text([predictions.weights]),
        )


def load(file: Path) -> Predictions | None:
    """Predictions from a file of `save`; None if there is none, or if it is damaged or of another version."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
        if int(arrays.pop("format")) != _FORMAT:
            return None
        texts = {name: _words(arrays[name]) for name in ("images", "names", "weights")}
        known: dict[str, Any] = {name: arrays[name] for name in ("sizes", "counts", "boxes", "confidence", "classes")}
        known |= {"imgsz": int(arrays["imgsz"]), "least": float(arrays["least"]), "weights": texts["weights"][0]}
        return Predictions(images=texts["images"], names=texts["names"], **known)
    except DAMAGED:
        return None


def _text(words: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Texts as bytes: names of files may hold anything but a zero byte, and need not be valid Unicode."""
    return np.frombuffer("\0".join(words).encode("utf-8", "surrogateescape") + b"\1", dtype=np.uint8)


def _words(content: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    text = content.tobytes().removesuffix(b"\1").decode("utf-8", "surrogateescape")
    return tuple(text.split("\0")) if text else ()
