"""The check of the data at the start of a search, and what it says in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.checks.counts import TRAIN, VAL
from automl.checks.importance import ordered
from automl.checks.quick import MOST_IMAGES, fast_report
from automl.files.shell import quoted
from automl.records import DataReport, Finding, Severity
from automl.setup.request import Checked

MOST_WARNINGS = 2  # that a search says
MANY = 2000  # images from which the reading is announced


@dataclass(frozen=True, kw_only=True)
class Look:
    """The report on the data of a search, and its lines; no report where there was no check."""

    report: DataReport | None = None
    lines: tuple[str, ...] = ()


def look_at(checked: Checked, home: Path | None, say: Callable[[str], None]) -> Look:
    """The quick check of the data that a search was given.

    home  folder of all studies, where facts are remembered; None: nowhere
    say   gets a sentence if it takes long
    """
    if checked.request.trainer != "ultralytics":
        return Look()  # the surrogate looks at no data
    data = checked.request.data
    count = sum(len(split.images) for split in checked.dataset.splits.values())
    if count > MOST_IMAGES:
        return Look(lines=(f"{count:,} images were not checked beyond what a training needs: {_more(data)}",))
    if count > MANY:
        say(f"Checking the labels of {count:,} images, once: those that do not change are remembered ...")
    report = fast_report(checked.dataset, test=checked.request.test, home=home, fingerprint=checked.data_fingerprint)
    return Look(report=report, lines=tuple(lines_of(report, data)) if report is not None else ())


def lines_of(report: DataReport, data: Path) -> Iterator[str]:
    """Five lines at most: the verdict, the biggest warnings, the noise of val, and where there is more."""
    yield _verdict(report)
    yield from (f"Data {finding.severity.value}: {finding.title}" for finding in biggest(report))
    for entry in report.recommendations:
        if entry.key == "noise":
            yield entry.text
    seen = any(split["brightness"] for split in report.splits.values())
    yield _more(data, "" if seen else ", with a look for near copies in the pixels")


def biggest(report: DataReport, most: int = MOST_WARNINGS) -> list[Finding]:
    """Errors, then the warnings that cost most: one of each kind, that of the split where it touches most."""
    worst = ordered([*report.of(Severity.ERROR), *report.of(Severity.WARNING)], report.splits)
    first = {_kind(finding): finding for finding in reversed(worst)}
    return [finding for finding in worst if first[_kind(finding)] is finding][:most]


def _kind(finding: Finding) -> str:
    """Code of a finding; one for images and boxes of a class, which mostly lack together."""
    return "counts/images" if finding.code == "counts/instances" else finding.code


def _verdict(report: DataReport) -> str:
    sizes = " and ".join(f"{report.splits[name]['images']:,} {name}" for name in (TRAIN, VAL) if name in report.splits)
    boxes = sum(report.splits[name]["boxes"] for name in (TRAIN, VAL) if name in report.splits)
    counts = [
        f"{len(found)} {word}{'' if len(found) == 1 else 's'}"
        for severity, word in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
        if (found := report.of(severity))
    ]
    classes = f"{len(report.names)} {'class' if len(report.names) == 1 else 'classes'}"
    words = "The data can be trained on" if report.trainable else "The data have errors"
    return f"{words}: {sizes} images, {boxes:,} boxes of {classes}; {' and '.join(counts) or 'no warning'}."


def _more(data: Path, also: str = "") -> str:
    return f"More on the data{also}: automl check --data {quoted(str(data))}"
