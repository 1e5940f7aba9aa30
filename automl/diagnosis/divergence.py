"""Divergence: figures that are no numbers any more, or a mAP that broke down and did not come back."""

from __future__ import annotations

import numpy as np

from automl.diagnosis.curves import Curves
from automl.diagnosis.remedies import lower_rate
from automl.records.diagnosis import Diagnosis, Symptom

_BROKEN = 0.5  # share of the best mAP below which a training has broken down
_LEARNT = 0.02  # mAP50-95 that a training must have had before it can break down
_LAST = 3  # epochs that must all be that low
_LOSS = 1.5  # times its lowest value, that the train loss has risen to meanwhile


def diverged(curves: Curves) -> Diagnosis | None:
    """Symptom of a training that diverged; None for others. A dip that it comes back from is none."""
    if not len(curves):
        return None
    lost = np.flatnonzero(~curves.finite)
    if len(lost):
        epoch = int(curves.epochs[lost[0]])
        return _diagnosis(curves, epoch, f"Diverged in epoch {epoch}: a loss or the score is no number any more.", 1.0)
    score, best = curves.map50_95, int(curves.map50_95.argmax())
    low = score < _BROKEN * score[best]
    if score[best] < _LEARNT or len(score) - best <= _LAST or not low[-_LAST:].all():
        return None
    total = np.sum(list(curves.train.values()), axis=0) if curves.train else None
    if total is not None and total[-_LAST:].mean() < _LOSS * total.min():
        return None
    since = len(low) - int(np.argmin(low[::-1])) if not low.all() else 0
    sentence = (
        f"Diverged in epoch {int(curves.epochs[since])}: mAP50-95 fell from {score[best]:.3f} "
        f"(epoch {int(curves.epochs[best])}) to {score[-1]:.3f} and did not come back."
    )
    return _diagnosis(curves, int(curves.epochs[since]), sentence, 0.99 if total is not None else 0.95)


def _diagnosis(curves: Curves, epoch: int, sentence: str, confidence: float) -> Diagnosis:
    space = lower_rate(curves)
    low, high = space["lr0"]
    return Diagnosis(
        trial=curves.trial,
        symptom=Symptom.DIVERGED,
        sentence=sentence,
        remedy=f"Lower the learning rate (lr0 {low:.2g} to {high:.2g}) and warm up for longer.",
        confidence=confidence,
        epoch=epoch,
        space=space,
        source="measured",
    )
