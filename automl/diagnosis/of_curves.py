"""Symptoms of one training that its curves show, the most telling first. Pure."""

from __future__ import annotations

from automl.diagnosis.balance import limited
from automl.diagnosis.curves import Curves
from automl.diagnosis.divergence import diverged
from automl.diagnosis.overfitting import overfitted
from automl.diagnosis.rising import rising
from automl.diagnosis.schedule import cut
from automl.diagnosis.underfitting import underfitted
from automl.records.diagnosis import Diagnosis

FEWEST = 5  # epochs below which only a cut and a divergence are told


def symptoms(curves: Curves) -> list[Diagnosis]:
    """Symptoms of the training; empty where nothing can be said yet.

    A training that diverged shows nothing else, and of over-fitting, rising and under-fitting there is one at most.
    """
    broken = diverged(curves)
    if broken is not None:
        return [broken]
    length = [overfitted, rising, underfitted] if len(curves) >= FEWEST else []
    first = next((diagnosis for rule in length if (diagnosis := rule(curves)) is not None), None)
    every = (cut(curves), first, limited(curves) if len(curves) >= FEWEST else None)
    return [diagnosis for diagnosis in every if diagnosis is not None]
