"""Records of a data check: findings, recommendations and suspicious labels. All of them travel as JSON too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MOST_PLACES = 1000  # of one finding that are kept; its count is of all


class Severity(StrEnum):
    """Severity of a finding."""

    ERROR = "error"  # the data cannot be trained on, or the trainer would leave a part of them out
    WARNING = "warning"  # likely to cost mAP, or to make a figure wrong
    NOTE = "note"  # worth knowing


class Source(StrEnum):
    """Source of a limit or of an advice."""

    GUIDE = "guide"  # Ultralytics, "Tips for Best YOLOv5 Training Results"
    MEASUREMENT = "measurement"  # on this data set, or in docs/measurements.md
    TRAINER = "trainer"  # what Ultralytics does with such a file


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place of a finding: a file, or a pair of files."""

    file: str  # absolute
    line: int | None = None  # from 1, in a text file
    split: str = ""
    text: str = ""  # the problem there, as a phrase
    other: str = ""  # the second file of a pair
    boxes: tuple[tuple[float, float, float, float], ...] = ()  # x y width height, fractions of the image


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check has found, with all its places."""

    code: str  # such as "labels/class-out-of-range": one name for one kind, for programs
    severity: Severity
    title: str  # one sentence with the numbers
    advice: str  # what to do, one or two sentences
    split: str = ""  # empty: more than one
    count: int = 1  # of all places
    places: tuple[Place, ...] = ()  # the worst first, MOST_PLACES at most
    source: Source = Source.TRAINER
    figures: Mapping[str, Any] = field(default_factory=dict)  # numbers behind the title, by name
    pictures: tuple[str, ...] = ()  # names of files beside the report


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """One setting, or one next step, that the data speak for."""

    key: str  # "imgsz", "models", "weights", "epochs", "classes", "tiling", "noise" or "first"
    value: Any  # as an option of `search` takes it; None for advice without one
    text: str  # a sentence
    why: str  # the numbers behind it, a sentence
    source: Source


class SuspectKind(StrEnum):
    """Kinds of suspicious labels."""

    MISSING = "missing"  # an object without a label
    SUPERFLUOUS = "superfluous"  # a label without an object
    LOOSE = "loose"  # a box that does not fit its object
    CLASS = "wrong class"


Box = tuple[float, float, float, float]  # x y width height: centre and size, fractions of the image


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A label that a trained model contradicts, or one that is missing."""

    kind: SuspectKind
    split: str
    image: str  # absolute path
    file: str  # absolute path of the label file, which need not exist
    line: int | None  # of the label, from 1; None for a missing one
    score: float  # chance that it is an error, 0 to 1, calibrated as the report says
    label: Box | None = None
    label_class: int | None = None
    proposed: Box | None = None  # of the model
    proposed_class: int | None = None
    why: str = ""  # a phrase
    picture: str = ""  # name of its crop's file beside the report


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """Everything that one check says about a data set."""

    data: str  # absolute path of the data.yaml
    fingerprint: str  # empty where the data cannot be read as a whole
    names: tuple[str, ...]  # by class id
    splits: Mapping[str, Mapping[str, Any]]  # figures of each split: images, boxes, boxes by class, ...
    findings: tuple[Finding, ...]  # errors first, then warnings, then notes
    recommendations: tuple[Recommendation, ...] = ()
    suspects: tuple[Suspect, ...] = ()  # the most suspicious first
    judged: str = ""  # which splits a model has judged, how it was trained and what that cost, as a sentence
    price: str = ""  # what fixing the suspects is worth, as a sentence
    plots: Mapping[str, str] = field(default_factory=dict)  # files of pictures of the whole set beside the report
    seconds: float = 0.0  # wall time of the check
    version: str = ""  # of automl
    at: float = 0.0  # Unix time

    @property
    def trainable(self) -> bool:
        """False if the data cannot be trained on as they are."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Findings of one severity."""
        return tuple(finding for finding in self.findings if finding.severity is severity)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DataReport:
        """The report in a document of `as_document`, also after it was JSON; unknown keys are passed over."""
        known = _known(cls, document)
        known["names"] = tuple(known["names"])
        known["findings"] = tuple(map(_finding, known["findings"]))
        known["recommendations"] = tuple(
            Recommendation(**{**_known(Recommendation, entry), "source": Source(entry["source"])})
            for entry in known.get("recommendations", ())
        )
        known["suspects"] = tuple(map(_suspect, known.get("suspects", ())))
        return cls(**known)


def _known(record: type[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key in record.__dataclass_fields__}


def _finding(document: Mapping[str, Any]) -> Finding:
    known = _known(Finding, document)
    known["severity"], known["source"] = Severity(known["severity"]), Source(known["source"])
    known["pictures"] = tuple(known.get("pictures", ()))
    known["places"] = tuple(map(_place, known.get("places", ())))
    return Finding(**known)


def _place(document: Mapping[str, Any]) -> Place:
    known = _known(Place, document)
    known["boxes"] = tuple(tuple(box) for box in known.get("boxes", ()))
    return Place(**known)


def _suspect(document: Mapping[str, Any]) -> Suspect:
    known = _known(Suspect, document)
    known["kind"] = SuspectKind(known["kind"])
    for key in ("label", "proposed"):
        known[key] = None if known.get(key) is None else tuple(known[key])
    return Suspect(**known)
