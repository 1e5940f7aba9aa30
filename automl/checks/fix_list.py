"""Suspicious labels as a CSV file, for annotation tools and spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from automl.errors import AutoMLError
from automl.figures import harmless
from automl.files.atomic import replacing
from automl.records.check import Box, Suspect

_SIDES = ("left", "top", "right", "bottom")
COLUMNS = (
    "rank",
    "kind",
    "score",
    "split",
    "image",
    "label_file",
    "line",
    "class",
    "proposed_class",
    *(f"label_{side}" for side in _SIDES),
    *(f"proposed_{side}" for side in _SIDES),
    "image_width",
    "image_height",
    "why",
    "crop",
)
Size = tuple[int, int]  # width and height in pixels


def write_fix_list(
    suspects: Sequence[Suspect], names: Sequence[str], file: Path, sizes: Mapping[str, Size] | None = None
) -> Path:
    """Write the suspects, one a row, in their order; the absolute path of the file.

    Boxes are in pixels of the image as it is shown, empty where its size cannot be read. Text that a spreadsheet would
    read as a formula has a `'` before it. The file is UTF-8 with a mark of it, which Excel needs.

    names  of the classes by id
    sizes  of images that are known; the others are read from the headers

    Raises AutoMLError if the file cannot be written.
    """
    known = dict(sizes or {})
    for suspect in suspects:
        if suspect.image not in known:
            known[suspect.image] = size_of(suspect.image)
    try:
        with replacing(file) as part, part.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            for rank, suspect in enumerate(suspects, start=1):
                writer.writerow([harmless(value) for value in _row(rank, suspect, names, known[suspect.image])])
    except UnicodeEncodeError:
        raise AutoMLError(f"{file}: the name of an image is not valid Unicode. Rename it, and check again.") from None
    except OSError as error:
        raise AutoMLError(f"{file} cannot be written ({error.strerror}). Name another file with --fix-list.") from None
    return file.absolute()


def size_of(image: str) -> Size:
    """Width and height of an image as it is shown, from its header; zeros if it cannot be read."""
    from PIL import Image

    try:
        with Image.open(image) as picture:
            turned = picture.format == "JPEG" and picture.getexif().get(0x0112) in range(5, 9)
            width, height = picture.size
            return (height, width) if turned else (width, height)
    except (OSError, ValueError, SyntaxError, ImportError, Image.DecompressionBombError):
        return 0, 0


def pixels(box: Box | None, size: Size) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of a box in pixels; None without a box or a size."""
    if box is None or not min(size):
        return None
    (x, y, width, height), (across, down) = box, size
    return (x - width / 2) * across, (y - height / 2) * down, (x + width / 2) * across, (y + height / 2) * down


def _row(rank: int, suspect: Suspect, names: Sequence[str], size: Size) -> Iterator[object]:
    yield from (rank, suspect.kind.value, f"{suspect.score:.3f}", suspect.split, suspect.image, suspect.file)
    yield "" if suspect.line is None else suspect.line
    yield from (_name(suspect.label_class, names), _name(suspect.proposed_class, names))
    for box in (suspect.label, suspect.proposed):
        sides = pixels(box, size)
        yield from ("", "", "", "") if sides is None else (round(side, 1) for side in sides)
    yield from (size[0] or "", size[1] or "")
    yield from (suspect.why, suspect.picture)


def _name(number: int | None, names: Sequence[str]) -> str:
    if number is None:
        return ""
    return names[number] if 0 <= number < len(names) else str(number)
