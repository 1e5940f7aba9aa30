"""Symptoms of one trial that its predictions on val show. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from automl.diagnosis.classes import starved
from automl.diagnosis.confusion import confused
from automl.diagnosis.outcomes import outcomes
from automl.diagnosis.remedies import GAINS
from automl.diagnosis.small import small_missed
from automl.records.diagnosis import Diagnosis
from automl.scores.boxes import Predictions, Truth


def symptoms(
    trial: int, predictions: Predictions, truth: Truth, train: Mapping[int, int], gain: float = GAINS["cls"]
) -> list[Diagnosis]:
    """Symptoms that the predictions on val show: starved classes, confused pairs, small objects.

    train  objects of each class in train
    gain   of the class loss in that training

    Raises AutoMLError for an image without predictions.
    """
    own = outcomes(predictions, truth)
    small = small_missed(trial, own)
    return [*starved(trial, own, train), *confused(trial, own, gain), *([] if small is None else [small])]
