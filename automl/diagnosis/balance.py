"""Precision and recall at the confidence of the best F1: which of the two holds mAP down."""

from __future__ import annotations

from automl.diagnosis.curves import Curves, Floats
from automl.diagnosis.overfitting import SURE
from automl.diagnosis.remedies import GAINS, Ranges
from automl.diagnosis.trend import trend
from automl.records.diagnosis import Diagnosis, Symptom

GAP = 0.15  # between the two, from which one of them limits
SHARE = 8  # the last eighth of the epochs
HIGH = 0.9  # above which nothing is held down


def limited(curves: Curves) -> Diagnosis | None:
    """Symptom of a whole training in which one of the two lies far below the other."""
    if not curves.whole:
        return None
    last = slice(-max(5, len(curves) // SHARE), None)
    return by_gap(curves, curves.precision[last], curves.recall[last])


def by_gap(curves: Curves, precision: Floats, recall: Floats) -> Diagnosis | None:
    """Symptom by precision and recall of the last epochs, which agree on which of the two is lower."""
    gap = precision - recall
    if len(gap) < 3 or trend(gap) is None:
        return None
    few = recall.mean() < precision.mean()
    sure = float(((gap > GAP) if few else (gap < -GAP)).mean())
    mean, other = (recall.mean(), precision.mean()) if few else (precision.mean(), recall.mean())
    if sure < SURE or mean >= HIGH:
        return None
    evidence = {"precision": float(precision.mean()), "recall": float(recall.mean())}
    gain = curves.number("cls", GAINS["cls"])
    if few:
        space: Ranges = {"box": (4.0, 14.0), "scale": (0.3, 0.9), "mosaic": (0.5, 1.0), "cls_pw": (0.0, 0.5)}
        return Diagnosis(
            trial=curves.trial,
            symptom=Symptom.RECALL,
            sentence=f"Recall-limited: {mean:.0%} of the objects are found, {other:.0%} of the finds are right.",
            remedy="Look for objects without a label (automl check), search more scale and a larger image size.",
            confidence=sure,
            evidence=evidence,
            space=space,
            source="measured",
        )
    return Diagnosis(
        trial=curves.trial,
        symptom=Symptom.PRECISION,
        sentence=f"Precision-limited: {mean:.0%} of the finds are right, {other:.0%} of the objects are found.",
        remedy="Add background images, up to a tenth of all, and search a higher gain cls.",
        confidence=sure,
        evidence=evidence,
        space={"cls": (gain, 4 * gain), "mixup": (0.0, 0.2)},
    )
