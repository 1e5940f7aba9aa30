"""Trials that ended before their learning rate had come down: their figures are those of an unfinished schedule."""

from __future__ import annotations

from automl.diagnosis.curves import Curves
from automl.records import TrialState
from automl.records.diagnosis import Diagnosis, Symptom

_HIGH = 0.1  # share of the learning rate above which the schedule counts as cut
_HOW = {
    TrialState.STOPPED: "Stopped as one of the weak ones",
    TrialState.CUT: "Cut by the budget",
    TrialState.INTERRUPTED: "Interrupted",
    TrialState.FAILED: "Failed",
}


def cut(curves: Curves) -> Diagnosis | None:
    """Symptom of a trial that ended early; None for one that runs, or that went on until its learning rate was low.

    Within a search every trial is a prefix of the whole horizon's schedule, so its learning rate is known.
    """
    if not len(curves) or curves.whole or curves.left <= _HIGH or curves.state is TrialState.RUNNING:
        return None
    epoch = int(curves.epochs[-1])
    how = _HOW.get(curves.state, "Ended for want of a gain")
    sentence = (
        f"{how} after epoch {epoch} of {curves.horizon}, its learning rate still at {curves.left:.0%} of its start: "
        "mAP rises most when that comes down, so this one is no measure of the recipe."
    )
    remedy = f"Train it to the end of its schedule, or with a schedule of {epoch} epochs."
    return Diagnosis(
        trial=curves.trial,
        symptom=Symptom.CUT,
        sentence=sentence,
        remedy=remedy,
        confidence=1.0,
        epoch=epoch,
        evidence={"epochs": float(epoch), "horizon": float(curves.horizon), "learning_rate_share": curves.left},
        source="measured",
    )
