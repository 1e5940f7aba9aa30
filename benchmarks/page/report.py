"""A synthetic data report of the size that a large data set makes."""

from __future__ import annotations

from automl.records import DataReport, Finding, Place, Severity, Source, Suspect, SuspectKind

FINDINGS, PLACES, SUSPECTS = 30, 1000, 10_000


def synthetic_report(at: float) -> DataReport:
    """Thirty notes with a thousand places each, and ten thousand suspects; on the data of the synthetic studies."""
    return DataReport(
        data="/data/wheat/data.yaml",
        fingerprint="sha256:0",
        names=("wheat", "weed"),
        splits={"train": {"images": 200_000, "boxes": 2_000_000, "boxes_by_class": [1_900_000, 100_000]}},
        findings=tuple(map(_finding, range(FINDINGS))),
        suspects=tuple(map(_suspect, range(SUSPECTS))),
        seconds=300.0,
        version="0",
        at=at,
    )


def _finding(number: int) -> Finding:
    places = tuple(
        Place(file=f"/data/wheat/labels/train/{number}/{n:06d}.txt", line=n % 9 + 1, split="train", text="a tiny box")
        for n in range(PLACES)
    )
    return Finding(
        code=f"labels/{number}",
        severity=Severity.NOTE,
        title=f"{PLACES} boxes are odd in way {number}.",
        advice="Look at them.",
        count=PLACES,
        places=places,
        source=Source.MEASUREMENT,
    )


def _suspect(number: int) -> Suspect:
    return Suspect(
        kind=list(SuspectKind)[number % 4],
        split="train",
        image=f"/data/wheat/images/train/{number:06d}.jpg",
        file=f"/data/wheat/labels/train/{number:06d}.txt",
        line=number % 9 + 1,
        score=1.0 - number / SUSPECTS,
        label=(0.5, 0.5, 0.1, 0.1),
        label_class=0,
        proposed=(0.5, 0.5, 0.12, 0.1),
        proposed_class=1,
        why="the model sees another box",
    )
