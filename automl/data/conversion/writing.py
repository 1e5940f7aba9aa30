"""A YOLO data set on disk: images linked, labels written by globox, a data.yaml."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import yaml

from automl.data.conversion.notes import Notes, What
from automl.data.conversion.places import is_conversion
from automl.data.conversion.records import DATA, MARK, Annotated, Parts
from automl.errors import NoSpace
from automl.files.home import make_folder, not_writable
from automl.files.links import link

SPLITS = ("train", "val", "test")


def write_yolo(parts: Parts, target: Path, notes: Notes) -> Path:
    """Write the data set; return its data.yaml. It takes its place as a whole, so that nothing half written stays.

    Raises NoSpace if the target cannot be written, or holds files that are no conversion.
    """
    if target.exists() and not _replaceable(target):
        raise NoSpace(f"{target} holds other files. Choose an empty or new folder with --to.")
    make_folder(target.parent)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as place:
        new = Path(place) / "new"
        try:
            _fill(new, parts, notes)
            if not _same(new, target):
                _swap(new, target, Path(place) / "old")
        except OSError as error:
            raise not_writable(target, error) from error
    return target / DATA


def _replaceable(target: Path) -> bool:
    if not target.is_dir():
        return False
    return is_conversion(target) or not any(target.iterdir())


def _same(new: Path, old: Path) -> bool:
    """True if the old folder holds the same labels and images; caches beside them do not count."""
    files = {file.relative_to(new) for file in new.rglob("*") if not file.is_dir()}
    others = {file.relative_to(old) for file in old.rglob("*") if not file.is_dir() and file.suffix != ".cache"}
    return files == others and all(_alike(new / file, old / file) for file in files)


def _alike(file: Path, other: Path) -> bool:
    if file.is_symlink() or other.is_symlink():
        return file.is_symlink() and other.is_symlink() and file.readlink() == other.readlink()
    return filecmp.cmp(file, other, shallow=False)


def _swap(new: Path, target: Path, old: Path) -> None:
    if target.exists():
        shutil.move(target, old)
    new.rename(target)


def _fill(folder: Path, parts: Parts, notes: Notes) -> None:
    numbers = {name: number for number, name in enumerate(parts.names)}
    for split in [split for split in SPLITS if split in parts.splits]:
        for image in _named(parts.splits[split], notes):
            picture, label = (folder / kind / split / image.name for kind in ("images", "labels"))
            label = label.with_name(f"{picture.stem}.txt")
            for place in (picture.parent, label.parent):
                place.mkdir(parents=True, exist_ok=True)
            link(image.image, picture)
            label.write_text(_rows(image, numbers), encoding="utf-8")
    document = {split: f"images/{split}" for split in SPLITS if split in parts.splits}
    text = yaml.safe_dump({**document, "names": dict(enumerate(parts.names))}, sort_keys=False, allow_unicode=True)
    (folder / DATA).write_text(MARK + text, encoding="utf-8")


def _rows(image: Annotated, numbers: dict[str, int]) -> str:
    """Label rows of an image."""
    from globox import Annotation, BoundingBox

    boxes = [
        BoundingBox(label=box.name, xmin=box.left, ymin=box.top, xmax=box.right, ymax=box.bottom) for box in image.boxes
    ]
    text: str = Annotation(image.name, (image.width, image.height), boxes).to_yolo_v5(label_to_id=numbers)
    return f"{text}\n" if text else ""


def _named(images: Iterable[Annotated], notes: Notes) -> Iterable[Annotated]:
    """The images under names whose label files differ, on file systems that ignore case too."""
    names: set[str] = set()
    for image in images:
        name = PurePosixPath(_without_own_folders(image.name))
        stem, number = name.with_suffix(""), 1
        free = stem
        while str(free).casefold() in names:
            number += 1
            free = stem.with_name(f"{stem.name}-{number}")
        names.add(str(free).casefold())
        if free != stem:
            notes.add(What.RENAMED, image.image, f"{free.name}{name.suffix}")
        yield replace(image, name=str(free) + name.suffix)


def _without_own_folders(name: str) -> str:
    """The name without folders called images, from which Ultralytics would derive another place of its labels."""
    *folders, last = name.split("/")
    return "/".join([*(folder for folder in folders if folder != "images"), last])
