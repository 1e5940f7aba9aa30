"""Small pictures of image files with boxes and captions. What cannot be shown becomes a grey tile with its reason."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.formats import HEAD, Format, format_of
from automl.data.pixels import judge
from automl.files.regular import open_regular

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

MOST_PIXELS = 60_000_000  # of an image that is decoded whole; a JPEG is decoded at an eighth of its sides
RED = (230, 30, 40)
DARK, GREY, PALE, WHITE = (32, 34, 38), (120, 124, 130), (196, 200, 206), (255, 255, 255)
_COLOURS = (  # of the first classes: far apart, and readable under white text
    *((214, 69, 65), (31, 119, 180), (35, 139, 69), (148, 82, 190), (200, 110, 10), (0, 140, 140)),
    *((190, 60, 130), (110, 110, 30), (90, 90, 200), (120, 80, 60)),
)
_GOLDEN = 0.618034  # turn of the hue from one further class to the next
_LONGEST = 22  # characters of a class name in a picture

Colour = tuple[int, int, int]
Box = Sequence[float]  # x y width height: centre and size, fractions of the image


@dataclass(frozen=True)
class Marked:
    """A box to draw."""

    box: Box
    colour: Colour
    name: str = ""


@dataclass(frozen=True)
class Tile:
    """An image file as a small picture."""

    picture: Image.Image  # RGB
    reason: str = ""  # why it is no picture of the file

    @classmethod
    def empty(cls, side: int, reason: str = "") -> Tile:
        """A grey tile."""
        from PIL import Image

        return cls(Image.new("RGB", (side, side * 3 // 4), GREY), reason)


def colour(kind: int) -> Colour:
    """Colour of a class id; the same in every picture."""
    if kind < len(_COLOURS):
        return _COLOURS[kind]
    red, green, blue = colorsys.hsv_to_rgb(kind * _GOLDEN % 1, 0.75, 0.72)
    return round(255 * red), round(255 * green), round(255 * blue)


def class_name(names: Sequence[str], kind: int) -> str:
    """Name of a class for a picture: short, in one line, and in letters that the font has."""
    name = " ".join(names[kind].split()) if kind < len(names) else ""
    if not name or not all(character.isprintable() and ord(character) < 0x590 for character in name):
        return f"class {kind}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def read_tile(file: str, side: int) -> Tile:
    """The image, turned as EXIF says, of at most so many pixels in a side."""
    flaw = judge(file).flaw
    reason = flaw.words if flaw is not None else ""
    picture: Any = None
    if not reason:
        try:
            picture = _decoded(file, side)
            reason = "" if picture is not None else "too large to be shown here"
        except MemoryError:
            reason = "too large to be shown here"
        except Exception as error:  # Pillow's readers raise almost anything on damaged files
            reason = f"damaged: {error}"
    return Tile(picture) if picture is not None else Tile.empty(side, reason)


def _decoded(file: str, side: int) -> Any:
    """The image in RGB; None if it is too large to be decoded for a small picture."""
    from PIL import Image, ImageOps

    with open_regular(file) as stream:
        kind = format_of(stream.read(HEAD))
        stream.seek(0)
        Image.init()
        if kind is Format.HEIF:
            import pi_heif  # type: ignore[import-not-found]

            pi_heif.register_heif_opener()
        factory, _ = Image.OPEN[str(kind)]
        picture: Any = factory(stream, file)  # Pillow's own `open` may be patched
        picture.draft("RGB", (2 * side, 2 * side))
        if picture.width * picture.height > MOST_PIXELS:
            return None
        picture.load()
        picture = _in_eight_bits(ImageOps.exif_transpose(picture))
        picture.thumbnail((side, side))
        return picture


def _in_eight_bits(picture: Any) -> Any:
    from PIL import Image

    if picture.mode[:1] in "IF":  # 16 or 32 bits, one channel
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
        top = 65535.0 if float(values.max(initial=0)) > 255 else 255.0
        return Image.fromarray(np.clip(values * 255 / top, 0, 255).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")


@cache
def font(size: int) -> Any:
    """A font of that size in pixels; it has Latin, Greek and Cyrillic letters."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def paste(
    onto: Image.Image, tile: Tile, corner: tuple[int, int], cell: tuple[int, int], boxes: Iterable[Marked] = ()
) -> None:
    """Draw a tile in the middle of a cell, with its boxes."""
    from PIL import ImageDraw

    picture = tile.picture.copy()
    drawing = ImageDraw.Draw(picture)
    if tile.reason:
        text(drawing, (8, picture.height // 2 - 16), tile.reason, width=picture.width - 16, lines=3)
    else:
        for marked in boxes:
            _draw_box(drawing, picture.size, marked)
    onto.paste(picture, (corner[0] + (cell[0] - picture.width) // 2, corner[1] + (cell[1] - picture.height) // 2))


def _draw_box(drawing: ImageDraw.ImageDraw, size: tuple[int, int], marked: Marked) -> None:
    x, y, width, height = (float(value) for value in marked.box)
    left, right = ((x + sign * width / 2) * size[0] for sign in (-1, 1))
    top, bottom = ((y + sign * height / 2) * size[1] for sign in (-1, 1))
    if not all(map(np.isfinite, (left, right, top, bottom))):
        return
    left, right = sorted((min(max(left, 0), size[0] - 1), min(max(right, 0), size[0] - 1)))
    top, bottom = sorted((min(max(top, 0), size[1] - 1), min(max(bottom, 0), size[1] - 1)))
    drawing.rectangle((left, top, right, bottom), outline=marked.colour, width=2)
    if marked.name:
        extent = drawing.textbbox((0, 0), marked.name, font=font(10))
        above = top - 12 if top >= 12 else top
        drawing.rectangle((left, above, left + extent[2] + 4, above + 12), fill=marked.colour)
        drawing.text((left + 2, above), marked.name, fill=WHITE, font=font(10))


def text(
    drawing: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    words: str,
    *,
    width: int,
    lines: int = 1,
    fill: Colour = WHITE,
    size: int = 11,
) -> None:
    """Draw words from a corner, broken into lines of that width; what does not fit is cut."""
    rest = "".join(character if character.isprintable() else " " for character in words)
    for number in range(lines):
        count = len(rest)
        while count > 1 and drawing.textlength(rest[:count], font=font(size)) > width:
            count -= 1
        line, rest = rest[:count], rest[count:]
        if rest and number == lines - 1:
            line = f"{line[:-1]}…"
        drawing.text((corner[0], corner[1] + number * (size + 4)), line, fill=fill, font=font(size))
        if not rest:
            return
