"""The data.yaml of a study: compared with the user's own, and copied beside a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from automl.data.classes import names_for_yolo
from automl.data.dataset import PASSED_ON
from automl.data.document import Document, read_document
from automl.data.images import SPLITS, TEST, Sources, find_sources
from automl.errors import AutoMLError, BadData

_READ_ALIKE = ("path", *SPLITS, "validation", "nc", *PASSED_ON)  # keys whose values YAML 1.1 must not change
_TITLE = "# Data of a training recipe found by automl, with absolute paths.\n"


def means_the_same(file: Path, resolved: Path) -> bool:
    """True if Ultralytics trains on the same from a data.yaml, in any directory, as from the resolved one.

    False for a relative `path`, which depends on the current directory; for images listed in text files, which are
    resolved line by line; where a part of val is held back; for names that YAML 1.1 reads otherwise than written; and
    where one of the two cannot be read. A test split of the user's that was not measured on changes no training.
    """
    try:
        own, other = read_document(file), read_document(resolved)
        path = own.for_yolo.get("path")
        # The resolved one needs no path, and its own folder may have moved since.
        other = replace(other, values={key: value for key, value in other.values.items() if key != "path"})
        return (not path or Path(path).is_absolute()) and _same(own, other)
    except (BadData, TypeError):
        return False


def stands_alone(file: Path) -> bool:
    """True if Ultralytics reads the same from a data.yaml in any directory, without lists of images."""
    try:
        document = read_document(file)
        path = document.for_yolo.get("path")
        folders = [source for sources in find_sources(document).values() for source in sources.paths]
        return (not path or Path(path).is_absolute()) and all(folder.is_dir() for folder in folders)
    except BadData:
        return False


def is_whole(resolved: Path) -> bool:
    """True if a resolved data.yaml names images that are there: each folder, and the first image of each list."""
    try:
        document = yaml.safe_load(resolved.read_text(encoding="utf-8"))
        entries = [document.get(split) for split in SPLITS]
        named = [entry for value in entries if value for entry in (value if isinstance(value, list) else [value])]
        return all(_is_there(_listing(resolved, entry) or Path(entry)) for entry in named)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError):
        return False


def copy_resolved(resolved: Path, target: Path) -> Path:
    """Copy a resolved data.yaml with the lists of images beside it, which are named after `target`.

    Raises AutoMLError if another file lies there, OSError if nothing can be written.
    """
    if target.exists() and not target.read_text(encoding="utf-8", errors="replace").startswith(_TITLE):
        raise AutoMLError(f"{target} exists and is none of automl's. Choose another place for the recipe, or move it.")
    document = yaml.safe_load(resolved.read_text(encoding="utf-8"))
    document["path"] = str(target.parent.absolute())
    for split in SPLITS:
        listing = _listing(resolved, document.get(split))
        if listing is not None:
            own = target.absolute().with_name(f"{target.stem}-{split}.txt")
            if own.exists() and not target.exists():
                raise AutoMLError(f"{own} exists. Choose another place for the recipe, or move it.")
            own.write_bytes(listing.read_bytes())
            document[split] = str(own)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    target.write_text(_TITLE + text, encoding="utf-8")
    return target


def _listing(resolved: Path, entry: object) -> Path | None:
    """The list of images that a split names: beside the resolved data.yaml, with which it may have moved."""
    if not isinstance(entry, str) or not entry.endswith(".txt"):
        return None
    beside = resolved.absolute().parent / re.split(r"[\\/]", entry)[-1]
    return beside if beside.is_file() else None


def _is_there(source: Path) -> bool:
    if source.suffix != ".txt":
        return source.is_dir()
    with source.open(encoding="utf-8") as lines:
        return Path(next(lines, "").rstrip("\n")).is_file()


def _same(own: Document, other: Document) -> bool:
    """True for the same classes, folders of each split, and keys that change how they are read."""
    if any(own.for_yolo.get(key) != own.values.get(key) for key in _READ_ALIKE):
        return False  # such as a folder called 2024-01-01, which YAML 1.1 reads as a date
    test = own.for_yolo.get(TEST)
    if not all(isinstance(entry, str) for entry in (test if isinstance(test, list) else [test or ""])):
        return False  # Ultralytics refuses the whole file
    mine, theirs = find_sources(own), find_sources(other)
    if TEST not in theirs:
        mine.pop(TEST, None)
    extras = [[document.values.get(key) for key in PASSED_ON] for document in (own, other)]
    return (names_for_yolo(own), _paths(mine), extras[0]) == (names_for_yolo(other), _paths(theirs), extras[1])


def _paths(sources: Mapping[str, Sources]) -> dict[str, tuple[Path, ...]]:
    return {split: source.paths for split, source in sources.items()}
