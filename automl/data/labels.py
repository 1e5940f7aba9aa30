"""Label files of YOLO, checked row by row as Ultralytics 8.4.190 checks them.

Ultralytics (`data/utils.py`, `verify_image_label`) drops the whole image of a row that it cannot use, with
a warning that is easily missed. Here every such row is a problem with its line, and the caller refuses.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from automl.files import pointers
from automl.files.regular import read_regular, read_regular_text

TOLERANCE = 0.01  # Ultralytics accepts a coordinate so far outside [0, 1]
_PIXELS = 2.0  # above it a coordinate is one of pixels, rather than of a box across the border
DROPPED = "Ultralytics would leave out the whole image"


class RowFault(StrEnum):
    """Kinds of label rows, and of whole label files, that cannot be used."""

    FILE = "unreadable"
    POINTER = "pointer"  # of Git LFS
    ENCODING = "encoding"
    TEXT = "text"
    NUMBER = "not-finite"
    COLUMNS = "columns"
    MIXED = "boxes-among-polygons"
    CLASS = "class-not-whole"
    RANGE = "class-out-of-range"
    SIZE = "negative-size"
    PIXELS = "pixels-instead-of-fractions"
    OUTSIDE = "outside-image"


@dataclass(frozen=True, kw_only=True)
class LabelRules:
    """Rules of a data.yaml for its label rows."""

    nc: int
    keypoint_columns: int = 0  # columns after the box in rows of a pose data set; ignored by a detector


class Problem(NamedTuple):
    """A label row that cannot be used."""

    line: int  # from 1
    text: str
    fault: RowFault


class Row(NamedTuple):
    """A usable label row."""

    line: int  # from 1
    kind: int  # class id
    box: tuple[float, float, float, float]  # x y width height: centre and size, fractions of the image


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Contents of one label file, row by row."""

    usable: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()
    count: int = 0  # of both, or of rows that could not be told apart: none
    outlined: bool = False  # True if the rows are polygons; the boxes then enclose them
    absent: bool = False  # True if there is no such file


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Contents of one label file, counted."""

    boxes: int
    polygons: int
    problems: tuple[tuple[int, str], ...]  # line from 1 and the problem there
    absent: bool = False  # True if there is no such file

    @classmethod
    def of(cls, rows: Rows) -> Labels:
        """The number of rows, and their problems."""
        return cls(
            boxes=rows.count,
            polygons=rows.count if rows.outlined else 0,
            problems=tuple((problem.line, problem.text) for problem in rows.problems),
            absent=rows.absent,
        )


def label_path(image: str) -> str:
    """Label file of an image: its last folder `images` becomes `labels`, its suffix .txt."""
    images, labels = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"
    head, separator, tail = image.rpartition(images)
    moved = head + labels + tail if separator else image
    return moved.rpartition(".")[0] + ".txt"


def without_image(images: Sequence[str]) -> list[str]:
    """Label files that belong to none of the images, in the folders `labels` where theirs lie."""
    known = {label_path(image) for image in images}
    folders = {os.path.dirname(file) for file in known if f"{os.sep}labels{os.sep}" in file}  # noqa: PTH120
    others: list[str] = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            others += [entry.path for entry in entries if entry.name.endswith(".txt") and entry.path not in known]
    return sorted(file for file in others if not file.endswith(f"{os.sep}classes.txt"))


def read_labels(file: str, rules: LabelRules) -> Labels:
    """The objects of one label file, counted; a missing file is an image without objects."""
    return Labels.of(read_rows(file, rules))


def read_rows(file: str, rules: LabelRules) -> Rows:
    """The rows of one label file; a missing file is an image without objects."""
    try:
        content = read_regular(file)
        if pointers.is_pointer(content):
            return _unreadable(RowFault.POINTER, pointers.IN_WORDS)
        return parse_rows(content.decode("utf-8-sig"), rules)
    except FileNotFoundError:
        return Rows(absent=True)
    except UnicodeDecodeError:
        return _unreadable(RowFault.ENCODING, "not a text file in UTF-8")
    except OSError as error:
        return _unreadable(RowFault.FILE, f"cannot be read ({error.strerror})")


def _unreadable(fault: RowFault, text: str) -> Rows:
    return Rows(problems=(Problem(1, text, fault),))


def classes_in(file: str) -> frozenset[int]:
    """Class ids in a label file of usable rows."""
    try:
        text = read_regular_text(file)
    except FileNotFoundError:
        return frozenset()
    return frozenset(int(float(row.split(None, 1)[0])) for row in text.splitlines() if row.strip())


def sides_in(file: str, keypoint_columns: int = 0) -> tuple[tuple[float, float], ...]:
    """Width and height of each box in a label file of usable rows, as fractions of the image."""
    try:
        text = read_regular_text(file)
    except FileNotFoundError:
        return ()
    rows = [[float(word) for word in row.split()[1:]] for row in text.splitlines() if row.strip()]
    boxes = (row if len(row) in (4, 4 + keypoint_columns) else _enclosing_box(row) for row in rows)
    return tuple((box[2], box[3]) for box in boxes)


def parse_labels(text: str, rules: LabelRules) -> Labels:
    """The objects in the text of one label file, counted."""
    return Labels.of(parse_rows(text, rules))


def parse_rows(text: str, rules: LabelRules) -> Rows:
    """The rows in the text of one label file."""
    rows = [(line, row.split()) for line, row in enumerate(text.splitlines(), start=1) if row.strip()]
    if rules.keypoint_columns:
        pose = 5 + rules.keypoint_columns
        rows = [(line, row[:5] if len(row) == pose else row) for line, row in rows]
    outlined = any(len(row) > 6 for _, row in rows)
    usable: list[Row] = []
    problems: list[Problem] = []
    for line, words in rows:
        row = _row(line, words, outlined, rules)
        if isinstance(row, Row):
            usable.append(row)
        else:
            problems.append(row)
    return Rows(usable=tuple(usable), problems=tuple(problems), count=len(rows), outlined=outlined)


def _row(line: int, words: list[str], outlined: bool, rules: LabelRules) -> Row | Problem:
    """The row, or why it cannot be used."""
    try:
        kind, *points = map(float, words)
    except ValueError:
        return Problem(line, f"'{_short(words)}' is not a row of numbers", RowFault.TEXT)
    problem = _shape_problem(len(words), outlined) or _class_problem(kind, rules) or _number_problem(points)
    if problem is None:
        box = (points[0], points[1], points[2], points[3]) if len(points) == 4 else _enclosing_box(points)
        problem = _box_problem(box)
        if problem is None:
            return Row(line, int(kind), box)
    return Problem(line, *problem)


def _shape_problem(columns: int, outlined: bool) -> tuple[str, RowFault] | None:
    if not outlined:
        fits = columns == 5
        return None if fits else (f"{columns} columns where a box has 5 (class x y width height)", RowFault.COLUMNS)
    if columns == 5:
        return "a box among polygons; a file holds either boxes or polygons", RowFault.MIXED
    if columns < 7 or columns % 2 == 0:
        return f"{columns} columns where a polygon has a class and three or more pairs x y", RowFault.COLUMNS
    return None


def _class_problem(kind: float, rules: LabelRules) -> tuple[str, RowFault] | None:
    if kind % 1 != 0:  # true for NaN and infinity as well
        return f"class {kind:g} is not a whole number", RowFault.CLASS
    if not 0 <= kind < rules.nc:
        text = f"class {kind:.0f} is out of range: names has {rules.nc} (0 to {rules.nc - 1})"
        return text, RowFault.RANGE
    return None


def _number_problem(points: list[float]) -> tuple[str, RowFault] | None:
    """NaN or infinity, which the corners of a polygon would hide."""
    odd = next((point for point in points if not math.isfinite(point)), None)
    if odd is None:
        return None
    words = "not a number" if math.isnan(odd) else "outside 0 to 1"
    return f"{odd:g} is {words}; boxes are fractions of the image, not pixels", RowFault.NUMBER


def _box_problem(box: tuple[float, float, float, float]) -> tuple[str, RowFault] | None:
    x, y, width, height = box
    if width < 0 or height < 0:
        return f"negative size {min(width, height):g}", RowFault.SIZE
    low, high = -TOLERANCE, 1 + TOLERANCE
    if low <= x <= high and low <= y <= high and width <= high and height <= high:
        return None
    worst = next(number for number in box if not low <= number <= high)
    text = f"{worst:g} is outside 0 to 1; boxes are fractions of the image, not pixels"
    return text, RowFault.PIXELS if max(box) > _PIXELS else RowFault.OUTSIDE


def _enclosing_box(points: list[float]) -> tuple[float, float, float, float]:
    xs, ys = points[::2], points[1::2]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _short(row: list[str]) -> str:
    text = " ".join(row)
    return text if len(text) <= 40 else text[:37] + "..."
