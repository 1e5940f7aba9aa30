"""Reports of data checks that exist nowhere."""

from __future__ import annotations

from typing import Any

from automl.records import DataReport, Finding, Place, Recommendation, Severity, Source


def finding(severity: Severity = Severity.WARNING, title: str = "Two images are dark.", **fields: Any) -> Finding:
    return Finding(
        code="images/dark", severity=severity, title=title, **{"advice": "Look at them.", "places": (), **fields}
    )


def data_report(*findings: Finding, **fields: Any) -> DataReport:
    values: dict[str, Any] = {
        "data": "/data/birds/data.yaml",
        "fingerprint": "sha256:0",
        "names": ("cat", "dog"),
        "splits": {"train": {"images": 1200, "boxes": 3, "boxes_by_class": [1, 2]}, "val": {"images": 1, "boxes": 0}},
        "findings": findings,
        "at": 1.0e9,
    }
    return DataReport(**{**values, **fields})


def advice(key: str = "imgsz", text: str = "Train at 1280.") -> Recommendation:
    return Recommendation(key=key, value=None, text=text, why="60 % of the boxes are tiny.", source=Source.GUIDE)


def places(count: int) -> tuple[Place, ...]:
    return tuple(Place(file=f"/data/labels/{number}.txt", line=number + 1, text="bad") for number in range(count))
