"""Images of annotations on disk, and names that are safe to write."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath

from automl.data.conversion.records import DATA, MARK
from automl.data.listing import is_image

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TURNED = range(5, 9)  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112


def is_inside(name: str) -> bool:
    """True if a relative name, with slashes, stays below the folder from which it starts."""
    normal = os.path.normpath(name).replace(os.sep, "/")
    return not (normal.startswith(("/", "../")) or normal == ".." or re.match(r"[A-Za-z]:", normal))


def with_slashes(name: str) -> str:
    """The name with the slashes of Windows turned."""
    return name.replace("\\", "/")


def safe_name(name: str) -> str:
    """A name to write below a folder: without dots that climb, drives and control characters."""
    parts = [part for part in PurePosixPath(_CONTROL.sub("_", name)).parts if part not in ("/", ".", "..")]
    return "/".join(part.replace(":", "_").lstrip(".") or "_" for part in parts)


class Images:
    """Images below a folder, found by the names in annotations."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def find(self, name: str, places: Sequence[Path]) -> Path | None:
        """The image of that name: in the first of the places that has it, else the only one of its name below the root.

        name  relative, with slashes; of one that leads out of the root only the last part counts
        """
        if is_inside(name):
            for place in places:
                with suppress(OSError, ValueError):
                    if (place / name).is_file():
                        return Path(os.path.normpath(place / name))
        alike = self._by_name.get(PurePosixPath(name).name, [])
        return alike[0] if len(alike) == 1 else None

    def of_stem(self, stem: str, places: Sequence[Path]) -> Path | None:
        """The image of that stem, whatever its suffix: in one of the places, else the only one below the root."""
        alike = self._by_stem.get(stem, [])
        near = [image for place in places for image in alike if image.parent == place]
        if near:
            return near[0]
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def every(self) -> list[Path]:
        """All images below the root, sorted."""
        return sorted(file for file in files_below(self.root) if is_image(file.name))

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        names: dict[str, list[Path]] = defaultdict(list)
        for image in self.every:
            names[image.name].append(image)
        return names

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        stems: dict[str, list[Path]] = defaultdict(list)
        for image in self.every:
            stems[image.stem].append(image)
        return stems


def files_below(root: Path) -> Iterator[Path]:
    """Files below a folder, links followed once. Hidden ones do not count, nor do those of an earlier conversion."""
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen or (DATA in files and is_conversion(Path(place))):
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place) / name for name in sorted(files) if not name.startswith("."))


def is_conversion(folder: Path) -> bool:
    """True if a folder holds a data set that was converted here."""
    try:
        return (folder / DATA).read_text(encoding="utf-8").startswith(MARK)
    except (OSError, UnicodeDecodeError):
        return False


def size_of(image: Path) -> tuple[int, int] | None:
    """Width and height in pixels as they are shown, from the header; None if it cannot be read."""
    from PIL import Image

    unreadable = (OSError, ValueError, SyntaxError, Image.DecompressionBombError, ImportError)
    with suppress(*unreadable), Image.open(image) as picture:
        turned = picture.format == "JPEG" and picture.getexif().get(_ORIENTATION) in _TURNED
        width, height = picture.size
        return (height, width) if turned else (width, height)
    return None
