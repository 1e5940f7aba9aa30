"""The report of a check: all findings and recommendations from the facts of a data set."""

from __future__ import annotations

import time
from collections.abc import Sequence

from automl import __version__
from automl.checks import absent, boxes, counts, files, leakage, repeats, rows, variety
from automl.checks.advice import recommendations
from automl.checks.facts import Facts
from automl.checks.figures import figures_of
from automl.records import DataReport, Finding, Severity

_FINDERS = (
    rows.findings,
    files.findings,
    absent.findings,
    boxes.findings,
    repeats.findings,
    counts.findings,
    leakage.findings,
    variety.findings,
)
_ORDER = tuple(Severity)
_FOLLOWING = frozenset(  # codes of what may only follow from rows and images that were refused
    (
        "counts/backgrounds",
        "counts/class-not-in-train",
        "counts/class-not-in-val",
        "counts/class-rare-in-val",
        "variety/drift",
    )
)


def report_of(facts: Facts, *, fingerprint: str = "", seconds: float = 0.0) -> DataReport:
    """The report on a data set; of a severity the findings stand in the order of `_FINDERS`."""
    findings: Sequence[Finding] = [*facts.noted, *(finding for finder in _FINDERS for finding in finder(facts))]
    if any(finding.severity is Severity.ERROR for finding in findings):
        findings = [finding for finding in findings if finding.code not in _FOLLOWING]
    return DataReport(
        data=str(facts.file),
        fingerprint=fingerprint,
        names=facts.names,
        splits=figures_of(facts),
        recommendations=recommendations(facts, findings),
        findings=tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity))),
        seconds=seconds,
        version=__version__,
        at=time.time(),
    )
