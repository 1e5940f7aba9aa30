"""Boxes in pixels, as they can be used: within their image and with an area."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from automl.data.conversion.notes import Notes, What
from automl.data.conversion.places import size_of
from automl.data.conversion.records import PixelBox

_EXACT = 0.1  # pixels that a box may reach out of its image without a word: coordinates are rounded


def numbers(values: object, count: int) -> tuple[float, ...] | None:
    """So many finite numbers; None for anything else."""
    if not isinstance(values, list | tuple) or len(values) != count:
        return None
    try:
        row = tuple(0.0 if isinstance(value, bool) else float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        return None
    return row if all(map(math.isfinite, row)) else None


def usable(
    box: PixelBox, width: int, height: int, notes: Notes, file: Path, line: int | None = None
) -> PixelBox | None:
    """The box within its image; None, with a note, where nothing of it is left."""
    name, *edges = box
    text = f"{name} {', '.join(f'{edge:g}' for edge in edges)} in {width} x {height}"
    left, right, top, bottom = (*sorted((box.left, box.right)), *sorted((box.top, box.bottom)))
    if (left, top) != (box.left, box.top):
        notes.add(What.TURNED, file, text, line=line)
    if right <= left or bottom <= top:
        notes.add(What.FLAT, file, text, line=line)
        return None
    cut = PixelBox(name, max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom))
    if cut.right <= cut.left or cut.bottom <= cut.top:
        notes.add(What.OUTSIDE, file, text, line=line)
        return None
    beyond = max(cut.left - left, cut.top - top, right - cut.right, bottom - cut.bottom)
    if beyond > _EXACT:
        notes.add(What.CUT, file, text, line=line)
    return cut


def pixels(width: Any, height: Any, image: Path, notes: Notes, file: Path) -> tuple[int, int] | None:
    """Size in which boxes are measured: as written, else that of the image. None, with a note, if there is none."""
    written, real = numbers([width, height], 2), size_of(image)
    if written is not None and min(written) >= 1:
        size = (round(written[0]), round(written[1]))
        if real is not None and real != size:
            notes.add(What.OTHER_SIZE, file, f"{image.name} is {real[0]} x {real[1]}, not {size[0]} x {size[1]}")
        return size
    notes.add(What.BAD_IMAGE if real is None else What.NO_SIZE, file, str(image))
    return real
