"""Predictions matched with labelled objects, as Ultralytics does it. Pure; numpy only.

At each IoU threshold, predictions claim objects of their class, the most confident first: each the one that it
overlaps most among those that are left. Claims of all images are settled together: a prediction asks for its objects
in the order of their overlap, and an object keeps the most confident one that has asked. As all objects prefer the
most confident one, the result is that of the claims one after another.

Source: Ultralytics 8.4.190, `engine/validator.py` (`match_predictions`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.scores.boxes import ImagePredictions
from automl.scores.resample import LEVELS

THRESHOLDS = np.linspace(0.5, 0.95, LEVELS).astype(np.float32)  # of IoU
_EPSILON = 1e-7
Indices = npt.NDArray[np.int64]
Corners = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Predictions and objects that overlap, by prediction and then by overlap, the highest first."""

    predictions: Indices  # the most confident of an image first
    objects: Indices
    overlap: npt.NDArray[np.float32]  # IoU


def pairs_of(
    predicted: ImagePredictions,
    boxes: npt.NDArray[np.floating],
    classes: npt.NDArray[np.integer] | None,
    size: npt.NDArray[np.integer],
    least: float,
) -> Pairs:
    """Pairs of one image whose IoU is `least` or more.

    boxes    (m, 4) of the image's objects, as fractions
    classes  (m,) of them; None: an object may be of another class than its prediction
    size     (2,) width and height of the image in pixels
    """
    overlap = overlaps(corners(predicted.boxes, size), corners(boxes, size))
    if classes is not None:
        overlap = overlap * (predicted.classes[:, None] == classes[None])
    predictions, objects = np.nonzero(overlap >= np.float32(least))
    shared = overlap[predictions, objects]
    order = np.lexsort((objects, -shared, predictions))
    return Pairs(predictions=predictions[order], objects=objects[order], overlap=shared[order])


def joined(every: list[Pairs], found: npt.NDArray[np.integer], present: npt.NDArray[np.integer]) -> Pairs:
    """Pairs of all images, by their places in the arrays of all images.

    found, present  (images,) predictions and objects of each image
    """
    predictions, objects = np.cumsum(found) - found, np.cumsum(present) - present
    none = np.zeros(0, np.int64)
    return Pairs(
        predictions=np.concatenate(
            [none, *(own.predictions + begin for own, begin in zip(every, predictions, strict=True))]
        ),
        objects=np.concatenate([none, *(own.objects + begin for own, begin in zip(every, objects, strict=True))]),
        overlap=np.concatenate([np.zeros(0, np.float32), *(own.overlap for own in every)]),
    )


def right(pairs: Pairs, found: int, present: int) -> npt.NDArray[np.bool_]:
    """(found, 10) True for a right prediction, at each IoU threshold.

    found, present  numbers of predictions and of objects
    """
    hits = np.zeros((found, LEVELS), dtype=bool)
    for level, threshold in enumerate(THRESHOLDS):
        near = pairs.overlap >= threshold
        owners = claimed(pairs.predictions[near], pairs.objects[near], present)
        hits[owners[owners >= 0], level] = True
    return hits


def claimed(predictions: Indices, objects: Indices, present: int) -> Indices:
    """(present,) prediction that each object belongs to, or -1.

    predictions, objects  pairs that may match: by prediction, the most confident of an image first, and then in the
                          order in which the prediction prefers its objects
    """
    asking, begins = np.unique(predictions, return_index=True)
    ends = np.append(begins[1:], len(predictions))
    asked = begins.copy()  # pair that each prediction asks for next
    free = np.iinfo(np.int64).max
    owners = np.full(present, free)  # places in `asking`
    waiting = np.arange(len(asking))
    while len(waiting):
        wanted = objects[asked[waiting]]
        before = owners[wanted]
        np.minimum.at(owners, wanted, waiting)
        asked[waiting] += 1
        refused = waiting[owners[wanted] != waiting]
        replaced = before[(before != free) & (owners[wanted] != before)]
        waiting = np.unique(np.concatenate([refused, replaced]))
        waiting = waiting[asked[waiting] < ends[waiting]]
    taken = owners != free
    return np.where(taken, asking[np.where(taken, owners, 0)] if len(asking) else -1, -1)


def corners(boxes: npt.NDArray[np.floating], size: npt.NDArray[np.integer]) -> Corners:
    """Boxes as left, top, right, bottom in pixels, from centre and size as fractions."""
    whole = boxes * np.tile(np.asarray(size, dtype=np.float32), 2)
    half = whole[:, 2:] / 2
    edges: Corners = np.concatenate([whole[:, :2] - half, whole[:, :2] + half], axis=1).astype(np.float32)
    return edges


def overlaps(first: Corners, second: Corners) -> npt.NDArray[np.float32]:
    """(n, m) IoU in [0, 1] of boxes given by their corners."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    shared: npt.NDArray[np.float32] = inner / (areas[0][:, None] + areas[1][None] - inner + np.float32(_EPSILON))
    return shared
