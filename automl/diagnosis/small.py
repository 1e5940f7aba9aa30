"""Small objects that are missed, while larger ones are found."""

from __future__ import annotations

from automl.diagnosis.outcomes import Outcomes, above
from automl.diagnosis.overfitting import SURE
from automl.records.diagnosis import Diagnosis, Symptom

SIDE = 16.0  # pixels of the network's input: two cells of the finest grid (stride 8), below which an object is small
LOWER = 0.15  # by which the share that is found lies below that of larger objects
FEWEST = 10  # objects of each kind
LARGEST = 1280  # pixels of an image size that people train


def small_missed(trial: int, own: Outcomes) -> Diagnosis | None:
    """Symptom where small objects are found clearly less often; None for others."""
    small = own.sides < SIDE
    count, others = int(small.sum()), own.right[~small]
    if count < FEWEST or len(others) < FEWEST:
        return None
    hits = int(own.right[small].sum())
    confidence = 1 - above(hits, count, float(others.mean()) - LOWER)
    if confidence < SURE:
        return None
    larger = min(LARGEST, 2 * own.imgsz) if own.imgsz < LARGEST else 0
    step = f"Train with a larger image size, {larger} px" if larger else "Cut large images into tiles"
    return Diagnosis(
        trial=trial,
        symptom=Symptom.SMALL,
        sentence=(
            f"Small objects are missed: {hits / count:.0%} of {count} under {SIDE:.0f} px at {own.imgsz} px are found, "
            f"{others.mean():.0%} of the larger ones."
        ),
        remedy=f"{step}, and search less shrinking (scale).",
        confidence=confidence,
        evidence={"small": float(count), "found": hits / count, "larger_found": float(others.mean())},
        change={"imgsz": larger} if larger else {},
        space={"scale": (0.1, 0.5)},
    )
