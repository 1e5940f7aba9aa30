"""Label files of YOLO, checked row by row as Ultralytics 8.4.190 checks them.

Ultralytics (`data/utils.py`, `verify_image_label`) drops the whole image of a row that it cannot use, with
a warning that is easily missed. Here every such row is a problem with its line, and the caller refuses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from automl.files import pointers

TOLERANCE = 0.01  # Ultralytics accepts a coordinate so far outside [0, 1]
DROPPED = "Ultralytics would leave out the whole image"


@dataclass(frozen=True, kw_only=True)
class LabelRules:
    """Rules of a data.yaml for its label rows."""

    nc: int
    keypoint_columns: int = 0  # columns after the box in rows of a pose data set; ignored by a detector


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Contents of one label file."""

    boxes: int
    polygons: int
    problems: tuple[tuple[int, str], ...]  # line from 1 and the problem there
    absent: bool = False  # True if there is no such file


NOTHING = Labels(boxes=0, polygons=0, problems=(), absent=True)


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
    """The objects of one label file; a missing file is an image without objects."""
    try:
        with Path(file).open("rb") as stream:
            content = stream.read()
        if pointers.is_pointer(content):
            return Labels(boxes=0, polygons=0, problems=((1, pointers.IN_WORDS),))
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        return NOTHING
    except UnicodeDecodeError:
        return Labels(boxes=0, polygons=0, problems=((1, "not a text file in UTF-8"),))
    except OSError as error:
        return Labels(boxes=0, polygons=0, problems=((1, f"cannot be read ({error.strerror})"),))
    return parse_labels(text, rules)


def classes_in(file: str) -> frozenset[int]:
    """Class ids in a label file of usable rows."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return frozenset()
    return frozenset(int(float(row.split(None, 1)[0])) for row in text.splitlines() if row.strip())


def sides_in(file: str, keypoint_columns: int = 0) -> tuple[tuple[float, float], ...]:
    """Width and height of each box in a label file of usable rows, as fractions of the image."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    rows = [[float(word) for word in row.split()[1:]] for row in text.splitlines() if row.strip()]
    boxes = (row if len(row) in (4, 4 + keypoint_columns) else _enclosing_box(row) for row in rows)
    return tuple((box[2], box[3]) for box in boxes)


def parse_labels(text: str, rules: LabelRules) -> Labels:
    """The objects in the text of one label file."""
    rows = [(line, row.split()) for line, row in enumerate(text.splitlines(), start=1) if row.strip()]
    if rules.keypoint_columns:
        pose = 5 + rules.keypoint_columns
        rows = [(line, row[:5] if len(row) == pose else row) for line, row in rows]
    outlined = any(len(row) > 6 for _, row in rows)
    problems = tuple(_problems(rows, outlined, rules))
    return Labels(boxes=len(rows), polygons=len(rows) if outlined else 0, problems=problems)


def _problems(rows: list[tuple[int, list[str]]], outlined: bool, rules: LabelRules) -> Iterator[tuple[int, str]]:
    for line, row in rows:
        try:
            numbers = [float(word) for word in row]
        except ValueError:
            yield line, f"'{_short(row)}' is not a row of numbers"
            continue
        problem = _shape_problem(numbers, outlined) or _value_problem(numbers, rules)
        if problem is not None:
            yield line, problem


def _shape_problem(numbers: list[float], outlined: bool) -> str | None:
    columns = len(numbers)
    if not outlined:
        return None if columns == 5 else f"{columns} columns where a box has 5 (class x y width height)"
    if columns == 5:
        return "a box among polygons; a file holds either boxes or polygons"
    if columns < 7 or columns % 2 == 0:
        return f"{columns} columns where a polygon has a class and three or more pairs x y"
    return None


def _value_problem(numbers: list[float], rules: LabelRules) -> str | None:
    kind, *points = numbers
    if kind % 1 != 0:  # true for NaN and infinity as well
        return f"class {kind:g} is not a whole number"
    if not 0 <= kind < rules.nc:
        return f"class {kind:.0f} is out of range: names has {rules.nc} (0 to {rules.nc - 1})"
    x, y, width, height = points if len(points) == 4 else _enclosing_box(points)
    if width < 0 or height < 0:
        return f"negative size {min(width, height):g}"
    low, high = -TOLERANCE, 1 + TOLERANCE
    if low <= x <= high and low <= y <= high and width <= high and height <= high:
        return None
    worst = next(number for number in (x, y, width, height) if not low <= number <= high)
    return f"{worst:g} is outside 0 to 1; boxes are fractions of the image, not pixels"


def _enclosing_box(points: list[float]) -> tuple[float, float, float, float]:
    xs, ys = points[::2], points[1::2]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _short(row: list[str]) -> str:
    text = " ".join(row)
    return text if len(text) <= 40 else text[:37] + "..."
