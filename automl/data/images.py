"""Splits of a data.yaml: their folders and images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.data.document import Document
from automl.errors import BadData

IMAGE_SUFFIXES = frozenset(  # those of Ultralytics 8.4.190
    ("avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp")
)
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class SplitImages:
    """The images of one split."""

    split: str
    key: str  # name of the split in the file
    sources: tuple[Path, ...]  # absolute: folders, or text files that list images
    images: tuple[str, ...]  # absolute paths, sorted; strings because there may be very many


def find_images(document: Document) -> dict[str, SplitImages]:
    """Splits of a data.yaml by name; `test` only if it has one. Raises BadData if another one is missing."""
    named = find_sources(document)
    return {split: _find(document, split, key, sources) for split, (key, sources) in named.items()}


def find_sources(document: Document) -> dict[str, tuple[str, tuple[Path, ...]]]:
    """Name in the file, and absolute folders and lists, of each split. Raises as `find_images`."""
    root = _root(document)
    sources = {}
    for split in SPLITS:
        entry = _entry(document, split)
        if entry is not None:
            key, texts = entry
            alone = isinstance(document.values[key], str)
            sources[split] = key, tuple(_source(document, root, key, text, alone) for text in texts)
    return sources


def _root(document: Document) -> Path:
    """Folder from which relative splits start."""
    own, path = document.file.parent, document.values.get("path")
    if path is None or path == "":
        return own
    if not isinstance(path, str):
        raise document.bad(f"'path' must be a folder, not {path!r}.", "path")
    places = list(dict.fromkeys(((own / path).resolve(), Path(path).absolute().resolve())))
    for place in places:
        if place.is_dir():
            return place
    listing = " nor ".join(map(str, places))
    raise document.bad(
        f"'path: {path}' is no folder (not {listing}). Correct it, or remove it: splits then start from {own}. "
        "Nothing is downloaded.",
        "path",
    )


def _entry(document: Document, split: str) -> tuple[str, list[str]] | None:
    """Key and entries of a split; None where an optional split is absent."""
    aliases = (split, "validation") if split == "val" else (split,)
    key = next((alias for alias in aliases if document.values.get(alias)), None)
    if key is None:
        if split == "test":
            return None
        misnamed = split == "val" and "valid" in document.values  # which Ultralytics does not read
        hint = "rename 'valid' to 'val'" if misnamed else f"add '{split}:'"
        raise document.bad(f"no '{split}'; {hint} with the folder of its images.", split)
    value = document.values[key]
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise document.bad(f"'{key}' must be a folder, a .txt file or a list of them, not {value!r}.", key)
    return key, entries


def _find(document: Document, split: str, key: str, sources: tuple[Path, ...]) -> SplitImages:
    images: list[str] = []
    for source in sources:
        images += _walk(str(source)) if source.is_dir() else _listed(source)
    if not images:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        where = " and ".join(map(str, sources))
        raise document.bad(f"'{key}' has no images in {where}. Known kinds: {kinds}.", key)
    return SplitImages(split=split, key=key, sources=sources, images=tuple(sorted(images)))


def _source(document: Document, root: Path, key: str, text: str, alone: bool) -> Path:
    source = (root / text).resolve()
    if not source.exists() and alone and text.startswith("../"):
        source = (root / text[3:]).resolve()  # as Ultralytics does for exports of Roboflow
    if source.exists():
        return source
    source = (root / text).resolve()
    download = " Its 'download' is not run here." if "download" in document.values else ""
    raise document.bad(
        f"'{key}: {text}' does not exist ({source}). Relative entries start from {root}: "
        f"correct '{key}', or set 'path' to the folder of the data set.{download}",
        key,
    )


def _walk(folder: str) -> Iterator[str]:
    """Images below a folder; hidden files and folders do not count, links are followed."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        prefix = place if place.endswith(os.sep) else place + os.sep
        for name in files:
            if not name.startswith(".") and _is_image(name):
                yield prefix + name


def _is_image(name: str) -> bool:
    return name.rpartition(".")[2].lower() in IMAGE_SUFFIXES and "." in name


def _listed(file: Path) -> Iterator[str]:
    """Images that a text file lists, one a line, from the file's own folder or else the current one."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadData(file, "cannot be read as a list of images; name a folder or a UTF-8 text file.") from None
    for number, line in enumerate(lines, start=1):
        if not _is_image(line):
            continue
        places = (file.parent / line, Path(line).absolute())
        image = next((place for place in places if place.is_file()), None)
        if image is None:
            raise BadData(file, f"lists {line}, which does not exist ({places[0]}).", line=number)
        yield os.path.normpath(image)
