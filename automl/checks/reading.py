"""Facts of some images of a split, read from their files: the work of one thread at a time."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import HASH_BYTES, RowProblem
from automl.checks.hashing import Look, look_at
from automl.data.labels import LabelRules, Problem, Row, RowFault, Rows, label_path, read_rows
from automl.data.pixels import Fault, Flaw, Trait, decode_grey, judge_and_measure

_LARGE = 16_000_000  # pixels of an image of which one is decoded at a time, for the sake of memory
OF_ROWS = ("box_line", "box_class", "boxes", "polygon")  # arrays of `Part` with an entry for each label row
_alone = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Depth of a reading: rules of label rows, channels, and whether pixels are read."""

    rules: LabelRules
    channels: int = 3
    pixels: bool = True


@dataclass(eq=False, kw_only=True)
class Part:
    """Facts of n images with m usable label rows; see `SplitFacts` for the arrays that are named as there."""

    labelled: NDArray[np.bool_]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    traits: NDArray[np.uint16]
    decoded: NDArray[np.bool_]
    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    hashes: NDArray[np.uint8]
    counts: NDArray[np.int32]  # n: usable label rows of each image
    box_line: NDArray[np.int32]
    box_class: NDArray[np.int32]
    boxes: NDArray[np.float32]
    polygon: NDArray[np.bool_]
    flaws: dict[int, Flaw] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)

    @classmethod
    def empty(cls, count: int) -> Part:
        """Facts of so many images, none of them read."""
        return cls(
            labelled=np.zeros(count, dtype=np.bool_),
            width=np.zeros(count, dtype=np.int32),
            height=np.zeros(count, dtype=np.int32),
            traits=np.zeros(count, dtype=np.uint16),
            decoded=np.zeros(count, dtype=np.bool_),
            brightness=np.full(count, math.nan, dtype=np.float32),
            contrast=np.full(count, math.nan, dtype=np.float32),
            hashes=np.zeros((count, HASH_BYTES), dtype=np.uint8),
            counts=np.zeros(count, dtype=np.int32),
            box_line=np.zeros(0, dtype=np.int32),
            box_class=np.zeros(0, dtype=np.int32),
            boxes=np.zeros((0, 4), dtype=np.float32),
            polygon=np.zeros(0, dtype=np.bool_),
        )


def read_part(images: Sequence[str], reading: Reading) -> Part:
    """Facts of some images."""
    part = Part.empty(len(images))
    rows: list[Row] = []
    outlined: list[bool] = []
    for number, image in enumerate(images):
        _read_image(part, number, image, reading)
        content = read_rows(label_path(image), reading.rules)
        content = _dangling(label_path(image)) if content.absent else content
        part.labelled[number] = not content.absent
        part.counts[number] = len(content.usable)
        part.problems += (_at(number, problem) for problem in content.problems)
        rows += content.usable
        outlined += [content.outlined] * len(content.usable)
    part.box_line = np.fromiter((row.line for row in rows), np.int32, len(rows))
    part.box_class = np.fromiter((row.kind for row in rows), np.int32, len(rows))
    part.boxes = np.array([row.box for row in rows], dtype=np.float32).reshape(-1, 4)
    part.polygon = np.array(outlined, dtype=np.bool_)
    return part


def joined(parts: Iterable[Part], count: int) -> Part:
    """Facts of all images of consecutive parts, of so many images together."""
    parts = list(parts)
    whole = Part.empty(count)
    start = 0
    for part in parts:
        whole.flaws |= {start + number: flaw for number, flaw in part.flaws.items()}
        whole.problems += (_moved(problem, start) for problem in part.problems)
        start += len(part.counts)
    assert start == count
    for name, value in vars(whole).items():
        if isinstance(value, np.ndarray) and parts:
            setattr(whole, name, np.concatenate([getattr(part, name) for part in parts]))
    return whole


def chosen(part: Part, images: NDArray[np.intp]) -> Part:
    """Facts of some images of a part, in the order of `images`."""
    ends, counts = np.cumsum(part.counts, dtype=np.intp), part.counts[images]
    starts = ends[images] - counts
    rows = np.repeat(starts - (np.cumsum(counts, dtype=np.intp) - counts), counts) + np.arange(counts.sum())
    result = Part.empty(len(images))
    for name, value in vars(part).items():
        if isinstance(value, np.ndarray):
            setattr(result, name, value[rows if name in OF_ROWS else images])
    places: dict[int, int] = {int(image): number for number, image in enumerate(images)}
    result.flaws = {places[number]: flaw for number, flaw in part.flaws.items() if number in places}
    result.problems = [
        RowProblem(image=places[problem.image], line=problem.line, text=problem.text, fault=problem.fault)
        for problem in part.problems
        if problem.image in places
    ]
    return result


def _read_image(part: Part, number: int, image: str, reading: Reading) -> None:
    verdict, header = judge_and_measure(image, reading.channels)
    part.width[number], part.height[number] = header.width, header.height
    part.traits[number] = header.traits | (Trait.UNTIDY if verdict.untidy else 0)
    flaw = verdict.flaw
    if flaw is None and reading.pixels:
        look = _look(image, header.width, header.height)
        if look is None:
            flaw = Flaw(Fault.GONE, "an image that OpenCV does not decode: cut off, or of a rare kind")
        else:
            part.decoded[number] = True
            part.brightness[number], part.contrast[number] = look.brightness, look.contrast
            part.hashes[number] = look.digest
    if flaw is not None:
        part.flaws[number] = flaw


def _look(image: str, width: int, height: int) -> Look | None:
    with _alone if width * height > _LARGE else nullcontext():
        try:
            content = np.fromfile(image, np.uint8)
        except OSError:
            return None
        look = look_at(content, min(width, height)) if len(content) else None
        return look if look is not None else _look_otherwise(image)


def _look_otherwise(image: str) -> Look | None:
    """The look of an image that Pillow decodes in OpenCV's place, as Ultralytics lets it."""
    grey = decode_grey(image)
    return None if grey is None else Look.of(grey)


def _dangling(file: str) -> Rows:
    """The rows of a label file that is not there: a problem if a link of its name leads nowhere."""
    if os.path.islink(file):  # noqa: PTH114 - there may be very many
        return Rows(problems=(Problem(1, "a link that leads nowhere", RowFault.FILE),))
    return Rows(absent=True)


def _at(image: int, problem: Problem) -> RowProblem:
    return RowProblem(image=image, line=problem.line, text=problem.text, fault=problem.fault)


def _moved(problem: RowProblem, by: int) -> RowProblem:
    return RowProblem(image=problem.image + by, line=problem.line, text=problem.text, fault=problem.fault)
