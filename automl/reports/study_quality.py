"""Figures, curves and confusion of networks' predictions on val, for the report on a study. Pure.

Source of the confusion matrix: Ultralytics 8.4.190, `utils/metrics.py` (`ConfusionMatrix.process_batch`): predictions
of a confidence above .25 claim objects of any class from an IoU of .45 on, the most confident first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.records.ensemble import ClassFigures
from automl.reports.chart import Chart, Lines, Matrix, Series
from automl.scores.boxes import Predictions, Truth, only
from automl.scores.curves import Curves, curves
from automl.scores.evaluator import match, on_images, paired
from automl.scores.matching import claimed
from automl.scores.summary import class_figures

CONFIDENCE, OVERLAP = 0.25, 0.45  # of the confusion matrix
BACKGROUND = "background"
MOST_CLASSES = 20  # of a confusion matrix: those that are missed or mistaken most
THINNED = 8  # every nth of the thousand points of a curve is drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Quality of a network on the images of a split."""

    name: str
    split: str
    images: int
    names: tuple[str, ...]  # of the classes
    curves: Curves
    confusion: npt.NDArray[np.int64]  # (c + 1, c + 1) predicted class by labelled class; the last one is background

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
        confusion=confusion(predictions, truth),
    )


def confusion(predictions: Predictions, truth: Truth) -> npt.NDArray[np.int64]:
    """(c + 1, c + 1) objects by predicted and by labelled class. The last row has those that no prediction claims, the
    last column predictions that claim no object."""
    own = on_images(predictions, truth.images)
    own = only(own, own.confidence > CONFIDENCE)
    pairs = paired(own, truth, OVERLAP, any_class=True)
    owners = claimed(pairs.predictions, pairs.objects, len(truth.classes))
    nothing = len(truth.names)
    counts = np.zeros((nothing + 1, nothing + 1), dtype=np.int64)
    predicted = np.append(np.minimum(own.classes, nothing), nothing)  # the last one for objects without an owner
    np.add.at(counts, (predicted[owners], truth.classes), 1)
    free = np.setdiff1d(np.arange(len(own.confidence)), owners)
    np.add.at(counts, (predicted[free], np.full(len(free), nothing)), 1)
    return counts


def charts_of(networks: Sequence[Measured]) -> Iterator[Chart]:
    """Curves of all networks side by side, and a confusion matrix of each."""
    known = [network for network in networks if len(network.curves.classes)]
    if not known:
        return
    yield _curve(known, "precision-recall", "Precision against recall", "recall", "precision", "precision_at_recall")
    for figure, title in (("f1", "F1"), ("precision", "Precision"), ("recall", "Recall")):
        yield _curve(known, figure, f"{title} against confidence", "confidence", title, figure)
    for place, network in enumerate(known):
        yield confusion_chart(network, place)


def confusion_chart(network: Measured, place: int) -> Matrix:
    """The confusion matrix of a network, normalized: shares of the objects of each class, as Ultralytics draws it."""
    counts, nothing = network.confusion, len(network.names)
    wrong = counts[:, :nothing].sum(axis=0) - counts.diagonal()[:nothing] + counts[:nothing, nothing]
    chosen = np.sort(np.argsort(-wrong, kind="stable")[:MOST_CLASSES])
    kinds = np.append(chosen, nothing)
    shares = counts / np.maximum(counts.sum(axis=0, keepdims=True), 1)
    names = (*(network.names[kind] or str(kind) for kind in chosen), BACKGROUND)
    found = ", ".join(f"{names[row]} {shares[kind, kind]:.0%}" for row, kind in enumerate(chosen[:5]))
    cut = f"The {len(chosen)} of {nothing} classes with the most errors. " if len(chosen) < nothing else ""
    return Matrix(
        key=f"confusion-{place}",
        title=f"Confusion matrix: {network.name}",
        alt=f"Shares of each class's objects that were found as that class: {found}.",
        x_label="labelled",
        y_label="predicted",
        columns=names,
        rows=names,
        values=tuple(map(tuple, shares[np.ix_(kinds, kinds)].tolist())),
        note=f"{cut}Shares of a column, at confidence {CONFIDENCE} and IoU {OVERLAP}. Bottom row: missed objects. Last "
        "column: predictions where nothing is labelled.",
    )


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
