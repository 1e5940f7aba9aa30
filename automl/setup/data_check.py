"""From the words of `check` to its report: read the data set, judge it, draw pictures and keep all of it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from automl import __version__
from automl.checks.crops import write_crops
from automl.checks.facts import Facts
from automl.checks.fix_list import write_fix_list
from automl.checks.pictures import draw
from automl.checks.report import report_of
from automl.checks.scan import Progress, scan
from automl.data.conversion import conversion_folder, convert
from automl.data.dataset import PASSED_ON, Dataset, Split, fingerprint
from automl.errors import AutoMLError, BadData, BadStore, NoSpace
from automl.files.atomic import replacing
from automl.files.checks import PAGE, REPORT, checks_folder, replacing_folder
from automl.files.home import home_folder, make_folder, not_writable
from automl.files.shell import quoted
from automl.records import DataReport, Finding, Place, Severity
from automl.reports.data_html import html_of
from automl.reports.data_report import KeptReport, plain
from automl.setup.baseline import find_baseline
from automl.setup.data_judging import judged
from automl.setup.data_request import CheckOptions, request_of
from automl.setup.trusting import trusting
from automl.store import checks
from automl.store.address import store_url
from automl.store.engine import open_store

NOT_JUDGED = "No label was judged: mend the errors first."
UNREADABLE = "data/unreadable"  # code of the finding on a data.yaml that cannot be read as a whole


def check(
    data: str | Path,
    progress: Progress,
    home: str | Path | None = None,
    db: str | None = None,
    say: Callable[[str], None] = lambda text: None,
    **options: Unpack[CheckOptions],
) -> KeptReport:
    """The report on a data set, kept below the home and written as HTML where that is asked for.

    say  gets a sentence before anything that takes long
    """
    began, place = time.monotonic(), home_folder(home)
    request = request_of(data, place, **options)
    source = request.data
    folder = checks_folder(make_folder(place), source)
    if request.baseline is not None:  # a wrong word ends the check before anything is read
        trusting(lambda: find_baseline(str(request.baseline), home=place, db=db), lambda error: request.trust_model)
    left_out: tuple[Finding, ...] = ()
    if request.format is not None:
        say(f"Converting {request.data} ...")
    facts: Facts | None = None
    try:
        if request.format is not None:
            conversion = convert(request.data, request.format, request.target or conversion_folder(request.data, place))
            source, left_out = conversion.data, conversion.findings
        facts = scan(source, splits=request.splits, home=place, progress=progress)
        facts = replace(facts, noted=(*left_out, *facts.noted))
        report = report_of(facts, fingerprint=_fingerprint(facts))
    except BadData as error:
        if error.file == request.target:  # a wrong word, of --to
            raise
        report = unreadable(source, error, left_out)
    suspected = None
    if request.baseline is not None:
        suspected = trusting(
            lambda: judged(report, request, home=place, db=db, say=say), lambda error: request.trust_model
        )
        report = suspected or replace(report, judged=NOT_JUDGED)
    kept = _kept(report, facts, folder, lambda: time.monotonic() - began, quoted(str(source)))
    _store(kept, folder, place, db, say)
    if request.fix_list is not None and suspected is not None:  # else an earlier list stays
        write_fix_list(kept.suspects, kept.names, request.fix_list)
    if request.html is not None:
        _copy(folder / PAGE, request.html)
    return kept


def _kept(report: DataReport, facts: Facts | None, folder: Path, seconds: Callable[[], float], data: str) -> KeptReport:
    """The report with its pictures and its page, as it now lies in the folder."""
    try:
        with replacing_folder(folder) as new:
            if facts is not None:
                report = draw(report, facts, new)
            report = replace(report, suspects=write_crops(report.suspects, new))
            report = replace(report, seconds=seconds())
            (new / REPORT).write_text(json.dumps(plain(report.as_document()), allow_nan=False), encoding="utf-8")
            page = html_of(KeptReport.of_report(report, new), data)
            (new / PAGE).write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise _after_all(not_writable(folder, error)) from error
    return KeptReport.of_report(report, folder)


def _store(report: KeptReport, folder: Path, home: Path, db: str | None, say: Callable[[str], None]) -> None:
    """Keep the report for the page. The check is done without a database that answers, too."""
    try:
        checks.keep(open_store(store_url(home, db), home=home), report, folder)
    except BadStore as error:
        say(f"The report is not on the page, since the database did not take it: {error}")


def _copy(page: Path, file: Path) -> None:
    try:
        with replacing(file) as part:
            shutil.copyfile(page, part)
    except OSError as error:
        raise _after_all(NoSpace(f"{file} cannot be written ({error.strerror}). The report is here: {page}")) from error


def _after_all(error: AutoMLError) -> AutoMLError:
    """The error, as one after everything was read: the command ends with 1."""
    error.begun = True
    return error


def unreadable(data: Path, error: BadData, noted: Sequence[Finding] = ()) -> DataReport:
    """Report on a data set that cannot be read as a whole: the reason is a finding, beside those of a conversion."""
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
        findings=(finding, *noted),
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
