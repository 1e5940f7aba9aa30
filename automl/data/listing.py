"""Images in folders and in text files, and the files there that Ultralytics does not read as images."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from automl.errors import BadData
from automl.figures import listed
from automl.files.regular import is_file, read_regular

IMAGE_SUFFIXES = frozenset(  # those of Ultralytics 8.4.190
    ("avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp")
)
# Files that lie beside images on purpose: annotations, caches, notes.
_BESIDE = frozenset(
    ("txt", "xml", "json", "csv", "tsv", "yaml", "yml", "md", "rst", "cache", "npy", "npz", "db", "ini")
)
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")
# Annotations and archives of other tools, by suffix.
FOREIGN = {
    ".json": "JSON, as annotations of COCO are",
    ".ndjson": "a data set of Ultralytics Platform",
    ".xml": "XML, as annotations of Pascal VOC are",
    ".csv": "a table",
    **dict.fromkeys(ARCHIVES, "an archive"),
}
CONVERT = "Needed are folders of images, and labels as text files with rows 'class x y width height'."
_KINDS = 4  # of suffixes in one sentence


@dataclass
class Listing:
    """Images of one source, and what is left out there."""

    source: Path
    images: list[str] = field(default_factory=list)  # absolute paths
    others: list[str] = field(default_factory=list)  # files that may have been meant as images
    lines: list[tuple[int, str]] = field(default_factory=list)  # of a text file, from 1, that name no image
    missing: list[tuple[int, str]] = field(default_factory=list)  # of a text file, that name a file which is not there
    loose: list[tuple[int, str]] = field(default_factory=list)  # relative without ./, which Ultralytics reads otherwise
    closed: list[tuple[str, str]] = field(default_factory=list)  # folders that cannot be read, each with the reason
    loops: list[str] = field(default_factory=list)  # links to a folder that holds them
    folders: list[str] = field(default_factory=list)  # those that are named like an image

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is left out."""
        notes = []
        if self.others:
            kinds = Counter(map(_kind, self.others)).most_common()
            counts = [f"{count} {kind}" for kind, count in kinds[:_KINDS]]
            rest = sum(count for _, count in kinds[_KINDS:])
            shown = listed([*counts, *([f"{rest} further"] if rest else [])])
            verb = "file is" if len(self.others) == 1 else "files are"
            first = os.path.relpath(min(self.others), self.source)
            notes.append(
                f"{shown} {verb} left out: Ultralytics does not read them as images, {first} in {self.source} for one."
            )
        if self.lines:
            number, line = self.lines[0][0], self.lines[0][1][:60]
            lines = "line names" if len(self.lines) == 1 else "lines name"
            notes.append(
                f"{len(self.lines)} {lines} no image that Ultralytics reads, and so left out: {self.source}:{number}: "
                f"'{line}'{' for one' if len(self.lines) > 1 else ''}."
            )
        return tuple(notes)


def list_images(source: Path) -> Listing:
    """The images of a folder, or those that a text file lists.

    Raises BadData for a line that names no file, a folder that cannot be read, and links in a circle.
    """
    listing = look_for_images(source)
    for number, line in listing.missing:
        raise BadData(
            source,
            f"lists {line}, which does not exist ({source.parent / line}).",
            line=number,
            way_out="Correct the line or remove it.",
        )
    for folder, reason in listing.closed:
        raise BadData(folder, f"cannot be read ({reason}); check its permissions.")
    for link in listing.loops:
        raise BadData(link, "is a link to a folder that holds it; remove it. Ultralytics would go round in circles.")
    return listing


def look_for_images(source: Path) -> Listing:
    """The images of a folder, or those that a text file lists, with everything that is in their way.

    Raises BadData for a file that is no list.
    """
    listing = Listing(source)
    if source.is_dir():
        _walk(listing)
    else:
        listing.images += _of_text(listing)
    return listing


def _walk(listing: Listing) -> None:
    """Find the images below a folder; hidden files and folders do not count, links are followed, but not in circles."""

    def note(error: OSError) -> None:
        listing.closed.append((str(error.filename), error.strerror or str(error)))

    for place, folders, files in os.walk(listing.source, followlinks=True, onerror=note):
        prefix = place if place.endswith(os.sep) else place + os.sep
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_loop(listing, prefix + name)]
        listing.folders += [prefix + name for name in folders if is_image(name)]
        for name in files:
            if not name.startswith(".") and is_image(name):
                listing.images.append(prefix + name)
            elif _may_be_meant(name, files):
                listing.others.append(prefix + name)


def _is_loop(listing: Listing, folder: str) -> bool:
    """True for a link to a folder that holds it, which is noted. Ultralytics follows it some 40 times."""
    if not os.path.islink(folder):  # noqa: PTH114 - there may be very many
        return False
    target = os.path.realpath(folder).rstrip(os.sep) + os.sep
    place, top = Path(folder), listing.source
    holders = [top, *(holder for holder in place.parents if top in holder.parents)]
    loop = any((os.path.realpath(holder) + os.sep).startswith(target) for holder in holders)
    if loop:
        listing.loops.append(folder)
    return loop


def is_image(name: str) -> bool:
    """True if Ultralytics reads a file of that name as an image."""
    return name.rpartition(".")[2].lower() in IMAGE_SUFFIXES and "." in name


def _may_be_meant(name: str, neighbours: Sequence[str]) -> bool:
    """True for a file that is not read but may have been meant as an image."""
    if name.startswith("."):
        return is_image(name) and not name.startswith("._")  # macOS writes the latter beside each file
    stem, _, suffix = name.rpartition(".")
    if suffix.lower() in _BESIDE:
        return is_image(stem) and stem not in neighbours  # a.jpg.txt is an image with a suffix too much
    return suffix not in ("README", "LICENSE")


def _kind(file: str) -> str:
    name = os.path.basename(file)  # noqa: PTH119 - there may be very many
    if name.startswith("."):
        return "hidden"
    return f".{name.rpartition('.')[2]}" if "." in name else "unnamed kind of"


def _of_text(listing: Listing) -> Iterator[str]:
    """Images that a text file lists, one a line, from the file's own folder or else the current one."""
    file = listing.source
    if file.suffix.lower() in FOREIGN:
        raise BadData(file, f"is {FOREIGN[file.suffix.lower()]}.", way_out=CONVERT)
    try:
        content = read_regular(file)
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise BadData(
            file, "is a list of images that is not in UTF-8.", line=number, way_out="Save it as UTF-8."
        ) from None
    except OSError as error:
        raise BadData(
            file,
            f"cannot be read as a list of images ({error.strerror}).",
            way_out="Name a folder or a UTF-8 text file.",
        ) from None
    for number, line in enumerate(lines, start=1):
        if not is_image(line):
            listing.lines += [(number, line)] if line.strip() else []
            continue
        places = (file.parent / line, Path(line).absolute())
        image = next((place for place in places if is_file(place)), None)
        if image is None:
            listing.missing.append((number, line))
            continue
        if not line.startswith("./") and not Path(line).is_absolute():
            listing.loose.append((number, line))
        yield os.path.normpath(image)
