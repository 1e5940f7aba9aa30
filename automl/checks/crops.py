"""Pictures of suspicious labels: the part of the image around them, with both boxes. Images are only read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from automl.checks.fix_list import pixels
from automl.records.check import Suspect

MOST = 200  # suspects that get a picture
_SIDE = 320  # pixels of the longer side of a picture
_AROUND = 0.75  # of the boxes' size, to each side
_LABEL, _PROPOSED = "#e5484d", "#12a594"  # colours: the label as it is, and the model's proposal


def write_crops(suspects: Sequence[Suspect], folder: Path, *, most: int = MOST) -> tuple[Suspect, ...]:
    """The suspects; the first ones with the name of their picture, which is written into `folder`.

    A suspect whose image cannot be read gets none. The label is drawn in red, the proposal in green.

    folder  of the report: never one of the data set's
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [_with_crop(suspect, folder, rank) for rank, suspect in enumerate(suspects[:most], start=1)]
    return (*drawn, *suspects[most:])


def _with_crop(suspect: Suspect, folder: Path, rank: int) -> Suspect:
    from PIL import Image

    name = f"suspect-{rank:04d}.jpg"
    unreadable = (OSError, ValueError, SyntaxError, ImportError, Image.DecompressionBombError)
    with suppress(*unreadable):
        _draw(suspect, folder / name)
        return replace(suspect, picture=name)
    return suspect


def _draw(suspect: Suspect, file: Path) -> None:
    from PIL import Image, ImageDraw, ImageOps

    with Image.open(suspect.image) as opened:
        turned = opened.format == "JPEG"  # as Ultralytics, which turns no other kind
        image = (ImageOps.exif_transpose(opened) if turned else opened).convert("RGB")
    boxes = [(pixels(suspect.label, image.size), _LABEL), (pixels(suspect.proposed, image.size), _PROPOSED)]
    drawn = [(box, colour) for box, colour in boxes if box is not None]
    left, top, right, bottom = _window([box for box, _ in drawn], image.size)
    scale = _SIDE / max(right - left, bottom - top)
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    crop = image.crop((left, top, right, bottom)).resize(size, Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(crop)
    for (x1, y1, x2, y2), colour in drawn:
        first, last = ((x1 - left) * scale, (y1 - top) * scale), ((x2 - left) * scale, (y2 - top) * scale)
        pen.rectangle((*first, max(first[0], last[0]), max(first[1], last[1])), None, colour, 3)
    crop.save(file, quality=85)


def _window(boxes: Sequence[tuple[float, float, float, float]], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of the image with the boxes and some of their surroundings."""
    if not boxes:
        return 0, 0, *size
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    side = max(right - left, bottom - top, 16) * _AROUND
    x1, y1 = int(max(0, min(left - side, size[0] - 1))), int(max(0, min(top - side, size[1] - 1)))
    return x1, y1, int(max(x1 + 1, min(right + side, size[0]))), int(max(y1 + 1, min(bottom + side, size[1])))
