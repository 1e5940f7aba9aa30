"""Record of the files of a study's data, with which every training compares what it is about to read.

For each image and label file: size, time of change and a digest. A file of another time is read again, and counts as
changed only if its content is another one. So files may be copied back, and the data set may move.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from automl.data.dataset import Dataset
from automl.data.labels import label_path
from automl.data.listing import look_for_images
from automl.errors import SHOWN, DataChanged
from automl.figures import listed
from automl.files.atomic import replacing

_END = 4096  # bytes at each end of an image that its digest covers
_FORMAT = 1


class Mark(NamedTuple):
    """A file at a time."""

    size: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True)
class Difference:
    """A file that is not as it was."""

    split: str
    kind: str  # "image" or "label file"
    change: str  # "missing", "added", "changed" or a reason for which it cannot be read
    file: str


def manifest_of(data: Path | str) -> Path:
    """The record beside a study's data.yaml."""
    return Path(data).with_suffix(".files.json")


def record_files(dataset: Dataset, data: Path) -> None:
    """Record the files of a data set beside the data.yaml that `write_resolved` has written for it.

    Raises DataChanged if there is a record already and a file is not as it was then: an image whose size and name are
    the same, say, which a fingerprint does not tell.
    """
    sources = yaml.safe_load(data.read_text(encoding="utf-8"))
    before = _read(manifest_of(data))
    splits: dict[str, Any] = {}
    for name, split in dataset.splits.items():
        entry = sources[name]
        root = os.path.commonpath([image.parent for image in split.images])
        known = before.get(name, {}).get("files", {})
        files = {}
        for image in map(str, split.images):
            inside = _inside(image, root)
            old = known.get(inside, [None, None])
            files[inside] = [_mark(image, old[0], ends=True), _mark(label_path(image), old[1], ends=False)]
        splits[name] = {"sources": [entry] if isinstance(entry, str) else entry, "root": root, "files": files}
    differing = [
        difference
        for name, split in splits.items()
        if name in before
        for difference in _compared(name, before[name]["files"], split["files"], split["root"])
    ]
    if differing:
        raise changed(differing)
    with replacing(manifest_of(data)) as part:
        part.write_text(json.dumps({"format": _FORMAT, "splits": splits}), encoding="utf-8")


def check_files(data: Path | str, splits: Collection[str]) -> Mapping[str, int]:
    """Number of images of each split, once its files are sure to be as they were when they were recorded.

    Cheap: a look at each file's size and time. Splits without a record, as in studies of earlier versions, are passed
    over.

    Raises DataChanged with the names of files that are missing, added or changed.
    """
    recorded = {name: split for name, split in _read(manifest_of(data)).items() if name in splits}
    differing = [difference for name, split in recorded.items() for difference in _differences(name, split)]
    if differing:
        raise changed(differing)
    return {name: len(split["files"]) for name, split in recorded.items()}


def differences(data: Path | str) -> list[Difference]:
    """Files that are not as they were recorded; none where there is no record."""
    return [difference for name, split in _read(manifest_of(data)).items() for difference in _differences(name, split)]


def in_words(differing: Collection[Difference]) -> str:
    """The differences as a phrase: their numbers, and the names of some."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for difference in differing:
        key = (
            ("", "", difference.change)
            if not difference.kind
            else (difference.kind, difference.split, difference.change)
        )
        groups.setdefault(key, []).append(difference.file)
    return listed([_group(*key, sorted(files)) for key, files in groups.items()])


def changed(differing: Collection[Difference]) -> DataChanged:
    """The error that names the differences and the way out."""
    return DataChanged(
        f"the data have changed since the study began: {in_words(differing)}. Later scores would not compare with the "
        "earlier ones. Put the data back as they were, and resume"
    )


def _group(kind: str, split: str, change: str, files: list[str]) -> str:
    if not kind:
        return f"{files[0]} {change}"
    names = ", ".join(files[:SHOWN]) + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")
    verb = "" if " " in change else ("was " if len(files) == 1 else "were ")
    verb = ("is " if len(files) == 1 else "are ") if change == "missing" else verb
    return f"{len(files)} {kind}{'' if len(files) == 1 else 's'} of {split} {verb}{change} ({names})"


def _differences(name: str, split: Mapping[str, Any]) -> Iterator[Difference]:
    root, recorded = str(split["root"]), split["files"]
    listing = set[str]()
    for source in split["sources"]:
        try:
            listing.update(_listed(Path(source)))
        except OSError as error:
            yield Difference(name, "", f"cannot be read ({error.strerror})", str(source))
            return
    present: dict[str, list[Mark | None]] = {}
    for image in listing:
        inside = _inside(image, root)
        old = recorded.get(inside, [None, None])
        try:
            present[inside] = [_mark(image, old[0], ends=True), _mark(label_path(image), old[1], ends=False)]
        except OSError as error:
            yield Difference(name, "", f"cannot be read ({error.strerror})", str(error.filename or image))
            return
    yield from _compared(name, recorded, present, root)


def _listed(source: Path) -> list[str]:
    """Images of a folder, or of the study's own list. Raises OSError if it cannot be read."""
    if source.suffix != ".txt" or source.is_dir():
        os.listdir(source)  # noqa: PTH208 - for its error: a walk passes over what it cannot read
        return look_for_images(source).images
    return [line for line in source.read_text(encoding="utf-8").splitlines() if line]


def _compared(name: str, before: Mapping[str, Any], now: Mapping[str, Any], root: str) -> Iterator[Difference]:
    """Differences between the files of a split then and now, each with the marks of image and label file."""
    for inside in sorted({*before, *now}):
        image = str(Path(root) / inside)
        old, new = before.get(inside, [None, None]), now.get(inside, [None, None])
        change = _change(old[0], new[0])
        if change is not None:
            yield Difference(name, "image", change, image)
        if new[0] is None or old[0] is None:
            continue  # its label goes with it
        change = _change(old[1], new[1])
        if change is not None:
            yield Difference(name, "label file", change, label_path(image))


def _change(old: Any, new: Any) -> str | None:
    if old is None or new is None:
        return None if old is new else ("added" if old is None else "missing")
    return None if (old[0], old[2]) == (new[0], new[2]) else "changed"


def _mark(file: str, old: Any, *, ends: bool) -> Mark | None:
    """The file as it is; None if there is none. It is read only where its size or its time differs from `old`.

    ends  True to read both ends alone
    """
    try:
        status = os.stat(file)  # noqa: PTH116 - there may be very many
        if old is not None and [status.st_size, status.st_mtime_ns] == list(old[:2]):
            return Mark(*old)
        with open(file, "rb") as stream:  # noqa: PTH123
            content = stream.read(_END) if ends else stream.read()
            if ends and status.st_size > _END:
                stream.seek(max(_END, status.st_size - _END))
                content += stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Mark(status.st_size, status.st_mtime_ns, hashlib.blake2b(content, digest_size=8).hexdigest())


def _inside(image: str, root: str) -> str:
    return os.path.relpath(image, root).replace(os.sep, "/")


def _read(file: Path) -> Mapping[str, Any]:
    """The recorded splits; none without a record that can be read."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return dict(document["splits"]) if document.get("format") == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
