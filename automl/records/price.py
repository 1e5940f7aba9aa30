"""Records of a price: what wrong labels cost, or what fixing them is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Correction(StrEnum):
    """Ways to treat a suspicious label. One that is missing has nothing to drop."""

    FIXED = "fixed"  # by the model's proposal: added, removed, moved or given another class
    DROPPED = "dropped"  # taken out


@dataclass(frozen=True, kw_only=True)
class PriceVariant:
    """Trainings with the suspects treated in one way, against those on the data as they are, paired by seed."""

    correction: Correction
    labels: int  # that were changed
    images: int  # whose labels were changed
    seeds: tuple[int, ...]  # of the pairs
    map50_95: float  # mean over the seeds
    as_is: float  # mean of the same seeds on the data as they are
    gain: float  # mAP50-95: mean of the pairs' differences
    low: float  # of its 90 % interval
    high: float


@dataclass(frozen=True, kw_only=True)
class Price:
    """What the most suspicious labels of train cost, in mAP50-95 on val as it is."""

    sentence: str
    k: int  # suspects of train that were changed
    kinds: Mapping[str, int] = field(default_factory=dict)  # of them, by SuspectKind
    as_is: float | None = None  # mean mAP50-95 on the data as they are; None: nothing was trained
    seeds: tuple[int, ...] = ()  # trained on the data as they are
    variants: tuple[PriceVariant, ...] = ()
    loss: float | None = None  # mAP50-95 that the suspects cost, by the sentence; None: not known
    low: float | None = None  # of its 90 % interval
    high: float | None = None
    recorded: bool = False  # True: estimated from recorded runs on other data
    cost_s: float = 0.0  # slot-seconds of all trainings
    device: str = ""  # "gpu" or "cpu", their unit
    epochs: int = 0
    imgsz: int = 0
    model: str = ""
    interrupted: bool = False  # True: Ctrl-C came before the budget was spent
    notes: tuple[str, ...] = ()  # sentences on what the figure leaves out

    def as_document(self) -> dict[str, Any]:
        """The price as JSON values."""
        return asdict(self)
