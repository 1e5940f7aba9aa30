"""Mosaics: images of a split with their labels, and the worst places of a finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import SplitFacts
from automl.checks.tiles import DARK, GREY, PALE, RED, WHITE, Colour, Marked, Tile, class_name, colour, paste, text
from automl.checks.tiles import read_tile as read
from automl.records import Place

if TYPE_CHECKING:
    from PIL import Image

SIDE = 240  # pixels of a tile
ACROSS = 4  # tiles in a row
MOST = 16  # images of a mosaic
WORST = 8  # places of a finding that are shown
_LINE = 15  # pixels of a line of a caption
_NAMED = 14  # boxes of an image with more of them have no names, which would cover it
_ENTRY = (160, 20)  # pixels of a legend's entry
_LEGEND = 30  # classes of a legend


@dataclass(frozen=True)
class Cell:
    """A tile of a mosaic with what is drawn on it and written below it."""

    tile: Tile
    boxes: tuple[Marked, ...] = ()
    caption: str = ""
    words: str = ""


@dataclass(frozen=True)
class Shown:
    """A place of a finding with its image."""

    place: Place
    image: str
    boxes: tuple[Sequence[float], ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Boxed:
    """An image with boxes of known classes: labels, or predictions."""

    image: str
    boxes: NDArray[np.float32]  # (n, 4) x y width height: centre and size, fractions of the image
    classes: NDArray[np.int32]  # (n,)
    confidence: NDArray[np.float32] | None = None  # (n,) of predictions
    caption: str = ""  # beside the image's name
    words: str = ""  # below them


def grid(images: Sequence[Boxed], names: Sequence[str], columns: int = ACROSS) -> Image.Image:
    """Images with their boxes in rows of that many, and the classes by colour below."""
    cells = []
    for boxed in images:
        title = f"{boxed.caption}: {_name(boxed.image)}" if boxed.caption else _name(boxed.image)
        cells.append(Cell(read(boxed.image, SIDE - 4), tuple(_marks(boxed, names)), title, boxed.words))
    kinds = sorted({int(kind) for boxed in images for kind in boxed.classes})
    return _drawn(cells, min(columns, max(1, len(cells))), _legend(kinds, names))


def _marks(boxed: Boxed, names: Sequence[str]) -> Iterator[Marked]:
    named = len(boxed.classes) <= _NAMED
    for row, kind in enumerate(boxed.classes.tolist()):
        sure = "" if boxed.confidence is None else f" {boxed.confidence[row]:.2f}"
        yield Marked(boxed.boxes[row].tolist(), colour(kind), class_name(names, kind) + sure if named else "")


def sample(split: SplitFacts, seed: int) -> NDArray[np.int64]:
    """Indexes of a mosaic's images: such with labels first, drawn at random, in the order of the split."""
    order = np.random.default_rng(seed).permutation(len(split.images))
    labelled = split.per_image[order] > 0
    return np.sort(np.concatenate([order[labelled], order[~labelled]])[:MOST])


def mosaic(split: SplitFacts, names: Sequence[str], seed: int = 0) -> Image.Image:
    """Images of the split with their boxes as a training reads them, and the classes by colour below."""
    order = np.argsort(split.box_image, kind="stable")
    images = split.box_image[order]
    kinds: set[int] = set()
    cells = []
    for index in sample(split, seed).tolist():
        start, end = np.searchsorted(images, np.array([index, index + 1], dtype=images.dtype))
        rows = order[start:end]
        kinds |= set(split.box_class[rows].tolist())
        boxes = tuple(_marked(split, int(row), names, named=len(rows) <= _NAMED) for row in rows)
        cells.append(Cell(read(split.images[index], SIDE - 4), boxes, _name(split.images[index])))
    return _drawn(cells, min(ACROSS, max(1, len(cells))), _legend(sorted(kinds), names))


def _marked(split: SplitFacts, row: int, names: Sequence[str], *, named: bool) -> Marked:
    kind = int(split.box_class[row])
    return Marked(split.boxes[row].tolist(), colour(kind), class_name(names, kind) if named else "")


def _legend(kinds: Sequence[int], names: Sequence[str]) -> list[tuple[str, Colour]]:
    entries = [(class_name(names, kind), colour(kind)) for kind in kinds[:_LEGEND]]
    return entries + ([(f"and {len(kinds) - _LEGEND} more", GREY)] if len(kinds) > _LEGEND else [])


def worst(shown: Sequence[Shown]) -> Image.Image:
    """Images of a finding's places, numbered as in the list; the two files of a pair stand side by side."""
    cells = []
    pairs = any(entry.place.other for entry in shown)
    for number, entry in enumerate(shown, start=1):
        boxes = tuple(Marked(box, RED) for box in entry.boxes)
        tile = read(entry.image, SIDE - 4)
        cells.append(Cell(tile, boxes, f"{number}  {_name(entry.image)}", entry.place.text))
        if pairs:
            other = entry.place.other
            cells.append(Cell(read(other, SIDE - 4) if other else Tile.empty(SIDE - 4), caption=_name(other)))
    return _drawn(cells, min(ACROSS, len(cells)), [])


def _drawn(cells: Sequence[Cell], columns: int, legend: Sequence[tuple[str, Colour]]) -> Image.Image:
    """The cells in rows as high as their highest tile, with captions, above a legend."""
    from PIL import Image, ImageDraw

    lines = 2 if any(cell.words for cell in cells) else 1
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [max(cell.tile.picture.height for cell in row) for row in rows]
    tops = [sum(heights[:number]) + number * (lines * _LINE + 8) for number in range(len(rows) + 1)]
    across = max(1, columns * SIDE // _ENTRY[0])
    room = -(-len(legend) // across) * _ENTRY[1] + 10 if legend else 0
    picture = Image.new("RGB", (columns * SIDE, tops[-1] + room), DARK)
    drawing = ImageDraw.Draw(picture)
    for row, top, height in zip(rows, tops, heights, strict=False):
        for column, cell in enumerate(row):
            left = column * SIDE
            paste(picture, cell.tile, (left, top), (SIDE, height), cell.boxes)
            text(drawing, (left + 4, top + height + 2), cell.caption, width=SIDE - 8)
            text(drawing, (left + 4, top + height + 2 + _LINE), cell.words, width=SIDE - 8, fill=PALE)
    for number, (name, own) in enumerate(legend):
        left, above = number % across * _ENTRY[0] + 6, tops[-1] + 4 + number // across * _ENTRY[1]
        drawing.rectangle((left, above + 2, left + 11, above + 13), fill=own, outline=WHITE)
        text(drawing, (left + 17, above), name, width=_ENTRY[0] - 24)
    return picture


def _name(image: str) -> str:
    return image.replace("\\", "/").rpartition("/")[2]


def shown_places(places: Sequence[Place], images: Mapping[str, tuple[SplitFacts, int]]) -> list[Shown]:
    """The first places that are images or label files of an image, with the boxes that are meant.

    images  split and index of the images, by the paths of the images and of their label files
    """
    shown: list[Shown] = []
    for place in places:
        if place.file in images and len(shown) < WORST:
            split, index = images[place.file]
            shown.append(Shown(place, split.images[index], place.boxes or _at_line(split, index, place.line)))
    return shown


def _at_line(split: SplitFacts, index: int, line: int | None) -> tuple[Sequence[float], ...]:
    """The box of a line of an image's label file; none where it cannot be used."""
    rows = np.flatnonzero(split.box_image == index)
    return tuple(split.boxes[row].tolist() for row in rows if split.box_line[row] == line)
