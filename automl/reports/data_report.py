"""The report on a data set as `check` returns it: kept in a folder, and shown in a console and in a notebook."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from automl import markup
from automl.files.checks import PAGE, REPORT, picture_file
from automl.records import DataReport, Severity
from automl.reports import data_words as words

SHOWN = 3  # places of a finding in a notebook


@dataclass(frozen=True, kw_only=True, repr=False)
class KeptReport(DataReport):
    """The answer of `check`: everything that it says about a data set, with the folder of its pictures."""

    folder: str = ""  # absolute: report.json, report.html and the pictures by name

    @classmethod
    def of_report(cls, report: DataReport, folder: Path) -> KeptReport:
        """The report as it lies in a folder."""
        values = {entry.name: getattr(report, entry.name) for entry in fields(DataReport)}
        return cls(**values, folder=str(folder))

    def as_document(self) -> dict[str, Any]:
        """The report as JSON values, with its folder."""
        return asdict(self)

    def picture(self, name: str) -> Path:
        """File of a picture that the report names."""
        return picture_file(Path(self.folder), name)

    def __repr__(self) -> str:
        first = words.first_step(self)
        lines = [words.verdict(self), *([f"First: {first}"] if first else [])]
        return "\n  ".join([f"<{type(self).__name__} '{words.title(self)}': {words.headline(self)}>", *lines])

    def _repr_html_(self) -> str:
        head, rows = words.splits_table(self)
        first = words.first_step(self)
        return markup.block(
            f"{words.title(self)}: {words.headline(self)}",
            markup.paragraph(words.verdict(self), dim=False),
            markup.labelled([("first", first)] if first else []),
            markup.table(head, rows, left=("split",)),
            *(_findings(self, severity) for severity in Severity),
            markup.labelled((entry.key, f"{entry.text} {entry.why}") for entry in words.further(self)),
            markup.paragraph(f"With pictures: {Path(self.folder) / PAGE}" if self.folder else ""),
        )


def _findings(report: DataReport, severity: Severity) -> str:
    findings = report.of(severity)
    if not findings:
        return ""
    lines = []
    for finding in findings:
        places = [words.place_text(place) for place in finding.places[:SHOWN]]
        more = words.more_text(finding, len(places))
        lines.append((finding.title, " ".join([finding.advice, "; ".join(filter(None, [*places, more]))])))
    return markup.heading(words.PLURALS[severity].capitalize()) + markup.labelled(lines)


def plain(value: Any) -> Any:
    """The value as JSON has it: NaN, which JSON lacks, becomes null, and numbers of NumPy those of Python."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # an array, or a number of NumPy
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def read_report(folder: Path) -> KeptReport | None:
    """The report that lies in a folder of a check; None without one, or for one that cannot be read."""
    try:
        document = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        return KeptReport.of_report(DataReport.from_document(document), folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
