"""Words of `check`, each of them checked before anything is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypedDict, Unpack

from automl.checks.fix_list import COLUMNS
from automl.costs.budget import Budget
from automl.data.document import SUFFIXES, read_document
from automl.data.images import SPLITS
from automl.errors import AutoMLError, UnknownName
from automl.files.home import expanded
from automl.files.regular import is_file
from automl.reports.data_html import MARK
from automl.setup.spellings import data_file

TOP = 60  # most suspicious labels that are priced
FORMATS = ("coco", "voc")
BASELINE = "baseline"
_CSV = b"\xef\xbb\xbf" + ",".join(COLUMNS[:3]).encode()  # beginning of a list of suspicious labels


class CheckOptions(TypedDict, total=False):
    """Options of `check`, by keyword. None, or left out: the default."""

    split: str | Sequence[str] | None
    html: str | Path | None
    baseline: str | Path | None
    fix_list: str | Path | None
    price: bool
    budget: str | Sequence[str] | None
    top: int | None
    device: str | None
    trust_model: bool
    from_: str | None
    to: str | Path | None


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
    device: str | None = None  # of the baseline and of the trainings: "cpu" or a GPU's index; None: whatever there is
    trust_model: bool = False  # network files that could run code are trusted
    format: str | None = None  # of another tool, from which the data are converted
    target: Path | None = None  # folder of the conversion; None: one below the home


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
        target=_target(options.get("to"), format),
        **_judging(options),
    )


def _judging(options: CheckOptions) -> dict[str, Any]:
    """The words on a model that judges labels. Raises AutoMLError for those that need one, without one."""
    baseline, budget, top = options.get("baseline"), options.get("budget"), options.get("top")
    wishes = {name: options.get(name) for name in ("fix_list", "price", "budget", "top", "device", "trust_model")}
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
        "device": options.get("device"),
        "trust_model": bool(options.get("trust_model")),
    }


def _target(to: str | Path | None, format: str | None) -> Path | None:
    """Folder of a conversion, absolute. What lies there is judged when it is written."""
    if to is not None and format is None:
        raise AutoMLError(f"{_flag('to')} is the folder of a conversion: add {_flag('from')} coco or voc.")
    return None if to is None else expanded(Path(to)).absolute()


def _flag(name: str) -> str:
    return f"--{name.strip('_').replace('_', '-')}"


def _source(source: Path) -> Path:
    """File or folder of another tool's annotations, absolute."""
    place = expanded(source).absolute()
    if not os.path.exists(place):  # noqa: PTH110 - False below a closed folder
        raise AutoMLError(f"--data {source}: there is no such file or folder. Check the path.")
    return place


def _data(data: Path, home: Path) -> Path:
    """The data.yaml, absolute. Its content is judged later."""
    file = expanded(data)
    if not (is_file(file) and file.suffix.lower() in SUFFIXES):
        file = data_file(data, home)  # one that comes with Ultralytics, or a refusal
        if not (is_file(file) and file.suffix.lower() in SUFFIXES):
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
    example = f"{'suspects' if suffixes[0] == '.csv' else 'report'}{suffixes[0]}"
    if os.path.isdir(file):  # noqa: PTH112 - False below a closed folder
        raise AutoMLError(f"{flag} {output}: a folder. Name a file in it: {output / example}")
    if file.suffix.lower() not in suffixes:
        raise AutoMLError(f"{flag} {output}: name a file that ends in {suffixes[0]}, such as {example}.")
    try:
        if not file.parent.is_dir():
            raise AutoMLError(f"{flag} {output}: the folder {file.parent} does not exist. Create it, or name another.")
        beginning = _beginning(file, f"{flag} {output}", len(mark))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AutoMLError(f"{flag} {output} cannot be written ({reason}). Name another file.") from None
    if beginning and beginning != mark:
        raise AutoMLError(f"{flag} {output} exists and is none of automl's. Name another file, or move it away.")
    return file


def _beginning(file: Path, words: str, count: int) -> bytes:
    """First bytes of a file that can be written, of none of one that can be created: nothing is left behind.

    Raises AutoMLError for a link and for what is no regular file, OSError for what cannot be written.
    """
    with TemporaryFile(dir=file.parent):
        pass
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return b""
    if stat.S_ISLNK(mode):
        raise AutoMLError(f"{words}: a link, which is not written through. Name another file.")
    if not stat.S_ISREG(mode):
        raise AutoMLError(f"{words}: not a regular file. Name another file.")
    with file.open("r+b") as stream:
        return stream.read(count)
