"""Starved classes: few objects to learn from, and worse than the others because of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from automl.diagnosis.outcomes import Outcomes, above
from automl.diagnosis.overfitting import SURE
from automl.records.diagnosis import Diagnosis, Symptom

ENOUGH = 10_000  # objects of a class, by the guide: 10,000 and more are recommended
FEW = 0.3  # of the objects that the classes have in the mean, below which one has few
LOWER = 0.1  # by which its recall lies below that of the others
FEWEST = 5  # objects on val below which a class cannot be measured


def starved(trial: int, own: Outcomes, train: Mapping[int, int]) -> list[Diagnosis]:
    """Symptoms of the classes that have few objects in train, those with the fewest first.

    train  objects of each class
    """
    if len(train) < 2:
        return []
    mean = sum(train.values()) / len(own.names)
    few = sorted((count, label) for label, count in train.items() if count < min(ENOUGH, FEW * mean))
    found = (_of_class(trial, own, label, count) for count, label in few)
    return [diagnosis for diagnosis in found if diagnosis is not None]


def _of_class(trial: int, own: Outcomes, label: int, count: int) -> Diagnosis | None:
    mine = own.classes == label
    objects, others = int(mine.sum()), own.right[~mine]
    if objects < FEWEST or not len(others):
        return None
    bar = float(others.mean()) - LOWER
    confidence = 1 - above(int(own.right[mine].sum()), objects, bar)
    precision = own.average_precision.get(label, 0.0)
    rest = float(np.mean([value for other, value in own.average_precision.items() if other != label]))
    if confidence < SURE or precision >= rest:
        return None
    name = own.names[label]
    return Diagnosis(
        trial=trial,
        symptom=Symptom.STARVED,
        sentence=(
            f"Class '{name}' is starved: {count:,} objects in train, and mAP50-95 {precision:.3f} against "
            f"{rest:.3f} of the others."
        ),
        remedy=f"Label more images with '{name}'; until then search cls_pw, which gives rare classes more weight.",
        confidence=confidence,
        evidence={"train_objects": float(count), "map50_95": precision, "others": rest},
        space={"cls_pw": (0.0, 1.0), "mosaic": (0.5, 1.0), "mixup": (0.0, 0.3)},
    )
