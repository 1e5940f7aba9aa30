"""Findings of a check by their codes."""

from __future__ import annotations

from pathlib import Path

from automl.checks.report import report_of
from automl.checks.scan import scan
from automl.records import Finding


def findings_of(data: Path, *, pixels: bool = False) -> dict[str, Finding]:
    """Findings on a data set by code; the last one of each."""
    return {finding.code: finding for finding in report_of(scan(data, pixels=pixels)).findings}


def places_of(data: Path, code: str, *, pixels: bool = False) -> list[tuple[str, int | None]]:
    """Name of the file and line of each place of the findings with a code."""
    findings = report_of(scan(data, pixels=pixels)).findings
    return [
        (Path(place.file).name, place.line) for finding in findings if finding.code == code for place in finding.places
    ]
