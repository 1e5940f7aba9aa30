"""Records of what a training's curves and predictions say of it, in the guide's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from automl.records.trial import Params


class Symptom(StrEnum):
    """What a training shows."""

    OVERFITS = "over-fits"  # train loss falls while val loss rises or mAP is flat
    UNDERFITS = "under-fits"
    DIVERGED = "diverged"
    CUT = "schedule cut"  # ended before its learning rate had come down
    RISING = "still rising"  # the last epochs are the best ones
    STARVED = "class starved"  # a class with too few objects to learn
    PRECISION = "precision-limited"
    RECALL = "recall-limited"
    CONFUSED = "confused pair"  # two classes that are taken for one another
    SMALL = "small objects missed"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One symptom of one trial, with its remedy."""

    trial: int
    symptom: Symptom
    sentence: str  # what was seen, with figures
    remedy: str  # what to do next, as the guide has it
    confidence: float  # in [0, 1]
    epoch: int | None = None  # since which it shows
    evidence: Mapping[str, float] = field(default_factory=dict)  # figures behind the sentence
    change: Params = field(default_factory=dict)  # options of the search that follows it up: {"epochs": 600}
    space: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # parameters to search, with their ranges
    source: str = "guide"  # "guide" or "measured"


@dataclass(frozen=True, kw_only=True)
class TrialDiagnoses:
    """Symptoms of one trial that its predictions show, as they are kept with its study."""

    trial: int
    sha256: str  # of the weights
    images: int  # of val
    diagnoses: tuple[Diagnosis, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """The search that follows from a diagnosis: its space, its options and the command that starts it."""

    study: str
    trial: int  # that was diagnosed
    space: Mapping[str, Any]  # document of a space file; empty: the space stays as it is
    order: tuple[str, ...]  # parameters of the remedies, those of the most telling symptom first
    data: str
    budgets: tuple[str, ...]
    options: Mapping[str, Any]  # of `search`, by keyword
    notes: tuple[str, ...] = ()  # sentences on it


@dataclass(frozen=True, kw_only=True)
class DiagnosisReport:
    """Answer of `diagnose`: the symptoms of a study's trials, and the search that follows if it was asked for."""

    study: str
    trials: tuple[int, ...]  # that were looked at
    diagnoses: tuple[Diagnosis, ...]  # of each trial the most telling first
    notes: tuple[str, ...] = ()  # sentences on what could not be looked at
    follow_up: FollowUp | None = None
    command: str = ""  # that starts it

    def of(self, trial: int) -> tuple[Diagnosis, ...]:
        """Symptoms of one trial."""
        return tuple(diagnosis for diagnosis in self.diagnoses if diagnosis.trial == trial)

    def __repr__(self) -> str:
        return f"<DiagnosisReport of '{self.study}': {len(self.diagnoses)} symptoms of {len(self.trials)} trials>"
