"""Precision, recall and average precision of matched predictions, by class, as Ultralytics computes them. Pure.

Source: Ultralytics 8.4.190, `utils/metrics.py` (`ap_per_class`, `compute_ap`): precision and recall are those at the
confidence with the highest mean F1 over the classes, at IoU .50.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.scores.resample import Detections

POINTS = 1000  # of each curve
_GRID = np.linspace(0, 1, 101)
_EPSILON = 1e-16
_SMOOTHED = 0.1  # share of a curve over which F1 is averaged before its highest point is taken
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Figures of each class that has objects, and their curves at IoU .50."""

    classes: npt.NDArray[np.int64]  # (c,) ids
    objects: npt.NDArray[np.int64]  # (c,) of each class
    average_precision: Floats  # (c, 10) at each IoU threshold
    axis: Floats  # (1000,) from 0 to 1: confidence, or recall for `precision_at_recall`
    precision: Floats  # (c, 1000) by confidence
    recall: Floats  # (c, 1000) by confidence
    f1: Floats  # (c, 1000) by confidence
    precision_at_recall: Floats  # (c, 1000)

    @property
    def best(self) -> int:
        """Place on the axis of the confidence with the highest mean F1."""
        return int(_smooth(self.f1.mean(axis=0)).argmax()) if len(self.classes) else 0

    @property
    def confidence(self) -> float:
        """Confidence with the highest mean F1 over the classes."""
        return float(self.axis[self.best])

    @property
    def map50_95(self) -> float:
        """Mean over classes and IoU thresholds; 0 without objects."""
        return float(self.average_precision.mean()) if len(self.classes) else 0.0

    @property
    def map50(self) -> float:
        """Mean over classes at IoU .50; 0 without objects."""
        return float(self.average_precision[:, 0].mean()) if len(self.classes) else 0.0

    @property
    def best_precision(self) -> Floats:
        """(c,) precision of each class at the confidence with the highest mean F1."""
        return self.precision[:, self.best]

    @property
    def best_recall(self) -> Floats:
        """(c,) recall of each class at the confidence with the highest mean F1."""
        return self.recall[:, self.best]


def curves(detections: Detections) -> Curves:
    """Figures and curves of each class that has objects."""
    order = np.argsort(-detections.confidence)
    correct, confidence = detections.correct[order], detections.confidence[order].astype(np.float64)
    kinds = detections.classes[order]
    classes, objects = np.unique(detections.objects, return_counts=True)
    axis = np.linspace(0, 1, POINTS)
    single = [
        _of_class(correct[kinds == label], confidence[kinds == label], int(count), axis)
        for label, count in zip(classes, objects, strict=True)
    ]
    precision, recall = (np.array([own[at] for own in single]).reshape(-1, POINTS) for at in (0, 1))
    return Curves(
        classes=classes.astype(np.int64),
        objects=objects.astype(np.int64),
        average_precision=np.array([own[3] for own in single]).reshape(-1, detections.correct.shape[1]),
        axis=axis,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall + _EPSILON),
        precision_at_recall=np.array([own[2] for own in single]).reshape(-1, POINTS),
    )


def _of_class(
    correct: npt.NDArray[np.bool_], confidence: Floats, objects: int, axis: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Precision and recall by confidence, precision by recall, and average precision at each IoU threshold."""
    if not len(correct):
        return np.zeros(POINTS), np.zeros(POINTS), np.zeros(POINTS), np.zeros(correct.shape[1])
    hits = correct.cumsum(axis=0)
    recall, precision = hits / objects, hits / np.arange(1, len(correct) + 1)[:, None]
    envelopes = [_envelope(recall[:, level], precision[:, level]) for level in range(correct.shape[1])]
    return (
        np.interp(-axis, -confidence, precision[:, 0], left=1),
        np.interp(-axis, -confidence, recall[:, 0], left=0),
        np.interp(axis, *envelopes[0]),
        np.array([np.trapezoid(np.interp(_GRID, *envelope), _GRID) for envelope in envelopes]),
    )


def _envelope(recall: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Recall, and the highest precision at this recall or a higher one."""
    along = np.concatenate(([0.0], recall, [recall[-1], 1.0]))
    height = np.concatenate(([1.0], precision, [0.0, 0.0]))
    return along, np.maximum.accumulate(height[::-1])[::-1]


def _smooth(values: Floats) -> Floats:
    """Moving mean, over ends that go on as they are."""
    width = round(len(values) * _SMOOTHED * 2) // 2 + 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")
