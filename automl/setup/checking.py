"""From the words of `check` to its report: read the data set, judge it, draw pictures and keep all of it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from automl import __version__
from automl.checks.facts import Facts
from automl.checks.pictures import draw
from automl.checks.report import report_of
from automl.checks.scan import Progress, scan
from automl.costs.budget import Budget
from automl.data.dataset import PASSED_ON, Dataset, Split, fingerprint
from automl.data.document import SUFFIXES, read_document
from automl.data.images import SPLITS
from automl.errors import AutoMLError, BadData, NoSpace, UnknownName
from automl.files.atomic import replacing
from automl.files.checks import PAGE, REPORT, checks_folder, replacing_folder
from automl.files.home import expanded, home_folder, make_folder, not_writable
from automl.files.shell import quoted
from automl.records import DataReport, Finding, Place, Severity
from automl.reports.data_html import MARK, html_of
from automl.reports.data_report import KeptReport, plain
from automl.setup.spellings import data_file

TOP = 60  # most suspicious labels that are priced
FORMATS = ("coco", "voc")
BASELINE = "baseline"
_CSV = b"\xef\xbb\xbfrank,kind,score,"  # beginning of a list of suspicious labels
UNREADABLE = "data/unreadable"  # code of the finding on a data.yaml that cannot be read as a whole


class CheckOptions(TypedDict, total=False):
    """Options of `check`, by keyword. None, or left out: the default."""

    split: str | Sequence[str] | None
    html: str | Path | None
    baseline: str | Path | None
    fix_list: str | Path | None
    price: bool
    budget: str | Sequence[str] | None
    top: int | None
    from_: str | None


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """Words of `check`, each of which can be used."""

    data: Path  # absolute; for a format of another tool its source
    splits: tuple[str, ...] = SPLITS  # that are looked at
    html: Path | None = None  # file that can be written
    baseline: str | None = None  # study or weights that judge labels
    fix_list: Path | None = None  # file that can be written
    price: bool = False  # the suspects are priced
    budgets: tuple[str, ...] = ()  # for trainings that judge and price
    top: int = TOP  # most suspicious labels that are priced
    format: str | None = None  # of another tool, from which the data are converted


def request_of(data: str | Path, home: Path, **options: Unpack[CheckOptions]) -> CheckRequest:
    """The request with every word checked, before anything is read. Raises the AutoMLError of the first wrong one."""
    html, fix_list, format = options.get("html"), options.get("fix_list"), options.get("from_")
    if format is not None and format not in FORMATS:
        raise UnknownName("format of annotations", format, FORMATS)
    return CheckRequest(
        data=_data(Path(data), home) if format is None else _source(Path(data)),
        splits=_splits(options.get("split")),
        html=None if html is None else check_output(Path(html), "html", (".html", ".htm"), MARK.encode()),
        fix_list=None if fix_list is None else check_output(Path(fix_list), "fix_list", (".csv",), _CSV),
        format=format,
        **_judging(options),
    )


def _judging(options: CheckOptions) -> dict[str, Any]:
    """The words on a model that judges labels. Raises AutoMLError for those that need one, without one."""
    baseline, budget, top = options.get("baseline"), options.get("budget"), options.get("top")
    wishes = {name: options.get(name) for name in ("fix_list", "price", "budget", "top")}
    for name in (name for name, wish in wishes.items() if wish and not baseline):
        raise AutoMLError(
            f"{_flag(name)} needs a trained model: name a study or a weights file with {_flag(BASELINE)}."
        )
    if top is not None and (isinstance(top, bool) or top < 1):
        raise AutoMLError(f"{_flag('top')} {top}: a number of labels, 1 or more.")
    if top is not None and not options.get("price"):
        raise AutoMLError(f"{_flag('top')} is the number of labels that are priced: add {_flag('price')}.")
    budgets = () if budget is None else (budget,) if isinstance(budget, str) else tuple(budget)
    for text in budgets:
        Budget.parse(text)
    return {
        "baseline": None if baseline is None else str(baseline),
        "price": bool(options.get("price")),
        "budgets": budgets,
        "top": TOP if top is None else top,
    }


def _flag(name: str) -> str:
    return f"--{name.strip('_').replace('_', '-')}"


def _source(source: Path) -> Path:
    """File or folder of another tool's annotations, absolute."""
    place = expanded(source).absolute()
    if not place.exists():
        raise AutoMLError(f"--data {source}: there is no such file or folder. Check the path.")
    return place


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


def check_output(output: Path, name: str, suffixes: Sequence[str], mark: bytes) -> Path:
    """The file that an option names, absolute, if it can be written.

    name  of the option
    mark  beginning of the files that the option writes: a file with another content is not replaced

    Raises AutoMLError with the reason.
    """
    flag, file = _flag(name), expanded(output).absolute()
    example = f"{'report' if suffixes[0] == '.html' else 'suspects'}{suffixes[0]}"
    if file.is_dir():
        raise AutoMLError(f"{flag} {output}: a folder. Name a file in it: {output / example}")
    if file.suffix.lower() not in suffixes:
        raise AutoMLError(f"{flag} {output}: name a file that ends in {suffixes[0]}, such as {example}.")
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
    if beginning and beginning != mark:
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
