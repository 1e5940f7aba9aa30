"""Under-fitting: the losses stand still, val is no worse than train, and few objects are found."""

from __future__ import annotations

import numpy as np

from automl.diagnosis.curves import Curves
from automl.diagnosis.overfitting import SURE
from automl.diagnosis.remedies import LESS_AUGMENTATION, WEAKER_DECAY, larger_model
from automl.diagnosis.trend import trend
from automl.records import ParamValue
from automl.records.diagnosis import Diagnosis, Symptom

POOR = 0.6  # mAP50 below which something is to be gained
STILL = 0.03  # fall of the train loss within the last third, as a share, that counts as none
PARTED = 1.15  # val loss as a multiple of that of train, above which they have parted
LAST = 3  # the last third of the epochs


def underfitted(curves: Curves) -> Diagnosis | None:
    """Symptom of a whole training that cannot follow its own images; None for others."""
    if not curves.whole or not curves.train or set(curves.train) != set(curves.val):
        return None
    part = slice(-max(5, len(curves) // LAST) - curves.closed, -curves.closed or None)
    train = np.sum([values[part] for values in curves.train.values()], axis=0)
    val = np.sum([values[part] for values in curves.val.values()], axis=0)
    line, score = trend(train), trend(curves.map50_95[part])
    if line is None or score is None or curves.map50[-1] >= POOR or val.mean() > PARTED * train.mean():
        return None
    confidence = min(line.above(-STILL * float(train.mean())), 1 - score.above(STILL))
    if confidence < SURE:
        return None
    model = larger_model(str(curves.arguments.get("model", "")))
    change: dict[str, ParamValue] = {"models": model} if model else {}
    step = f"take the larger model {model}" if model else "take a larger model"
    return Diagnosis(
        trial=curves.trial,
        symptom=Symptom.UNDERFITS,
        sentence=(
            f"Under-fits: the loss of train has stood still for {len(train)} epochs and val's is no higher, "
            f"at mAP50 {curves.map50[-1]:.3f}."
        ),
        remedy=f"{step.capitalize()}, and search less augmentation and a lower weight decay.",
        confidence=confidence,
        epoch=int(curves.epochs[part][0]),
        evidence={"map50": float(curves.map50[-1]), "val_over_train": float(val.mean() / train.mean())},
        change=change,
        space={**LESS_AUGMENTATION, **WEAKER_DECAY},
    )
