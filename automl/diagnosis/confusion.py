"""Pairs of classes of which one is taken for the other."""

from __future__ import annotations

from automl.diagnosis.outcomes import Outcomes, above
from automl.diagnosis.overfitting import SURE
from automl.diagnosis.remedies import GAINS
from automl.records.diagnosis import Diagnosis, Symptom

SHARE = 0.05  # of a class's objects, above which a confusion is told
MOST = 3  # pairs that are told


def confused(trial: int, own: Outcomes, gain: float = GAINS["cls"]) -> list[Diagnosis]:
    """Symptoms of confused pairs, those with the most objects first.

    gain  of the class loss in that training
    """
    pairs = []
    for label in sorted(set(own.classes.tolist())):
        mine = own.found[own.classes == label]
        for other in sorted(set(mine.tolist()) - {label, -1}):
            pairs.append((int((mine == other).sum()), len(mine), label, other))
    told = [_of_pair(trial, own, *pair, gain) for pair in sorted(pairs, reverse=True)]
    return [diagnosis for diagnosis in told if diagnosis is not None][:MOST]


def _of_pair(
    trial: int, own: Outcomes, count: int, objects: int, label: int, other: int, gain: float
) -> Diagnosis | None:
    confidence = above(count, objects, SHARE)
    if confidence < SURE:
        return None
    name, wrong = own.names[label], own.names[other]
    return Diagnosis(
        trial=trial,
        symptom=Symptom.CONFUSED,
        sentence=f"'{name}' is taken for '{wrong}': {count} of {objects} objects ({count / objects:.0%}).",
        remedy=(
            f"Check the labels of both (automl check), merge '{name}' and '{wrong}' if people mix them up too, and "
            "search a higher gain cls and less change of colour."
        ),
        confidence=confidence,
        evidence={"objects": float(count), "of": float(objects)},
        space={"cls": (gain, 4 * gain), "hsv_h": (0.0, 0.02), "hsv_s": (0.3, 0.7)},
        source="measured",
    )
