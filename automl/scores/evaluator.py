"""The evaluator: figures of predictions on labelled images, as Ultralytics computes them. Pure; numpy only.

Everything that compares networks on the same images, such as ensembles, soups, diagnoses and pictures, asks here.
`matching` says which prediction is right, `curves` has precision and recall, `confusion` mistaken classes, `resample`
intervals, and `summary` the figures of a set of predictions as one record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError
from automl.scores.boxes import ImagePredictions, Predictions, Truth, only
from automl.scores.matching import THRESHOLDS, Pairs, corners, joined, overlaps, pairs_of, right
from automl.scores.resample import Detections

__all__ = ["THRESHOLDS", "as_classes", "corners", "digest", "hits", "match", "on_images", "overlaps"]


def match(predictions: Predictions, truth: Truth, sizes: npt.NDArray[np.integer] | None = None) -> Detections:
    """Predictions matched with the objects of the same images, in the order of `truth`.

    sizes  (images, 2) widths and heights in pixels, in the order of `truth`; None: those of the predictions

    Classes of the predictions are ids of `truth`: see `as_classes`. Raises AutoMLError for an image without
    predictions of its own, which is one that was not predicted.
    """
    own = on_images(predictions, truth.images)
    pairs = paired(own, truth, float(THRESHOLDS[0]), sizes)
    return Detections(
        images=digest(truth.images),
        found=own.counts,
        correct=right(pairs, len(own.confidence), len(truth.classes)),
        confidence=own.confidence,
        classes=own.classes,
        present=truth.counts,
        objects=truth.classes,
    )


def paired(
    own: Predictions,
    truth: Truth,
    least: float,
    sizes: npt.NDArray[np.integer] | None = None,
    *,
    any_class: bool = False,
) -> Pairs:
    """Pairs of predictions and objects, both in the order of the same images, whose IoU is `least` or more.

    any_class  True: those of unlike classes too
    """
    pixels = own.sizes if sizes is None else sizes
    ends, every = np.cumsum(truth.counts), []
    for single, size, begin, end in zip(own, pixels, ends - truth.counts, ends, strict=True):
        rows = slice(int(begin), int(end))
        classes = None if any_class else truth.classes[rows]
        every.append(pairs_of(single, truth.boxes[rows], classes, size, least))
    return joined(every, own.counts, truth.counts)


def on_images(predictions: Predictions, images: Sequence[str]) -> Predictions:
    """The predictions on these images alone, in their order. Raises AutoMLError for an image that has none."""
    if predictions.images == tuple(images):
        return predictions
    place = {image: number for number, image in enumerate(predictions.images)}
    missing = [image for image in images if image not in place]
    if missing:
        raise AutoMLError(f"{len(missing)} images, such as {missing[0]}, have no predictions.")
    order = np.array([place[image] for image in images], dtype=np.int64)
    begins = (np.cumsum(predictions.counts) - predictions.counts)[order]
    counts = predictions.counts[order]
    shift = np.repeat(begins - (np.cumsum(counts) - counts), counts)
    rows = np.arange(int(counts.sum())) + shift
    return replace(
        predictions,
        images=tuple(images),
        sizes=predictions.sizes[order],
        counts=counts,
        boxes=predictions.boxes[rows],
        confidence=predictions.confidence[rows],
        classes=predictions.classes[rows],
    )


def as_classes(predictions: Predictions, names: Sequence[str]) -> Predictions:
    """The predictions with classes by their place in `names`; those of classes that it lacks are left out."""
    if predictions.names == tuple(names):
        return predictions
    place = {name: number for number, name in enumerate(names)}
    ids = np.array([place.get(name, -1) for name in predictions.names], dtype=np.int32)
    classes = ids[predictions.classes] if len(ids) else predictions.classes
    return only(replace(predictions, names=tuple(names), classes=classes), classes >= 0)


def hits(
    predicted: ImagePredictions,
    boxes: npt.NDArray[np.floating],
    classes: npt.NDArray[np.integer],
    size: npt.NDArray[np.integer],
) -> npt.NDArray[np.bool_]:
    """(n, 10) True for a right prediction on one image, at each IoU threshold.

    boxes    (m, 4) of the image's objects, as fractions
    classes  (m,) of them
    size     (2,) width and height of the image in pixels
    """
    return right(pairs_of(predicted, boxes, classes, size, float(THRESHOLDS[0])), len(predicted), len(boxes))


def digest(images: Iterable[str]) -> str:
    """Hex digest of file names; equal digests mean the same images in the same order."""
    return hashlib.sha256("\n".join(Path(image).name for image in images).encode("utf-8", "replace")).hexdigest()
