"""Figures of one set of predictions on labelled images, as the record that reports and ensembles keep. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from automl.records.ensemble import ClassFigures, SplitFigures
from automl.scores.curves import Curves, curves
from automl.scores.resample import Detections, gain, spread


def summary(
    on: str, detections: Detections, *, names: Sequence[str], base: Detections | None = None, seed: int = 0
) -> SplitFigures:
    """Figures with the 90 % interval over draws of the images, and those of each class that has objects.

    on     name of the images
    names  of the classes, by id
    base   the same images by the network that a gain is measured against; None: no gains

    Raises AutoMLError if `base` was measured on other images.
    """
    own = curves(detections)
    interval = spread(detections, seed)
    better = None if base is None else gain(detections, base, seed)
    return SplitFigures(
        on=on,
        images=len(detections.present),
        map50_95=interval.value,
        map50=own.map50,
        low=interval.low,
        high=interval.high,
        gain=None if better is None else better.value,
        gain_low=None if better is None else better.low,
        gain_high=None if better is None else better.high,
        chance=None if better is None else better.chance,
        classes=class_figures(own, names, None if base is None else curves(base)),
        precision=float(own.best_precision.mean()) if len(own.classes) else 0.0,
        recall=float(own.best_recall.mean()) if len(own.classes) else 0.0,
        confidence=own.confidence,
    )


def class_figures(own: Curves, names: Sequence[str], base: Curves | None = None) -> tuple[ClassFigures, ...]:
    """Figures of each class that has objects, by id."""
    precision, recall, means = own.best_precision, own.best_recall, own.average_precision.mean(axis=1)
    others = None if base is None else base.average_precision.mean(axis=1)
    return tuple(
        ClassFigures(
            name=names[int(label)],
            objects=int(own.objects[row]),
            map50_95=float(means[row]),
            map50=float(own.average_precision[row, 0]),
            gain=None if others is None else float(means[row] - others[row]),
            precision=float(precision[row]),
            recall=float(recall[row]),
        )
        for row, label in enumerate(own.classes)
    )
