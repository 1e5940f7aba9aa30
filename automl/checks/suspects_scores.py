"""Raw suspicions of labels and of objects, on one scale for a whole data set. Pure numpy.

They rank, and are no chances yet: see `suspects_chances`. Each is between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.checks.suspects_matching import Boxes, Floats, Ints, Matched, Objects, match, overlaps, unlabelled

_NEIGHBOURS = 101  # matched labels of like size from which the usual fit is taken
_SURE = 0.25  # confidence from which an object counts for what is usual
_FITS = 0.3  # IoU from which a class is judged
_TWICE = 0.75  # IoU of two labels of one class from which one is likely to be superfluous
_MISTAKEN = 3.0  # weight of the model's own confusion of two classes
_LEAST = 0.05  # usual confidence of a class below which the model does not know it


@dataclass(frozen=True, kw_only=True, eq=False)
class Usual:
    """Usual fits and confidences where labels and model agree: a small or hard object alone is not suspicious."""

    areas: Floats  # ascending: logarithms of the areas of matched labels
    misfits: Floats  # 1 - IoU that is usual at these areas
    confidence: Floats  # (classes,) of the object of a label of the class; 0 where the model does not know it
    confusion: Floats  # (classes, classes) share of the labels of a class whose object the model takes for each class

    def misfit(self, boxes: Floats) -> Floats:
        """Usual 1 - IoU of boxes of these sizes."""
        if not len(self.areas):
            return np.full(len(boxes), 0.2)
        return np.interp(_log_areas(boxes), self.areas, self.misfits)


@dataclass(frozen=True, kw_only=True, eq=False)
class Suspicions:
    """Raw suspicions in one image."""

    matched: Matched
    missing: Floats  # (m,) by object
    superfluous: Floats  # (n,) by label
    loose: Floats  # (n,)
    wrong: Floats  # (n,)


def usual(images: Sequence[Matched], classes: int) -> Usual:
    """Usual fits and confidences of a data set. Medians, which a few label errors change little."""
    areas, misfits = [np.zeros(0)], [np.zeros(0)]
    confidence: list[list[float]] = [[] for _ in range(classes)]
    for image in images:
        rows = np.flatnonzero(image.of_label >= 0)
        objects = image.of_label[rows]
        sure = (image.objects.confidence[objects] >= _SURE) & (image.overlap[rows, objects] >= _FITS)
        areas.append(_log_areas(image.labels.boxes[rows[sure]]))
        misfits.append(1 - image.overlap[rows[sure], objects[sure]])
        for row, kind in enumerate(image.labels.classes):
            column = image.of_label[row]
            confidence[kind].append(float(image.objects.confidence[column]) if column >= 0 else 0.0)
    sizes, fits = _running(np.concatenate(areas), np.concatenate(misfits))
    levels = np.array([float(np.quantile(values, 0.6)) if values else 0.0 for values in confidence])
    known = np.where(levels < _LEAST, 0.0, levels)
    return Usual(areas=sizes, misfits=fits, confidence=known, confusion=_confusion(images, classes))


def _confusion(images: Sequence[Matched], classes: int) -> Floats:
    counts = np.full((classes, classes), 0.5) + np.eye(classes)  # of a class with few labels little is known
    for image in images:
        rows = np.flatnonzero(image.of_label >= 0)
        if len(rows):
            seen_as = image.objects.chances[image.of_label[rows]].argmax(axis=1)
            np.add.at(counts, (image.labels.classes[rows], seen_as), 1)
    shares: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    return shares


def _log_areas(boxes: Floats) -> Floats:
    areas: Floats = np.log(np.maximum(boxes[:, 2:].prod(axis=1), 1e-12))
    return areas


def _running(areas: Floats, misfits: Floats) -> tuple[Floats, Floats]:
    """Areas in ascending order, and the median misfit around each."""
    order = np.lexsort((misfits, areas))
    areas, misfits = areas[order], misfits[order]
    count = len(areas)
    if count <= _NEIGHBOURS:
        return areas, np.full(count, np.median(misfits) if count else 0.0)
    windows = np.lib.stride_tricks.sliding_window_view(misfits, _NEIGHBOURS)
    picks = np.unique(np.linspace(0, len(windows) - 1, 200).astype(int))  # a curve needs no more points
    return areas[picks + _NEIGHBOURS // 2], np.median(windows[picks], axis=1)


def suspicions(matched: Matched, standard: Usual) -> Suspicions:
    """Raw suspicions in one image."""
    missing = unlabelled(matched)
    superfluous = _superfluous(matched, standard)
    loose, wrong = np.zeros(len(matched.labels)), np.zeros(len(matched.labels))
    rows = np.flatnonzero(matched.of_label >= 0)
    if len(rows):
        objects = matched.of_label[rows]
        loose[rows] = _loose(matched, rows, objects, standard)
        wrong[rows] = _wrong(matched, rows, objects, standard)
    return Suspicions(matched=matched, missing=missing, superfluous=superfluous, loose=loose, wrong=wrong)


def suspicions_of(labels: Boxes, objects: Objects, standard: Usual) -> Suspicions:
    """Raw suspicions in one image, for labels that are not matched yet."""
    return suspicions(match(labels, objects), standard)


def _trust(confidence: Floats, usual_confidence: Floats) -> Floats:
    """Confidence in relation to what is usual for the class, at most 1; 0 for a class that the model does not know."""
    known = usual_confidence > 0
    return np.where(known, np.minimum(1, confidence / np.where(known, usual_confidence, 1)), 0.0)


def _loose(matched: Matched, rows: Ints, objects: Ints, standard: Usual) -> Floats:
    boxes, kinds = matched.labels.boxes[rows], matched.labels.classes[rows]
    misfit, expected = 1 - matched.overlap[rows, objects], standard.misfit(boxes)
    trust = _trust(matched.objects.confidence[objects], standard.confidence[kinds])
    excess: Floats = misfit / (misfit + 2 * expected + 1e-9)
    return trust * excess


def _wrong(matched: Matched, rows: Ints, objects: Ints, standard: Usual) -> Floats:
    kinds = matched.labels.classes[rows]
    chances = matched.objects.chances[objects].copy()
    own = chances[np.arange(len(rows)), kinds]
    chances[np.arange(len(rows)), kinds] = 0
    other = chances.max(axis=1, initial=0.0)
    seen_as = chances.argmax(axis=1)
    trust = _trust(other, standard.confidence[seen_as])
    right, mistaken = standard.confusion[seen_as, seen_as], standard.confusion[kinds, seen_as]
    surer = (matched.overlap[rows, objects] >= _FITS) & (other > own)
    return np.where(surer, trust * other / (other + own + 1e-9) * right / (right + _MISTAKEN * mistaken), 0.0)


def _superfluous(matched: Matched, standard: Usual) -> Floats:
    """Labels on which the model sees nothing, and second labels of one object."""
    labels = matched.labels
    if not len(labels):
        return np.zeros(0)
    own = matched.of_label[:, None] == np.arange(len(matched.objects))[None]
    free = own | (matched.of_object < 0)[None]
    support = (free * np.minimum(1, matched.overlap / 0.5) * matched.objects.confidence[None]).max(axis=1, initial=0.0)
    usual_confidence = standard.confidence[labels.classes]
    unseen = np.where(usual_confidence > 0, 1 - _trust(support, usual_confidence), 0.0)
    return np.maximum(unseen, _second(matched))


def _second(matched: Matched) -> Floats:
    """Suspicion that another label of the same class lies on the object, and fits it better."""
    labels = matched.labels
    twice = overlaps(labels.boxes, labels.boxes) * (labels.classes[:, None] == labels.classes[None])
    np.fill_diagonal(twice, 0)
    has_object = matched.of_label >= 0
    nearest = (twice * has_object[None]).max(axis=1, initial=0.0)
    return np.where(~has_object & (nearest >= _TWICE), nearest, 0.0)
