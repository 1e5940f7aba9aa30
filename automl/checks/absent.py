"""Findings on images without label files, and on label files without images."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from automl.checks.facts import Facts, SplitFacts
from automl.checks.found import counted, either, found
from automl.data.dataset import MOST_UNLABELLED
from automl.data.images import TEST
from automl.data.labels import label_path, without_image
from automl.data.listing import is_image
from automl.files.regular import is_file, read_regular_text
from automl.records import Finding, Place, Severity

_LISTS = frozenset(  # text files that lie beside labels on purpose
    ("classes.txt", "predefined_classes.txt", "obj.txt", "names.txt", "notes.txt", "readme.txt", "license.txt")
)
_LOOKS = 50  # images without a label file, for which labels are looked for elsewhere


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on missing labels of each split, on label files that nothing uses, and on lists of classes."""
    for split in facts.splits.values():
        if split.images:
            yield from _on_unlabelled(facts, split)
    every = [image for split in facts.splits.values() for image in split.images]
    yield from _on_orphans(every)
    yield from _on_class_lists(facts, every)


def _on_unlabelled(facts: Facts, split: SplitFacts) -> Iterator[Finding]:
    without = np.flatnonzero(~split.labelled)
    places = [
        Place(
            file=split.images[number], split=split.split, text="no label file", other=label_path(split.images[number])
        )
        for number in without
    ]
    nothing = not len(split.boxes) and not split.problems
    if nothing:
        image = split.images[0]
        title = f"None of the {len(split.images)} images of {split.split} has a labelled object."
        places = places or [Place(file=image, split=split.split, text="no object", other=label_path(image))]
    else:
        has, count = either(len(places), "has", "have"), either(len(places), "counts", "count")
        title = (
            f"{len(places)} of {len(split.images)} images of {split.split} {has} no label file, and {count} as "
            "images without objects."
        )
    yield from found(
        "labels/none" if nothing else "images/no-label-file",
        _severity(split, len(without), nothing),
        title,
        _advice(facts, split, [split.images[number] for number in without] or list(split.images)),
        places,
        split=split.split,
    )


def _severity(split: SplitFacts, without: int, nothing: bool) -> Severity:
    if nothing:
        return Severity.WARNING if split.split == TEST else Severity.ERROR
    return Severity.WARNING if without > MOST_UNLABELLED * len(split.images) else Severity.NOTE


def _advice(facts: Facts, split: SplitFacts, images: Sequence[str]) -> str:
    """Where labels were looked for, and where there are some."""
    like = f"files like {label_path(images[0])}"
    advice = f"Put the labels into {like}: 'images' in the path becomes 'labels'."
    for image in images[:_LOOKS]:
        place = _elsewhere(image)
        if place is not None:
            return f"Move label files such as {place} to {like}; 'images' in the path becomes 'labels'."
    folders = {Path(image).parent.name for image in split.images}
    if len(folders) > 1 and folders <= {*facts.names}:
        return f"{advice} The folders are named like classes: this may be a data set for classification."
    return f"{advice} An empty file says that an image has no object."


def _elsewhere(image: str) -> Path | None:
    """A label file of an image in a place where Ultralytics does not look."""
    path = Path(image)
    name, own = f"{path.stem}.txt", Path(label_path(image))
    parent = path.parent
    grand = parent.parent
    places = [parent / name, parent / f"{path.name}.txt", parent / "labels" / name, grand / "labels" / name]
    places += [grand / "labels" / parent.name / name, grand.parent / "labels" / parent.name / name]
    places += [grand / folder / name for folder in ("annotations", "Annotations", "label", "Labels", "txt")]
    places += [own.with_suffix(suffix) for suffix in (".TXT", ".xml", ".json")]
    places += [parent / f"{path.stem}{suffix}" for suffix in (".xml", ".json")]
    return next((place for place in places if place != own and is_file(place)), None)


def _on_orphans(images: Sequence[str]) -> Iterator[Finding]:
    folders: dict[str, set[str]] = defaultdict(set)  # of images, by the folder of their labels
    for image in images:
        folders[os.path.dirname(label_path(image))].add(os.path.dirname(image))  # noqa: PTH120
    stems = {folder: _stems(holders) for folder, holders in folders.items()}
    orphans = [
        file
        for file in without_image(images)
        if os.path.basename(file).lower() not in _LISTS  # noqa: PTH119
        and os.path.basename(file)[: -len(".txt")] not in stems[os.path.dirname(file)]  # noqa: PTH119, PTH120
    ]
    yield from found(
        "labels/without-image",
        Severity.WARNING,
        f"{counted(len(orphans), 'label file')} {either(len(orphans), 'has', 'have')} no image.",
        "Fetch the images, or remove the files. An image that was renamed has lost its labels.",
        [Place(file=file, text="no image of that name") for file in orphans],
    )


def _stems(folders: set[str]) -> set[str]:
    """Names without suffix of all images that lie in some folders, whether a split names them or not."""
    stems: set[str] = set()
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            stems |= {entry.name.rpartition(".")[0] for entry in entries if is_image(entry.name)}
    return stems


def _on_class_lists(facts: Facts, images: Sequence[str]) -> Iterator[Finding]:
    """Lists of classes that annotation tools write beside their labels, where 'names' has another order."""
    places = []
    folders = {os.path.dirname(label_path(image)) for image in images}  # noqa: PTH120
    for file in sorted({Path(folder) / name for folder in folders for name in ("classes.txt", "../classes.txt")}):
        with suppress(OSError, UnicodeDecodeError):
            lines = read_regular_text(file).splitlines()
            names = tuple(line.strip() for line in lines if line.strip())
            if names and facts.names and names[: facts.nc] != facts.names:
                pairs = zip(names, facts.names, strict=False)
                line = next((number for number, pair in enumerate(pairs, start=1) if pair[0] != pair[1]), None)
                places.append(Place(file=os.path.normpath(file), line=line, text="other classes than 'names'"))
    places = list({place.file: place for place in places}.values())
    yield from found(
        "data/class-lists-differ",
        Severity.WARNING,
        f"{counted(len(places), 'list of classes', 'lists of classes')} beside the labels "
        f"{either(len(places), 'differs', 'differ')} from 'names'.",
        f"Compare with 'names' in {facts.file.name}: if the order is another one, every label has the wrong class.",
        places,
    )
