"""The report on a study as one HTML file, or as a zip file with everything that it is made of."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from automl.errors import AutoMLError, NoSpace
from automl.files.atomic import replacing
from automl.files.discreet import discreet, discreet_values
from automl.files.shell import quoted
from automl.records import DataReport, Finding
from automl.reports import data_html
from automl.reports.chart_png import png
from automl.reports.data_report import KeptReport, plain
from automl.reports.study_content import DataFacts, ShownTraining
from automl.reports.study_html import StudyPage, html_of

ZIP_MARK = b"PK\x03\x04"
COMMENT = b"automl report"  # of the archives that are written here
PAGE = "report.html"
_LOSSES = ("box_loss", "cls_loss", "dfl_loss")


def check_archive(file: Path, words: str) -> Path:
    """The file, if there is none yet or a report of ours. Raises AutoMLError for any other archive.

    words  the option, for a sentence
    """
    if not file.exists() or not file.stat().st_size:
        return file
    try:
        with zipfile.ZipFile(file) as archive:
            ours = archive.comment == COMMENT
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        ours = False
    if not ours:
        raise AutoMLError(f"{words} exists and is none of automl's. Name another file, or move it away.")
    return file


def write(page: StudyPage, output: Path) -> None:
    """Write the report, whole or not at all. Raises NoSpace."""
    content = archive_of(page) if output.suffix.lower() == ".zip" else _encoded(html_of(page))
    try:
        with replacing(output) as part:
            part.write_bytes(content)
    except OSError as error:
        failed = NoSpace(f"{output} cannot be written ({error.strerror}). Name another file.")
        failed.begun = True
        raise failed from error


def archive_of(page: StudyPage) -> bytes:
    """Content of the zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.comment = COMMENT
        for name, part in _parts(page):
            archive.writestr(name, part)
    return content.getvalue()


def _parts(page: StudyPage) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in the archive."""
    yield PAGE, _encoded(html_of(page))
    for key, chart in page.charts.items():
        yield f"pictures/{key}.png", png(chart)
    for photo in page.photos:
        yield f"pictures/{photo.key}", photo.content
    for name, text in page.recipes.items():
        yield name, _encoded(_without_homes(text))
    for training in page.content.trainings:
        yield f"results-{training.role.replace(' ', '-')}.csv", _encoded(results_csv(training))
    environment = "".join(f"{line.label}: {line.text}\n" for line in page.environment)
    yield "environment.txt", _encoded(_without_homes(environment))
    if page.content.data is not None:
        yield from _data_check(page.content.data)


def _without_homes(text: str) -> str:
    return "\n".join(discreet(line) for line in text.split("\n"))


def _data_check(data: DataFacts) -> Iterator[tuple[str, bytes]]:
    """The report of the data check, as a page and as JSON, without home folders."""
    document = discreet_values(plain(data.report.as_document()))
    yield "data-check.json", _encoded(json.dumps(document, indent=1))
    for entry in document["suspects"]:
        entry["score"] = math.nan if entry["score"] is None else entry["score"]
    report = DataReport.from_document(document)
    kept = KeptReport.of_report(report, Path(data.folder or ""))
    shown = kept if data.folder is not None else replace(kept, plots={}, findings=_bare(report))
    yield "data-check.html", _encoded(data_html.html_of(shown, quoted(report.data)))


def _bare(report: DataReport) -> tuple[Finding, ...]:
    return tuple(replace(finding, pictures=()) for finding in report.findings)


def results_csv(training: ShownTraining) -> str:
    """Epochs as Ultralytics' results.csv has them. Learning rates are not kept, so their columns are missing."""
    known = [name for name in _LOSSES if any(f"train/{name}" in epoch.losses for epoch in training.epochs)]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        [
            *("epoch", "time"),
            *(f"train/{name}" for name in known),
            *("metrics/precision(B)", "metrics/recall(B)", "metrics/mAP50(B)", "metrics/mAP50-95(B)"),
            *(f"val/{name}" for name in known),
        ]
    )
    spent_s = 0.0
    for epoch in training.epochs:
        spent_s += epoch.train_s + epoch.val_s
        figures = (epoch.precision, epoch.recall, epoch.map50, epoch.map50_95)
        losses = [[epoch.losses.get(f"{split}/{name}", math.nan) for name in known] for split in ("train", "val")]
        rows.writerow([epoch.epoch, *(f"{value:.6g}" for value in (spent_s, *losses[0], *figures, *losses[1]))])
    return text.getvalue()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
