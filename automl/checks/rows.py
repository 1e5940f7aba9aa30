"""Findings on label files: rows that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator

from automl.checks.facts import Facts
from automl.data.labels import DROPPED, label_path
from automl.records import Finding, Place, Severity


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the label rows of each split."""
    for name, split in facts.splits.items():
        places = tuple(
            Place(file=label_path(split.images[problem.image]), line=problem.line, split=name, text=problem.text)
            for problem in split.problems
        )
        if places:
            yield Finding(
                code="labels/unusable",
                severity=Severity.ERROR,
                title=f"{len(places)} label rows of {name} cannot be used: {DROPPED}.",
                advice="Correct the rows, or remove them.",
                split=name,
                count=len(places),
                places=places,
            )
