"""A data set as Ultralytics 8.4 reads it. What Ultralytics would leave out in silence is refused."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from automl.data.classes import keypoint_columns, read_names
from automl.data.document import Document, read_document
from automl.data.images import SplitImages, find_images
from automl.data.labels import DROPPED, LabelRules, label_path, read_labels
from automl.errors import BadData

PASSED_ON = ("channels", "kpt_shape", "flip_idx")  # further keys that change how images or labels are read

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Split:
    """One split: its sources and its contents."""

    sources: tuple[Path, ...]  # absolute: folders of images, text files that list images; none of a part of a split
    images: tuple[Path, ...]  # absolute, sorted as Ultralytics sorts them
    boxes: int  # labelled objects
    polygons: int  # those of them that are outlined by a polygon
    backgrounds: int  # images without any object


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set that can be trained on: every split exists and every label row is usable."""

    file: Path  # absolute path of the data.yaml
    names: tuple[str, ...]  # by class id
    train: Split
    val: Split
    test: Split | None
    extra: Mapping[str, Any] = field(default_factory=dict)  # those of PASSED_ON, as written

    @property
    def nc(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def splits(self) -> dict[str, Split]:
        """The splits that exist, by name."""
        every = {"train": self.train, "val": self.val, "test": self.test}
        return {name: split for name, split in every.items() if split is not None}

    @property
    def segments(self) -> bool:
        """True if every training object is a polygon. Otherwise trainers drop polygons: copy_paste is dead."""
        return 0 < self.train.polygons == self.train.boxes


def read_dataset(path: Path | str) -> Dataset:
    """The data set of a YOLO data.yaml, with every label row checked.

    Images are listed but not opened. A relative `path:` is a folder beside the data.yaml, or else one in the
    current directory. Ultralytics looks in the current directory first: give it the file of `write_resolved`.

    Raises BadData, with file and line, for anything that would fail a training or leave images out.
    """
    document = read_document(Path(path))
    names = read_names(document)
    rules = LabelRules(nc=len(names), keypoint_columns=keypoint_columns(document))
    splits = {name: _read_split(document, images, rules) for name, images in find_images(document).items()}
    _warn_of_shared_images(splits)
    return Dataset(
        file=document.file,
        names=names,
        train=splits["train"],
        val=splits["val"],
        test=splits.get("test"),
        extra={key: document.values[key] for key in PASSED_ON if document.values.get(key) is not None},
    )


def write_resolved(dataset: Dataset, target: Path) -> Path:
    """Write a data.yaml with absolute paths, which means the same from every directory; return its path.

    A split that names text files gets a list of its own beside `target`: relative lines in a user's list
    hang on the current directory.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"path": str(target.parent)}
    for name, split in dataset.splits.items():
        sources = [str(source) for source in split.sources]
        if not split.sources or not all(source.is_dir() for source in split.sources):
            listing = target.with_name(f"{target.stem}-{name}.txt")
            listing.write_text("".join(f"{image}\n" for image in split.images), encoding="utf-8")
            sources = [str(listing)]
        document[name] = sources[0] if len(sources) == 1 else sources
    document |= {"names": dict(enumerate(dataset.names)), **dataset.extra}
    target.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return target


def fingerprint(dataset: Dataset) -> str:
    """Digest of the content, "sha256:" and 32 hex digits; independent of the folder.

    Covers names, keys of PASSED_ON, and for each split the images' relative paths and sizes in bytes and the
    bytes of their labels. Pixels are not read: an image replaced by another of the very same size and name
    goes unnoticed, in exchange for seconds instead of minutes on a large data set.
    """
    digest = hashlib.sha256(json.dumps([dataset.names, dict(dataset.extra)], sort_keys=True, default=str).encode())
    for name, split in dataset.splits.items():
        common = os.path.commonpath([image.parent for image in split.images])
        digest.update(f"\0{name}\0{len(split.images)}\0".encode())
        for image in map(str, split.images):
            relative = image[len(common) :].lstrip(os.sep).replace(os.sep, "/")
            labels = _bytes_of(label_path(image))
            digest.update(os.fsencode(relative))
            digest.update(f"\0{Path(image).stat().st_size}\0{len(labels)}\0".encode())
            digest.update(labels)
    return f"sha256:{digest.hexdigest()[:32]}"


def _bytes_of(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - ten thousand files: pathlib would double the time
            return stream.read()
    except FileNotFoundError:
        return b""


def _read_split(document: Document, split: SplitImages, rules: LabelRules) -> Split:
    boxes = polygons = backgrounds = 0
    problems: list[tuple[str, int, str]] = []
    for image in split.images:
        _check_size(image)
        file = label_path(image)
        labels = read_labels(file, rules)
        boxes += labels.boxes
        polygons += labels.polygons
        backgrounds += not labels.boxes
        problems += [(file, line, text) for line, text in labels.problems]
    if problems:
        raise _unusable(problems, document.file)
    if not boxes and split.split != "test":
        raise document.bad(
            f"none of the {len(split.images)} images of '{split.key}' has a labelled object. Labels are "
            f"looked for in files like {label_path(split.images[0])}, with rows 'class x y width height'.",
            split.key,
        )
    return Split(
        sources=split.sources,
        images=tuple(map(Path, split.images)),
        boxes=boxes,
        polygons=polygons,
        backgrounds=backgrounds,
    )


def _check_size(image: str) -> None:
    try:
        size = os.stat(image).st_size  # noqa: PTH116 - see _bytes_of
    except OSError as error:
        raise BadData(image, f"cannot be read ({error.strerror}); repair or remove it.") from None
    if not size:
        raise BadData(image, "is an empty file; remove the image and its labels, or fetch it again.")


def _unusable(problems: list[tuple[str, int, str]], data_file: Path) -> BadData:
    file, line, text = problems[0]
    way_out = f"{DROPPED}. Correct the row, or 'names' in {data_file}."
    files = len({problem[0] for problem in problems})
    more = f" {len(problems)} rows in {files} files of this split are unusable." if len(problems) > 1 else ""
    return BadData(file, f"{text}; {way_out}{more}", line=line)


def _warn_of_shared_images(splits: Mapping[str, Split]) -> None:
    train = set(splits["train"].images)
    for name in ("val", "test"):
        shared = train.intersection(splits[name].images) if name in splits else ()
        if shared:
            logger.warning("%d images of %s are in train too: scores will flatter", len(shared), name)
