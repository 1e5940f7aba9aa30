"""The evaluator: figures of predictions on labelled images, as Ultralytics computes them. Pure; numpy only.

Everything that compares networks on the same images, such as ensembles, soups, diagnoses and pictures, asks here.

Source: Ultralytics 8.4, `engine/validator.py` (`match_predictions`) and `utils/metrics.py` (`ap_per_class`): at each
IoU threshold a prediction belongs to the object of its class that it overlaps most, and of the predictions of one
object the most confident is right. Average precision is that of `resample`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError
from automl.scores.boxes import Floats, ImagePredictions, Predictions, Truth
from automl.scores.resample import LEVELS, Detections

THRESHOLDS = np.linspace(0.5, 0.95, LEVELS)  # of IoU
_EPSILON = 1e-7


def match(predictions: Predictions, truth: Truth, sizes: npt.NDArray[np.integer] | None = None) -> Detections:
    """Predictions matched with the objects of the same images, in the order of `truth`.

    sizes  (images, 2) widths and heights in pixels, in the order of `truth`; None: those of the predictions

    Classes of the predictions are ids of `truth`: see `as_classes`. Raises AutoMLError for an image without
    predictions of its own, which is one that was not predicted.
    """
    by_image = predictions.by_image()
    missing = [image for image in truth.images if image not in by_image]
    if missing:
        raise AutoMLError(f"{len(missing)} images, such as {missing[0]}, have no predictions.")
    place = {image: number for number, image in enumerate(predictions.images)}
    pixels = predictions.sizes[[place[image] for image in truth.images]] if sizes is None else sizes
    ends = np.cumsum(truth.counts)
    found, correct = [by_image[image] for image in truth.images], []
    for own, size, begin, end in zip(found, pixels, ends - truth.counts, ends, strict=True):
        rows = slice(int(begin), int(end))
        correct.append(hits(own, truth.boxes[rows], truth.classes[rows], size))
    return Detections(
        images=digest(truth.images),
        found=np.array([len(single) for single in found], dtype=np.int32),
        correct=np.concatenate([np.zeros((0, LEVELS), bool), *correct]),
        confidence=np.concatenate([np.zeros(0, np.float32), *(single.confidence for single in found)]),
        classes=np.concatenate([np.zeros(0, np.int32), *(single.classes for single in found)]),
        present=truth.counts,
        objects=truth.classes,
    )


def hits(
    predicted: ImagePredictions, boxes: Floats, classes: npt.NDArray[np.integer], size: npt.NDArray[np.integer]
) -> npt.NDArray[np.bool_]:
    """(n, 10) True for a right prediction, at each IoU threshold.

    boxes    (m, 4) of the image's objects, as fractions
    classes  (m,) of them
    size     (2,) width and height of the image in pixels
    """
    right = np.zeros((len(predicted), LEVELS), dtype=bool)
    if not len(predicted) or not len(boxes):
        return right
    overlap = overlaps(corners(predicted.boxes, size), corners(boxes, size))
    overlap *= predicted.classes[:, None] == classes[None]
    nearest, highest = overlap.argmax(axis=1), overlap.max(axis=1)
    for level, threshold in enumerate(THRESHOLDS):
        near = np.flatnonzero(highest >= threshold)
        _, first = np.unique(nearest[near], return_index=True)
        right[near[first], level] = True
    return right


def corners(boxes: npt.NDArray[np.floating], size: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Boxes as left, top, right, bottom in pixels, from centre and size as fractions."""
    whole = boxes.astype(np.float64) * np.tile(np.asarray(size, dtype=np.float64), 2)
    half = whole[:, 2:] / 2
    return np.concatenate([whole[:, :2] - half, whole[:, :2] + half], axis=1)


def overlaps(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, m) IoU in [0, 1] of boxes given by their corners."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    shared: npt.NDArray[np.float64] = inner / (areas[0][:, None] + areas[1][None] - inner + _EPSILON)
    return shared


def digest(images: Iterable[str]) -> str:
    """Hex digest of file names; equal digests mean the same images in the same order."""
    return hashlib.sha256("\n".join(Path(image).name for image in images).encode("utf-8", "replace")).hexdigest()
