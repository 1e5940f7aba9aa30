"""From the words of `check` to its report: read the data set, judge it, draw pictures and keep all of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, Unpack

from automl import __version__
from automl.checks.facts import Facts
from automl.checks.pictures import draw
from automl.checks.report import report_of
from automl.checks.scan import Progress, scan
from automl.data.dataset import PASSED_ON, Dataset, Split, fingerprint
from automl.data.document import SUFFIXES, read_document
from automl.data.images import SPLITS
from automl.errors import AutoMLError, BadData, UnknownName
from automl.files.atomic import replacing
from automl.files.checks import PICTURES, REPORT, checks_folder, replacing_folder
from automl.files.home import expanded, home_folder, make_folder, not_writable
from automl.files.shell import quoted
from automl.records import DataReport, Finding, Place, Severity
from automl.reports.data_html import MARK, html_of
from automl.reports.data_report import KeptReport, plain
from automl.setup.spellings import data_file

UNREADABLE = "data/unreadable"  # code of the finding on a data.yaml that cannot be read as a whole


class CheckOptions(TypedDict, total=False):
    """Options of `check`, by keyword. None, or left out: the default."""

    split: str | Sequence[str] | None
    html: str | Path | None


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """Words of `check`, each of which can be used."""

    data: Path  # absolute
    splits: tuple[str, ...] = SPLITS  # that are looked at
    html: Path | None = None  # file that can be written


def request_of(data: str | Path, home: Path, **options: Unpack[CheckOptions]) -> CheckRequest:
    """The request with every word checked, before anything is read. Raises the AutoMLError of the first wrong one."""
    html = options.get("html")
    return CheckRequest(
        data=_data(Path(data), home),
        splits=_splits(options.get("split")),
        html=None if html is None else check_output(Path(html), "--html", (".html", ".htm"), MARK),
    )


def _data(data: Path, home: Path) -> Path:
    """The data.yaml, absolute. Its content is judged later."""
    file = expanded(data)
    if not (file.is_file() and file.suffix.lower() in SUFFIXES):
        file = data_file(data, home)  # one that comes with Ultralytics, or a refusal
        if not (file.is_file() and file.suffix.lower() in SUFFIXES):
            read_document(file)
    return file.absolute()


def _splits(split: str | Sequence[str] | None) -> tuple[str, ...]:
    """Names of splits in their order, from a text with commas or a list."""
    if split is None:
        return SPLITS
    words = [part.strip() for text in ([split] if isinstance(split, str) else split) for part in str(text).split(",")]
    words = [word for word in words if word]
    if not words:
        raise AutoMLError(f"--split is empty: name one or more of {', '.join(SPLITS)}, or leave it out.")
    for word in words:
        if word not in SPLITS:
            raise UnknownName("split", word, SPLITS)
    return tuple(name for name in SPLITS if name in words)


def check_output(output: Path, flag: str, suffixes: Sequence[str], mark: str) -> Path:
    """The file that an option names, absolute, if it can be written.

    mark  beginning of the files that the option writes: a file with another content is not replaced

    Raises AutoMLError with the reason.
    """
    file = expanded(output).absolute()
    if file.is_dir():
        raise AutoMLError(f"{flag} {output}: a folder. Name a file in it: {output / f'report{suffixes[0]}'}")
    if file.suffix.lower() not in suffixes:
        raise AutoMLError(f"{flag} {output}: name a file that ends in {suffixes[0]}, such as report{suffixes[0]}.")
    if not file.parent.is_dir():
        raise AutoMLError(f"{flag} {output}: the folder {file.parent} does not exist. Create it, or name another.")
    try:
        exists = file.exists()
        beginning = file.read_bytes()[: len(mark)] if exists else b""
        with file.open("ab"):
            pass
        if not exists:
            file.unlink()
    except OSError as error:
        raise AutoMLError(f"{flag} {output} cannot be written ({error.strerror}). Name another file.") from None
    if beginning and beginning != mark.encode():
        raise AutoMLError(f"{flag} {output} exists and is none of automl's. Name another file, or move it away.")
    return file


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
    kept = _kept(report, facts, folder, lambda: time.monotonic() - began)
    if request.html is not None:
        _write(request.html, html_of(kept, quoted(str(data))))
    return kept


def _kept(report: DataReport, facts: Facts | None, folder: Path, seconds: Callable[[], float]) -> KeptReport:
    """The report with its pictures, as it now lies in the folder."""
    try:
        with replacing_folder(folder) as new:
            if facts is not None:
                report = draw(report, facts, new / PICTURES)
            report = replace(report, seconds=seconds())
            (new / REPORT).write_text(json.dumps(plain(report.as_document()), allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise not_writable(folder, error) from error
    return KeptReport.of_report(report, folder)


def _write(file: Path, text: str) -> None:
    try:
        with replacing(file) as part:
            part.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise not_writable(file, error) from error


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
