"""Reports of data checks, and the files beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from automl.records import (
    DataReport,
    Finding,
    Place,
    Recommendation,
    Severity,
    Source,
    Suspect,
    SuspectKind,
)

AT = 1_790_000_000.0


def make_finding(severity: Severity = Severity.ERROR, **changes: Any) -> Finding:
    """A finding of one place."""
    fields: dict[str, Any] = {
        "code": "labels/class-out-of-range",
        "title": "1 label row has a class that the data set does not have.",
        "advice": "Correct the class, or add its name to data.yaml.",
        "split": "train",
        "places": (Place(file="/data/birds/labels/a.txt", line=3, split="train", text="class 7 of 2"),),
        "figures": {"rows": 1, "share": 0.25},
    }
    return Finding(severity=severity, **{**fields, **changes})


def make_suspect(number: int = 0, **changes: Any) -> Suspect:
    """A suspicious label."""
    fields: dict[str, Any] = {
        "kind": list(SuspectKind)[number % 4],
        "split": "val" if number % 3 else "train",
        "image": f"/data/birds/images/{number:05d}.jpg",
        "file": f"/data/birds/labels/{number:05d}.txt",
        "line": None if number % 4 == 0 else number % 7 + 1,
        "score": 1.0 - number / 20_000,
        "label": None if number % 4 == 0 else (0.5, 0.5, 0.1, 0.2),
        "label_class": None if number % 4 == 0 else number % 2,
        "proposed": (0.5, 0.5, 0.2, 0.2),
        "proposed_class": 0,
        "why": "two models see a box here",
        "picture": f"suspects/{number:05d}.jpg",
    }
    return Suspect(**{**fields, **changes})


def make_report(**changes: Any) -> DataReport:
    """A report with a finding of each severity, a recommendation, five suspects and a plot."""
    fields: dict[str, Any] = {
        "data": "/data/birds/data.yaml",
        "fingerprint": "sha256:0",
        "names": ("tit", "wren"),
        "splits": {
            "train": {"images": 120, "boxes": 400, "background": 0.05, "boxes_by_class": {"tit": 300, "wren": 100}},
            "val": {"images": 30, "boxes": 90, "boxes_by_class": {"tit": 60, "wren": 30}},
        },
        "findings": (
            make_finding(pictures=("worst.png",)),
            make_finding(Severity.WARNING, code="classes/few", title="Class wren has 100 boxes.", places=()),
            make_finding(Severity.NOTE, code="images/sizes", title="Images are 640 pixels wide.", places=()),
        ),
        "recommendations": (
            Recommendation(
                key="imgsz",
                value=[640, 1280],
                text="Search 640 and 1280.",
                why="30 % are tiny.",
                source=Source.MEASUREMENT,
            ),
        ),
        "suspects": tuple(map(make_suspect, range(5))),
        "judged": "A model trained on train has judged val.",
        "price": "The 5 most suspicious boxes cost about .02 mAP50-95.",
        "plots": {"labels": "labels.png"},
        "seconds": 12.5,
        "version": "0.1.0",
        "at": AT,
    }
    return DataReport(**{**fields, **changes})


def draw_pictures(folder: Path, report: DataReport) -> Path:
    """Write a picture for each name in the report, as far as it lies in the folder; the folder."""
    names = [*report.plots.values(), *(name for finding in report.findings for name in finding.pictures)]
    for number, name in enumerate([*names, *(suspect.picture for suspect in report.suspects)]):
        file = folder / name
        if name and file.resolve().is_relative_to(folder.resolve()):
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (120, 90), (40 * number % 255, 120, 160)).save(file)
    return folder
