"""From the words of `check` to its report: read the data set, judge it, draw pictures and keep all of it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from automl import __version__
from automl.checks.facts import Facts
from automl.checks.pictures import draw
from automl.checks.report import report_of
from automl.checks.scan import Progress, scan
from automl.data.dataset import PASSED_ON, Dataset, Split, fingerprint
from automl.errors import BadData, NoSpace
from automl.files.atomic import replacing
from automl.files.checks import PAGE, REPORT, checks_folder, replacing_folder
from automl.files.home import home_folder, make_folder, not_writable
from automl.files.shell import quoted
from automl.records import DataReport, Finding, Place, Severity
from automl.reports.data_html import html_of
from automl.reports.data_report import KeptReport, plain
from automl.setup.data_request import CheckOptions, request_of

UNREADABLE = "data/unreadable"  # code of the finding on a data.yaml that cannot be read as a whole


def check(
    data: str | Path,
    progress: Progress,
    home: str | Path | None = None,
    **options: Unpack[CheckOptions],
) -> KeptReport:
    """The report on a data set, kept below the home and written as HTML where that is asked for."""
    began, place = time.monotonic(), home_folder(home)
    request = request_of(data, place, **options)
    folder = checks_folder(make_folder(place), request.data)
    facts: Facts | None = None
    try:
        facts = scan(request.data, splits=request.splits, home=place, progress=progress)
        report = report_of(facts, fingerprint=_fingerprint(facts))
    except BadData as error:
        report = unreadable(request.data, error)
    kept = _kept(report, facts, folder, lambda: time.monotonic() - began, quoted(str(data)))
    if request.html is not None:
        _copy(folder / PAGE, request.html)
    return kept


def _kept(report: DataReport, facts: Facts | None, folder: Path, seconds: Callable[[], float], data: str) -> KeptReport:
    """The report with its pictures and its page, as it now lies in the folder."""
    try:
        with replacing_folder(folder) as new:
            if facts is not None:
                report = draw(report, facts, new)
            report = replace(report, seconds=seconds())
            (new / REPORT).write_text(json.dumps(plain(report.as_document()), allow_nan=False), encoding="utf-8")
            page = html_of(KeptReport.of_report(report, new), data)
            (new / PAGE).write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise not_writable(folder, error) from error
    return KeptReport.of_report(report, folder)


def _copy(page: Path, file: Path) -> None:
    try:
        with replacing(file) as part:
            shutil.copyfile(page, part)
    except OSError as error:
        raise NoSpace(f"{file} cannot be written ({error.strerror}). The report is here: {page}") from error


def unreadable(data: Path, error: BadData) -> DataReport:
    """Report on a data.yaml that cannot be read as a whole: the reason is its only finding."""
    place = Place(file=str(error.file), line=error.line, text=error.problem)
    finding = Finding(
        code=UNREADABLE,
        severity=Severity.ERROR,
        title=f"The data set cannot be read: {error.problem}",
        advice=str(error).partition(error.problem)[2].strip() or "Correct it, and check again.",
        places=(place,),
    )
    return DataReport(
        data=str(data),
        fingerprint="",
        names=(),
        splits={},
        findings=(finding,),
        version=__version__,
        at=time.time(),
    )


def _fingerprint(facts: Facts) -> str:
    """Digest by which studies know the data set; empty unless train and val were read and all files are there."""
    parts = {
        name: Split(
            sources=split.sources,
            images=tuple(map(Path, split.images)),
            boxes=len(split.boxes),
            polygons=int(split.polygon.sum()),
            backgrounds=int((split.per_image == 0).sum()),
        )
        for name, split in facts.splits.items()
        if split.images
    }
    if not {"train", "val"} <= set(parts):
        return ""
    extra = {key: facts.extra[key] for key in PASSED_ON if facts.extra.get(key) is not None}
    dataset = Dataset(
        file=facts.file,
        names=facts.names,
        train=parts["train"],
        val=parts["val"],
        test=parts.get("test"),
        extra=extra,
    )
    try:
        return fingerprint(dataset)
    except OSError:
        return ""
