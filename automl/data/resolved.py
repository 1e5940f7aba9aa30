"""The data.yaml of a study: compared with the user's own, and copied beside a recipe."""

from __future__ import annotations

from pathlib import Path

import yaml

from automl.data.classes import read_names
from automl.data.dataset import PASSED_ON
from automl.data.document import Document, read_document
from automl.data.images import SPLITS, find_sources
from automl.errors import AutoMLError, BadData

_TITLE = "# Data of a training recipe found by automl, with absolute paths.\n"


def means_the_same(file: Path, resolved: Path) -> bool:
    """True if Ultralytics reads the same from a data.yaml, in any directory, as from the resolved one.

    False for a relative `path`, which depends on the current directory; for images listed in text files, which are
    resolved line by line; where a part of val is held back; and where one of the two cannot be read.
    """
    try:
        own, other = read_document(file), read_document(resolved)
        path = own.values.get("path")
        return (not path or Path(path).is_absolute()) and _meaning(own) == _meaning(other)
    except BadData:
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
        listing = Path(str(document.get(split, "")))
        if listing.suffix == ".txt" and listing.parent == resolved.parent.absolute():
            own = target.absolute().with_name(f"{target.stem}-{split}.txt")
            if own.exists() and not target.exists():
                raise AutoMLError(f"{own} exists. Choose another place for the recipe, or move it.")
            own.write_bytes(listing.read_bytes())
            document[split] = str(own)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    target.write_text(_TITLE + text, encoding="utf-8")
    return target


def _meaning(document: Document) -> tuple[object, ...]:
    """Classes, folders of each split, and the keys that change how they are read."""
    extra = [document.values.get(key) for key in PASSED_ON]
    return (read_names(document), {name: sources for name, (_, sources) in find_sources(document).items()}, extra)
