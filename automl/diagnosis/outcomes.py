"""What became of each labelled object: found, taken for another class, or missed. Pure; numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from automl.scores.boxes import Predictions, Truth, only
from automl.scores.curves import curves
from automl.scores.evaluator import as_classes, match, on_images, paired
from automl.scores.matching import claimed

IOU = 0.5
MISSED = -1
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """Objects of a split at the confidence with the highest F1, and figures of the classes that have any."""

    names: tuple[str, ...]
    classes: Ints  # (t,) of the objects
    found: Ints  # (t,) class of the prediction that claims the object, MISSED without one
    sides: npt.NDArray[np.float64]  # (t,) square root of the object's area, in pixels of the network's input
    finds: int  # predictions of that confidence or more
    average_precision: dict[int, float]  # mAP50-95 by class, of the classes with objects
    confidence: float
    imgsz: int  # pixels

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """(t,) True for an object that was found as what it is."""
        return np.asarray(self.found == self.classes, dtype=bool)


def outcomes(predictions: Predictions, truth: Truth) -> Outcomes:
    """Outcomes of a network's predictions on the images of `truth`. Raises AutoMLError for images without predictions.

    An object may be claimed by a prediction of another class, so that mistaken classes can be told from misses.
    """
    own = on_images(as_classes(predictions, truth.names), truth.images)
    figures = curves(match(own, truth))
    sure = only(own, own.confidence >= figures.confidence)
    pairs = paired(sure, truth, IOU, any_class=True)
    owners = _owners(pairs.predictions, pairs.objects, sure.classes, truth)
    sizes = np.repeat(sure.sizes, truth.counts, axis=0).astype(np.float64)
    scale = own.imgsz / np.maximum(sizes.max(axis=1, initial=1), 1)
    return Outcomes(
        names=truth.names,
        classes=truth.classes.astype(np.int64),
        found=np.where(owners >= 0, sure.classes[owners] if len(sure.classes) else MISSED, MISSED).astype(np.int64),
        sides=np.sqrt((truth.boxes * np.tile(sizes, 2))[:, 2:].prod(axis=1)) * scale,
        finds=len(sure.confidence),
        average_precision={
            int(label): float(figures.average_precision[row].mean()) for row, label in enumerate(figures.classes)
        },
        confidence=figures.confidence,
        imgsz=own.imgsz,
    )


def _owners(predictions: Ints, objects: Ints, classes: npt.NDArray[np.integer], truth: Truth) -> Ints:
    """(t,) prediction that each object belongs to, or MISSED: those of its own class choose first."""
    same = classes[predictions] == truth.classes[objects]
    first = claimed(predictions[same], objects[same], len(truth.classes))
    free = ~np.isin(predictions, first) & (first[objects] < 0)
    second = claimed(predictions[free], objects[free], len(truth.classes))
    return np.asarray(np.where(first >= 0, first, second), dtype=np.int64)


def above(hits: int, count: int, share: float) -> float:
    """Confidence that a share of which `hits` of `count` were seen is above `share`.

    The posterior of a share with Jeffreys' prior: Brown, Cai and DasGupta, "Interval estimation for a binomial
    proportion", Statistical Science 16, 2001.
    """
    return float(1 - betainc(hits + 0.5, count - hits + 0.5, min(1.0, max(0.0, share))))
