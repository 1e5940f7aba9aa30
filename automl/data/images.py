"""Splits of a data.yaml: their folders and images. The test split is optional, and so is each of its parts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from automl.data.document import Document
from automl.data.listing import IMAGE_SUFFIXES, list_images
from automl.errors import BadData
from automl.files import users

SPLITS = ("train", "val", "test")
TEST = "test"


@dataclass(frozen=True, kw_only=True)
class SplitImages:
    """The images of one split."""

    split: str
    key: str  # name of the split in the file
    sources: tuple[Path, ...]  # absolute: folders, or text files that list images
    images: tuple[str, ...]  # absolute paths, sorted; strings because there may be very many
    notes: tuple[str, ...] = ()  # sentences on files that are left out


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Folders and text files of one split, as the file names them."""

    key: str  # name of the split in the file
    texts: tuple[str, ...]
    alone: bool  # True for one that is not in a list


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Folders and text files of one split."""

    key: str  # name of the split in the file
    paths: tuple[Path, ...]  # absolute


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of every split."""

    splits: dict[str, SplitImages]  # by name; `test` only if it has images
    without_test: str = ""  # why a test split that the file names has no images, as a sentence


def find_images(document: Document, *, test: bool = True) -> Images:
    """Splits of a data.yaml. Raises BadData if train or val is missing or has no images.

    test  False if the test split is not to be looked at
    """
    root = root_of(document)
    splits = {split: _find(document, split, _required(document, root, split)) for split in SPLITS if split != TEST}
    try:
        sources = sources_of(document, root, TEST) if test else None
        if sources is not None:
            splits[TEST] = _find(document, TEST, sources)
    except BadData as error:
        where = f"{error.file.name}:{error.line}: " if error.line else f"{error.file.name}: "
        return Images(splits=splits, without_test=where + error.problem)
    return Images(splits=splits)


def find_sources(document: Document) -> dict[str, Sources]:
    """Folders and lists of each split by name; `test` only if it is there. Raises BadData for the others."""
    root = root_of(document)
    sources = {split: _required(document, root, split) for split in SPLITS if split != TEST}
    try:
        optional = sources_of(document, root, TEST)
    except BadData:
        return sources
    return sources if optional is None else {**sources, TEST: optional}


def _required(document: Document, root: Path, split: str) -> Sources:
    sources = sources_of(document, root, split)
    if sources is None:
        misnamed = split == "val" and "valid" in document.values  # which Ultralytics does not read
        hint = "rename 'valid' to 'val'" if misnamed else f"add '{split}:' with the folder of its images"
        raise document.bad(f"no '{split}'; {hint}.", split)
    return sources


def sources_of(document: Document, root: Path, split: str) -> Sources | None:
    """Sources of a split; None where the file does not name it. Raises BadData if one does not exist."""
    entries = entries_of(document, split)
    if entries is None:
        return None
    return Sources(key=entries.key, paths=tuple(source_of(document, root, entries, text) for text in entries.texts))


def entries_of(document: Document, split: str) -> Entries | None:
    """Folders and text files of a split as the file names them; None without any. Raises BadData for other values."""
    aliases = (split, "validation") if split == "val" else (split,)
    key = next((alias for alias in aliases if document.values.get(alias)), None)
    if key is None:
        return None
    value = document.values[key]
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise document.bad(f"'{key}' must be a folder, a .txt file or a list of them, not {value!r}.", key)
    return Entries(key=key, texts=tuple(texts), alone=isinstance(value, str))


def root_of(document: Document) -> Path:
    """Folder from which relative splits start."""
    own, path = document.file.parent, document.values.get("path")
    if path is None or path == "":
        return own
    if not isinstance(path, str):
        raise document.bad(f"'path' must be a folder, not {path!r}.", "path")
    folders = (own / path, Path(path).absolute(), users.datasets_dir() / path)  # Ultralytics looks in the last two
    try:
        places = list(dict.fromkeys(folder.resolve() for folder in folders))
    except (OSError, ValueError, RuntimeError) as error:
        raise document.bad(
            f"'path: {path}' is no folder ({error}).", "path", way_out="Correct it, or remove it."
        ) from None
    for place in places:
        if os.path.isdir(place):  # noqa: PTH112 - a closed folder is none, and no error
            return place
    listing = " nor ".join(map(str, places))
    raise document.bad(
        f"'path: {path}' is no folder (not {listing}). Correct it, or remove it: splits then start from {own}. "
        "Nothing is downloaded.",
        "path",
    )


def _find(document: Document, split: str, sources: Sources) -> SplitImages:
    listings = [list_images(source) for source in sources.paths]
    images = [image for listing in listings for image in listing.images]
    notes = tuple(note for listing in listings for note in listing.notes)
    if not images:
        where = " and ".join(map(str, sources.paths))
        reason = " ".join((f"'{sources.key}' has no images in {where}.", *notes))
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise document.bad(reason, sources.key, way_out=f"Known kinds: {kinds}.")
    return SplitImages(split=split, key=sources.key, sources=sources.paths, images=tuple(sorted(images)), notes=notes)


def source_of(document: Document, root: Path, entries: Entries, text: str) -> Path:
    """Absolute path of one entry of a split. Raises BadData if it does not exist."""
    try:
        return _source_of(document, root, entries, text)
    except (OSError, ValueError, RuntimeError) as error:  # a closed folder, a zero byte, links in a circle
        reason = getattr(error, "strerror", None) or error
        way_out = "Check its permissions and its links."
        raise document.bad(f"'{entries.key}: {text}' cannot be read ({reason}).", entries.key, way_out) from None


def _source_of(document: Document, root: Path, entries: Entries, text: str) -> Path:
    key = entries.key
    source = (root / text).resolve()
    if not source.exists() and entries.alone and text.startswith("../"):
        source = (root / text[3:]).resolve()  # as Ultralytics does for exports of Roboflow
    if source.exists():
        return source
    source = (root / text).resolve()
    download = " Its 'download' is not run here." if "download" in document.values else ""
    raise document.bad(
        f"'{key}: {text}' does not exist ({source}).",
        key,
        way_out=f"Relative entries start from {root}: correct '{key}', or set 'path' to the folder of the data set."
        f"{download}",
    )
