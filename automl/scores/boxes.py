"""Boxes on the images of a split: predictions of a network, and the labelled objects. Numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

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
    boxes: Floats  # (n, 4) x y width height: centre and size, fractions of the image; a box may leave it, see `cut`
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """Labelled objects of a list of images. Those of all images lie in one array, in the order of the images."""

    images: tuple[str, ...]  # absolute paths
    names: tuple[str, ...]  # of the classes, by id
    counts: Ints  # (images,) number of objects of each image
    boxes: Floats  # (n, 4) x y width height: centre and size, fractions of the image
    classes: Ints  # (n,)

    def __post_init__(self) -> None:
        """Raise ValueError if the arrays do not belong together."""
        total = int(self.counts.sum())
        if self.counts.shape != (len(self.images),) or self.boxes.shape != (total, 4) or self.classes.shape != (total,):
            raise ValueError("counts have one row for each image; boxes and classes one for each object")

    def __len__(self) -> int:
        return len(self.images)


def cut(predictions: Predictions) -> Predictions:
    """The predictions with their boxes cut at the border of the image, without those that lie beside it."""
    corners = np.concatenate(
        [
            predictions.boxes[:, :2] - predictions.boxes[:, 2:] / 2,
            predictions.boxes[:, :2] + predictions.boxes[:, 2:] / 2,
        ],
        axis=1,
    ).clip(0, 1)
    sizes = corners[:, 2:] - corners[:, :2]
    inside = (sizes > 0).all(axis=1)
    boxes = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, sizes], axis=1)
    return only(replace(predictions, boxes=boxes.astype(np.float32)), inside)


def only(predictions: Predictions, rows: npt.NDArray[np.bool_]) -> Predictions:
    """Those of the predictions for which `rows` is true, on the same images."""
    owners = np.repeat(np.arange(len(predictions)), predictions.counts)
    return replace(
        predictions,
        counts=np.bincount(owners[rows], minlength=len(predictions)).astype(np.int32),
        boxes=predictions.boxes[rows],
        confidence=predictions.confidence[rows],
        classes=predictions.classes[rows],
    )
