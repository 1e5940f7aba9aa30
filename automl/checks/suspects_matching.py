"""Match of the labels and the predictions of one image, and raw suspicions from it. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SAME = 0.6  # IoU from which two predictions are of one object, whatever their classes
_TOUCH = 0.1  # IoU from which a label and an object may belong together
_APART, _DUPLICATE = 0.25, 0.6  # IoU with a label of another object: up to here a second object, from here never one


@dataclass(frozen=True, kw_only=True, eq=False)
class Boxes:
    """Labels or predictions of one image."""

    boxes: Floats  # (n, 4) x y width height: centre and size, fractions of the image
    classes: Ints  # (n,)
    confidence: Floats  # (n,) in [0, 1]; ones for labels

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects:
    """Objects that a model sees: its predictions without those of an object that is there already."""

    boxes: Floats  # (m, 4) as above
    chances: Floats  # (m, classes) confidence by class

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def confidence(self) -> Floats:
        """Confidence of each object, of its most likely class."""
        highest: Floats = self.chances.max(axis=1, initial=0.0)
        return highest


@dataclass(frozen=True, kw_only=True, eq=False)
class Matched:
    """Labels and objects of one image, and how they overlap."""

    labels: Boxes
    objects: Objects
    overlap: Floats  # (n, m) IoU
    of_label: Ints  # (n,) its object; -1 without one
    of_object: Ints  # (m,) its label; -1 without one


def corners(boxes: Floats) -> Floats:
    """Boxes as left, top, right, bottom."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def overlaps(first: Floats, second: Floats) -> Floats:
    """IoU of each box with each other one: (n, m) in [0, 1]; 0 for a box without area."""
    a, b = corners(first)[:, None], corners(second)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    inner = sides.prod(axis=-1)
    union = first[:, 2:].prod(axis=1)[:, None] + second[:, 2:].prod(axis=1)[None] - inner
    shares: Floats = np.clip(np.divide(inner, union, out=np.zeros_like(inner), where=union > 0), 0, 1)
    return shares


def objects_of(predictions: Boxes, classes: int) -> Objects:
    """The objects of predictions: each takes in the less confident predictions that lie upon it, of any class."""
    order = np.lexsort((*predictions.boxes.T, predictions.classes, -predictions.confidence))
    boxes, kinds, confidence = predictions.boxes[order], predictions.classes[order], predictions.confidence[order]
    same = overlaps(boxes, boxes) >= _SAME
    waiting = np.ones(len(boxes), dtype=bool)
    kept: list[int] = []
    chances: list[Floats] = []
    for number in range(len(boxes)):
        if not waiting[number]:
            continue
        members = same[number] & waiting
        members[number] = True
        waiting &= ~members
        row = np.zeros(classes)
        np.maximum.at(row, kinds[members], confidence[members])
        kept.append(number)
        chances.append(row)
    return Objects(boxes=boxes[kept].reshape(-1, 4), chances=np.array(chances).reshape(-1, classes))


def match(labels: Boxes, objects: Objects) -> Matched:
    """Assign objects to labels, one to one, so that the sum of overlaps is largest. Confident objects come first."""
    overlap = overlaps(labels.boxes, objects.boxes)
    worth = np.where(overlap >= _TOUCH, overlap * np.sqrt(objects.confidence)[None], 0.0)
    of_label, of_object = np.full(len(labels), -1), np.full(len(objects), -1)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    for row, column in zip(rows, columns, strict=True):
        if worth[row, column] > 0:
            of_label[row], of_object[column] = column, row
    return Matched(labels=labels, objects=objects, overlap=overlap, of_label=of_label, of_object=of_object)


def unlabelled(matched: Matched) -> Floats:
    """(m,) Suspicion that an object lacks its label, 0 to 1; 0 where it has one.

    An object that lies on a label, or on a more confident object without a label, may be the same one once more.
    """
    confidence, free = matched.objects.confidence, matched.of_object < 0
    twins = overlaps(matched.objects.boxes, matched.objects.boxes)
    before = free[:, None] & (confidence[:, None] > confidence[None])
    nearest = np.maximum(matched.overlap.max(axis=0, initial=0.0), (twins * before).max(axis=0, initial=0.0))
    apart = np.clip((_DUPLICATE - nearest) / (_DUPLICATE - _APART), 0, 1)
    return np.where(free, confidence * apart, 0.0)
