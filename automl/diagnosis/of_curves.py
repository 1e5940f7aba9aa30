"""Symptoms of one training that its curves show, the most telling first. Pure."""

from __future__ import annotations

from automl.diagnosis.curves import Curves
from automl.diagnosis.schedule import cut
from automl.records.diagnosis import Diagnosis


def symptoms(curves: Curves) -> list[Diagnosis]:
    """Symptoms of the training; empty where nothing can be said yet."""
    rules = (cut,)
    return [diagnosis for rule in rules if (diagnosis := rule(curves)) is not None]
