"""Records of ensembles and of soups: members, figures and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from automl.records.latency import Latency


class CombinationKind(StrEnum):
    """Kind of a way to use kept trials."""

    SINGLE = "single"  # one network
    TTA = "tta"  # one network with test-time augmentation
    ENSEMBLE = "ensemble"  # fused predictions of several
    SOUP = "soup"  # one network with averaged weights


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """Figures of one class on a set of images."""

    name: str
    objects: int
    map50_95: float
    map50: float
    gain: float | None = None  # of mAP50-95 against the best member
    precision: float | None = None  # at the split's `confidence`
    recall: float | None = None


@dataclass(frozen=True, kw_only=True)
class SplitFigures:
    """Figures of predictions on a set of images, with the noise of these images (90 % intervals)."""

    on: str  # "half of val that chose", "other half of val", "test"
    images: int
    map50_95: float
    map50: float
    low: float | None = None  # of map50_95
    high: float | None = None
    gain: float | None = None  # of mAP50-95 against the best member
    gain_low: float | None = None
    gain_high: float | None = None
    chance: float | None = None  # that the gain is above zero
    classes: tuple[ClassFigures, ...] = ()  # those that have objects
    precision: float | None = None  # mean over the classes, at `confidence`
    recall: float | None = None
    confidence: float | None = None  # with the highest mean F1 over the classes


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of an ensemble or a soup."""

    study: str
    trial: int
    model: str
    imgsz: int  # pixels
    weights: str  # place in the study's folder
    sha256: str
    weight: float = 1.0  # in the fusion or the average
    tta: bool = False  # True: its predictions are those with test-time augmentation
    map50_95: float | None = None  # alone, on the half of val that chose


@dataclass(frozen=True, kw_only=True)
class Combination:
    """One way to use kept trials, with its figures and its price."""

    kind: CombinationKind
    members: tuple[Member, ...]
    figures: tuple[SplitFigures, ...] = ()
    latency: Latency | None = None  # measured as a whole
    file: str = ""  # what `automl predict` or `yolo` loads: place in the study's folder


@dataclass(frozen=True, kw_only=True)
class EnsembleResult:
    """Choice of an ensemble, or of a soup, of one study's kept trials."""

    study: str
    chosen: Combination
    best_member: Combination  # the member with the best mAP50-95 on the half of val that chose
    front: tuple[Combination, ...] = ()  # ways that nothing faster beats, on the other half of val
    others: tuple[Combination, ...] = ()  # those beside the front that were measured
    candidates: int = 0  # members that could have been chosen
    notes: tuple[str, ...] = ()  # sentences: members that were left out, and why; limits
    slot_s: float = 0.0  # slot-seconds that it took
    device: str = "cpu"  # "cpu" or "gpu": unit of slot_s
    at: float = 0.0  # POSIX seconds
