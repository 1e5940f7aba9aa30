"""Conversion of COCO and Pascal VOC annotations to a YOLO data set in a folder of its own.

The boxes go through globox (MIT): it knows the formats and their edges. What it would stop at, or pass over, is told
apart before: a file that cannot be read, an image that is not there, a box that is none. Each is a note with a count.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from automl.data.conversion.coco import read_coco
from automl.data.conversion.notes import Notes, What
from automl.data.conversion.places import safe_name
from automl.data.conversion.records import Annotated, Kind, Parts
from automl.data.conversion.voc import read_voc
from automl.data.conversion.writing import write_yolo
from automl.errors import BadData, UnknownName
from automl.files.home import expanded, home_folder
from automl.records import Finding

VAL_SHARE = 0.2  # of train that becomes val where none is given
_READERS = {Kind.COCO: read_coco, Kind.VOC: read_voc}


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """A YOLO data set that was written from other annotations."""

    data: Path  # its data.yaml
    images: dict[str, int]  # by split
    boxes: dict[str, int]  # by split
    names: tuple[str, ...]  # classes by id
    findings: tuple[Finding, ...]  # all that was left out, changed or guessed, each kind once

    @property
    def notes(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(finding.title for finding in self.findings)


def converted(
    source: Path | str, kind: Kind | str, target: Path | str, *, say: Callable[[str], None] = lambda text: None
) -> Path:
    """The data.yaml of the YOLO data set that `convert` writes; its notes are said. Raises AutoMLError."""
    conversion = convert(source, kind, target)
    for note in conversion.notes:
        say(note)
    return conversion.data


def conversion_folder(source: Path | str, home: Path | str | None = None) -> Path:
    """Folder for the conversion of a source where the user names none: below the home, one for each source."""
    place = expanded(source).absolute()
    named = place.with_suffix("") if place.is_file() else place
    if named.name.lower() in ("annotations", "labels"):
        named = named.parent
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:8]
    return home_folder(home) / "converted" / f"{safe_name(named.name) or 'data'}-{digest}"


def convert(source: Path | str, kind: Kind | str, target: Path | str, *, seed: int = 0) -> Conversion:
    """Write annotations of another format as a YOLO data set. The source is never written to.

    Images are linked, or copied where the file system takes no links. A conversion that lies in the target is
    replaced as a whole, but left alone where nothing has changed: a search may be reading it.

    source  a JSON file of COCO, or a folder of such files; a folder of XML files of Pascal VOC
    target  folder of the new data set, new or empty
    seed    of the images that are set aside where the source has no val

    Raises UnknownName for another kind, BadData for a source that cannot be used, NoSpace for a target that cannot be
    written or holds other files.
    """
    if kind not in tuple(Kind):
        raise UnknownName("format of annotations", kind, tuple(Kind))
    place, folder = expanded(source).absolute(), expanded(target).absolute()
    _check(place, folder)
    notes = Notes()
    parts = _READERS[Kind(kind)](place, notes)
    _check_contents(place, parts, notes)
    _with_val(place, parts, seed, notes)
    _check_splits(place, parts)
    _note_shared(parts, notes)
    data = write_yolo(parts, folder, notes)
    return Conversion(
        data=data,
        images={split: len(images) for split, images in parts.splits.items()},
        boxes={split: sum(len(image.boxes) for image in images) for split, images in parts.splits.items()},
        names=tuple(parts.names),
        findings=tuple(notes.findings()),
    )


def _check(source: Path, target: Path) -> None:
    if not source.exists():
        raise BadData(source, "no such file or folder.", way_out="Check the path.")
    with suppress(OSError):
        if target.resolve() in (source.resolve(), *source.resolve().parents):
            raise BadData(
                target, f"holds {source}, which is not written to.", way_out="Choose another folder with --to."
            )


def _check_contents(source: Path, parts: Parts, notes: Notes) -> None:
    """Raise BadData if no image, or no box, is left to train on."""
    for split, images in list(parts.splits.items()):
        parts.splits[split] = _once(images, notes)
        if not images:
            del parts.splits[split]
    why = next((f" {finding.title}" for finding in notes.findings() if finding.code.endswith(("image", "box"))), "")
    if not parts.splits:
        raise BadData(source, f"no image to train on is left.{why}", way_out="Put the images beside the annotations.")
    if not any(image.boxes for images in parts.splits.values() for image in images):
        raise BadData(source, f"no usable box is left.{why}", way_out="Label objects first.")


def _once(images: Iterable[Annotated], notes: Notes) -> list[Annotated]:
    """The images, each once with all its boxes."""
    by_place: dict[Path, Annotated] = {}
    for image in images:
        known = by_place.get(image.image)
        if known is not None:
            notes.add(What.TWICE, image.image)
            image = replace(known, boxes=list(dict.fromkeys([*known.boxes, *image.boxes])))
        by_place[image.image] = image
    return list(by_place.values())


def _with_val(source: Path, parts: Parts, seed: int, notes: Notes) -> None:
    """Set images aside as val where there is none. Without train, val or test is shared out.

    Raises BadData if the images, or those with boxes, are too few for two parts.
    """
    splits = parts.splits
    if "train" in splits and "val" in splits:
        return
    origin = next(split for split in ("train", "val", "test") if split in splits)
    images = sorted(splits.pop(origin), key=lambda image: _order(image, seed))
    shown = [image for image in images if image.boxes]
    if len(shown) < 2:
        raise BadData(source, "has one split, with fewer than two labelled images.", way_out="Give a train and a val.")
    bare = [image for image in images if not image.boxes]
    val = [part for group in (shown, bare) for part in group[: _share(group, least=group is shown)]]
    splits["train"] = [image for image in images if image not in val]
    splits["val"] = val
    for image in val:
        notes.add(What.SHARED_OUT, image.image)


def _check_splits(source: Path, parts: Parts) -> None:
    """Raise BadData for a train or val without a box, with which no training begins."""
    for split in ("train", "val"):
        images = parts.splits[split]
        if not any(image.boxes for image in images):
            raise BadData(
                source,
                f"none of the {len(images)} images of {split} has a usable box.",
                way_out=f"Label {split} first.",
            )


def _share(images: list[Annotated], *, least: bool) -> int:
    return max(int(least), round(VAL_SHARE * len(images)))


def _order(image: Annotated, seed: int) -> tuple[bytes, str]:
    return hashlib.sha256(f"{seed}\0{image.name}".encode("utf-8", "surrogateescape")).digest(), image.name


def _note_shared(parts: Parts, notes: Notes) -> None:
    seen: dict[Path, str] = {}
    for split, images in parts.splits.items():
        for place in dict.fromkeys(image.image for image in images):
            if place in seen:
                notes.add(What.IN_SPLITS, place, f"{seen[place]} and {split}")
            seen.setdefault(place, split)
