"""A training whose mAP still rises when its schedule has ended: a longer one gives more."""

from __future__ import annotations

from automl.diagnosis.curves import Curves
from automl.diagnosis.overfitting import SURE
from automl.diagnosis.remedies import LONGEST, longer
from automl.diagnosis.trend import trend
from automl.records.diagnosis import Diagnosis, Symptom

LAST = 3  # the last third of the epochs
LEAST = 0.005  # mAP50-95 that the last third must have gained
LATE = 0.85  # share of the epochs after which the best one lies


def rising(curves: Curves) -> Diagnosis | None:
    """Symptom of a whole training that had not reached its end; None for one that is as long as people train."""
    if not curves.whole or curves.horizon >= LONGEST:
        return None
    part = curves.map50_95[-max(5, len(curves) // LAST) :]
    line = trend(part)
    best = int(curves.map50_95.argmax()) + 1
    if line is None or line.above(LEAST) < SURE or best < LATE * len(curves):
        return None
    epochs = longer(curves)
    return Diagnosis(
        trial=curves.trial,
        symptom=Symptom.RISING,
        sentence=(
            f"Still rising: mAP50-95 gained {line.rise:.3f} in the last {len(part)} of {curves.horizon} epochs, "
            f"and epoch {int(curves.epochs[best - 1])} is the best one."
        ),
        remedy=f"Train longer, {epochs} epochs: as long as nothing over-fits, more epochs give more.",
        confidence=line.above(LEAST),
        epoch=int(curves.epochs[-len(part)]),
        evidence={"map50_95_rise": line.rise, "best_epoch": float(curves.epochs[best - 1])},
        change={"epochs": epochs},
    )
