"""Figures and curves of networks' predictions on val, for the report on a study. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.records.ensemble import ClassFigures
from automl.reports.chart import Chart, Lines, Series
from automl.scores.boxes import Predictions, Truth
from automl.scores.curves import Curves, curves
from automl.scores.evaluator import match
from automl.scores.summary import class_figures

THINNED = 8  # every nth of the thousand points of a curve is drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Quality of a network on the images of a split."""

    name: str
    split: str
    images: int
    names: tuple[str, ...]  # of the classes
    curves: Curves

    @property
    def classes(self) -> tuple[ClassFigures, ...]:
        """Figures of each class that has objects."""
        return class_figures(self.curves, self.names)

    @property
    def precision(self) -> float:
        """Mean over the classes at the confidence with the best F1."""
        return float(self.curves.best_precision.mean()) if len(self.curves.classes) else 0.0

    @property
    def recall(self) -> float:
        """Mean over the classes at that confidence."""
        return float(self.curves.best_recall.mean()) if len(self.curves.classes) else 0.0

    @property
    def f1(self) -> float:
        """Best mean F1 over the classes."""
        return float(self.curves.f1.mean(axis=0)[self.curves.best]) if len(self.curves.classes) else 0.0


def measured(name: str, split: str, predictions: Predictions, truth: Truth) -> Measured:
    """Quality of a network's predictions on labelled images. Raises AutoMLError for images without predictions."""
    return Measured(
        name=name,
        split=split,
        images=len(truth),
        names=truth.names,
        curves=curves(match(predictions, truth)),
    )


def charts_of(networks: Sequence[Measured]) -> Iterator[Chart]:
    """Curves of all networks side by side, and a confusion matrix of each."""
    known = [network for network in networks if len(network.curves.classes)]
    if not known:
        return
    yield _curve(known, "precision-recall", "Precision against recall", "recall", "precision", "precision_at_recall")
    for figure, title in (("f1", "F1"), ("precision", "Precision"), ("recall", "Recall")):
        yield _curve(known, figure, f"{title} against confidence", "confidence", title, figure)


def _curve(networks: Sequence[Measured], key: str, title: str, x: str, y: str, figure: str) -> Lines:
    """Mean over the classes, a line a network."""
    ends = "; ".join(
        f"{network.name}: mAP50 {network.curves.map50:.3f}, best F1 {network.f1:.3f}" for network in networks
    )
    return Lines(
        key=f"quality-{key}",
        title=title,
        alt=f"{title} on {networks[0].split}, mean over the classes at IoU .50. {ends}.",
        x_label=x,
        y_label=y,
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        series=tuple(
            Series(
                name=network.name,
                x=_thinned(network.curves.axis),
                y=_thinned(getattr(network.curves, figure).mean(axis=0)),
                colour=place,
            )
            for place, network in enumerate(networks)
        ),
    )


def _thinned(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values[::THINNED])
