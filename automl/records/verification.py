"""Record of a recipe that was trained again, to see whether its figure holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Trainings of one recipe with further seeds, against the figure that was promised."""

    recipe: str  # file, or "trial 3 of the study 'cells'"
    epochs: int
    promised: float  # mAP50-95 on val, as it was observed
    low: float  # interval in which the further trainings, all of them, were promised to lie
    high: float
    scores: tuple[float, ...]  # mAP50-95 on val, one for each seed that was trained now
    seeds: tuple[int, ...]
    holds: bool
    sentence: str
    slot_s: float = 0.0
    device: str = "cpu"  # "cpu" or "gpu": unit of slot_s
    at: float = 0.0  # POSIX seconds
    measure: str = ""  # the figure in words
    study: str = ""  # that the recipe comes from; empty where that is not known
    trial: int | None = None  # that was trained again
    notes: tuple[str, ...] = ()  # sentences on what differs from the trainings that were promised
