"""Records of a data check travel as JSON."""

from __future__ import annotations

import json

from automl.records import DataReport, Finding, Place, Recommendation, Severity, Source, Suspect, SuspectKind

FINDING = Finding(
    code="labels/class-out-of-range",
    severity=Severity.ERROR,
    title="1 row has a class that names lacks.",
    advice="Correct the row.",
    places=(Place(file="/d/a.txt", line=3, split="train", text="class 9", boxes=((0.5, 0.5, 0.1, 0.1),)),),
    figures={"rows": 1},
)
REPORT = DataReport(
    data="/d/data.yaml",
    fingerprint="sha256:0",
    names=("cat", "dog"),
    splits={"train": {"images": 3}},
    findings=(FINDING,),
    recommendations=(
        Recommendation(key="imgsz", value=[640, 1280], text="Try 1280.", why="Small boxes.", source=Source.GUIDE),
    ),
    suspects=(
        Suspect(
            kind=SuspectKind.MISSING,
            split="val",
            image="/d/a.jpg",
            file="/d/a.txt",
            line=None,
            score=0.9,
            proposed=(0.5, 0.5, 0.2, 0.2),
            proposed_class=1,
        ),
    ),
)


def test_a_report_is_the_same_after_json() -> None:
    assert DataReport.from_document(json.loads(json.dumps(REPORT.as_document()))) == REPORT


def test_a_later_version_may_have_written_more() -> None:
    assert DataReport.from_document({**REPORT.as_document(), "later": 1}) == REPORT


def test_errors_alone_make_data_untrainable() -> None:
    from dataclasses import replace

    assert not REPORT.trainable
    assert replace(REPORT, findings=(replace(FINDING, severity=Severity.WARNING),)).trainable
