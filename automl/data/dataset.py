"""A data set as Ultralytics 8.4 reads it. What Ultralytics would leave out in silence is refused."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from automl.data.classes import check_channels, keypoint_columns, names_for_yolo, read_names
from automl.data.document import Document, read_document
from automl.data.images import TEST, SplitImages, find_images
from automl.data.labels import DROPPED, LabelRules, label_path, read_labels, without_image
from automl.errors import SHOWN, BadData
from automl.files import pointers
from automl.files.regular import read_regular

MOST_UNLABELLED = 0.1  # of a split's images may lack a label file without a word on it
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
    unlabelled: int = 0  # those of them that have no label file


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set that can be trained on: every split exists and every label row is usable."""

    file: Path  # absolute path of the data.yaml
    names: tuple[str, ...]  # by class id, as written
    train: Split
    val: Split
    test: Split | None
    extra: Mapping[str, Any] = field(default_factory=dict)  # those of PASSED_ON, as written
    former_names: tuple[str, ...] = ()  # as earlier versions read them; empty where these are no others
    without_test: str = ""  # why a test split that the file names is none, as a sentence
    notes: tuple[str, ...] = ()  # sentences for the user on what is read otherwise or left out

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


def read_dataset(path: Path | str, *, test: bool = True) -> Dataset:
    """The data set of a YOLO data.yaml, with every label row checked.

    Images are listed but not opened: see `examine`. A relative `path:` is a folder beside the data.yaml, or else one
    in the current directory or in Ultralytics' folder of data sets. Ultralytics looks in the current directory first:
    give it the file of `write_resolved`.

    test  False if the test split is not to be looked at

    Raises BadData, with file and line, for anything that would fail a training or leave images out.
    """
    document = read_document(Path(path))
    names, for_yolo = read_names(document), names_for_yolo(document)
    check_channels(document)
    rules = LabelRules(nc=len(names), keypoint_columns=keypoint_columns(document))
    images = find_images(document, test=test)
    splits = {name: _read_split(document, split, rules) for name, split in images.splits.items()}
    _warn_of_shared_images(splits)
    notes = [note for split in images.splits.values() for note in split.notes]
    notes += [note for name, split in splits.items() for note in _on_labels(name, split)]
    return Dataset(
        file=document.file,
        names=names,
        train=splits["train"],
        val=splits["val"],
        test=splits.get(TEST),
        extra={key: document.values[key] for key in PASSED_ON if document.values.get(key) is not None},
        former_names=for_yolo if for_yolo != names else (),
        without_test=images.without_test,
        notes=(*_on_names(document.file, names, for_yolo), *notes),
    )


def _on_names(file: Path, names: Sequence[str], for_yolo: Sequence[str]) -> Iterator[str]:
    """Sentence on names that Ultralytics would read otherwise from the user's file."""
    pairs = [pair for pair in zip(names, for_yolo, strict=False) if pair[0] != pair[1]]
    if pairs:
        own, theirs = (", ".join(side[:SHOWN]) for side in zip(*pairs, strict=True))
        more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
        yield (
            f"Class names are taken as written: {own}{more}. From {file.name} itself Ultralytics reads {theirs}{more}; "
            "quotes around them keep them there too."
        )


def _on_labels(name: str, split: Split) -> Iterator[str]:
    """Sentences on many images without a label file, and on label files without an image."""
    others = without_image([str(image) for image in split.images]) if all(map(Path.is_dir, split.sources)) else []
    if others:
        if len(others) == 1:
            yield f"1 label file of {name} has no image: {others[0]}."
        else:
            yield f"{len(others)} label files of {name} have no image: {others[0]} for one."
    if split.boxes and split.unlabelled > MOST_UNLABELLED * len(split.images):
        image = next(image for image in map(str, split.images) if not os.path.exists(label_path(image)))  # noqa: PTH110
        yield (
            f"{split.unlabelled} of {len(split.images)} {name} images have no label file and count as images without "
            f"objects: {image} would have {label_path(image)}."
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
    return fingerprints(dataset)[0]


def fingerprints(dataset: Dataset) -> tuple[str, ...]:
    """All digests by which a study may know the data set, its own first.

    Names were read otherwise by earlier versions, and the test split is in none that did not look at it.
    """
    readings = [dataset.names, *([dataset.former_names] if dataset.former_names else [])]
    heads = [json.dumps([names, dict(dataset.extra)], sort_keys=True, default=str) for names in readings]
    digests = [hashlib.sha256(head.encode()) for head in heads]
    partial: list[str] = []
    for name, split in dataset.splits.items():
        if name == TEST:
            partial = [_hex(digest) for digest in digests]
        for part in _content(name, split):
            for digest in digests:
                digest.update(part)
    return (*map(_hex, digests), *partial)


def _hex(digest: hashlib._Hash) -> str:
    return f"sha256:{digest.hexdigest()[:32]}"


def _content(name: str, split: Split) -> Iterator[bytes]:
    """Bytes that stand for a split."""
    common = os.path.commonpath([image.parent for image in split.images])
    yield f"\0{name}\0{len(split.images)}\0".encode()
    for image in map(str, split.images):
        relative = image[len(common) :].lstrip(os.sep).replace(os.sep, "/")
        labels = _bytes_of(label_path(image))
        yield os.fsencode(relative)
        yield f"\0{Path(image).stat().st_size}\0{len(labels)}\0".encode()
        yield labels


def known_fingerprints(file: Path | str, *, test: bool) -> tuple[str, ...]:
    """Digests by which a study may know the data set in that file. Raises BadData.

    test  True if the study measures on the test split; otherwise a split that cannot be used is passed over
    """
    try:
        return fingerprints(read_dataset(file))
    except BadData:
        if test:
            raise
        return fingerprints(read_dataset(file, test=False))


def _bytes_of(file: str) -> bytes:
    try:
        return read_regular(file)
    except FileNotFoundError:
        return b""


def _read_split(document: Document, split: SplitImages, rules: LabelRules) -> Split:
    boxes = polygons = backgrounds = unlabelled = 0
    problems: list[tuple[str, int, str]] = []
    for image in split.images:
        _check_there(image)
        file = label_path(image)
        labels = read_labels(file, rules)
        boxes += labels.boxes
        polygons += labels.polygons
        backgrounds += not labels.boxes
        unlabelled += labels.absent
        problems += [(file, line, text) for line, text in labels.problems]
    if problems:
        raise _unusable(problems, document.file, split.split)
    if not boxes and split.split != TEST:
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
        unlabelled=unlabelled,
    )


def _unusable(problems: list[tuple[str, int, str]], data_file: Path, split: str) -> BadData:
    file, line, text = problems[0]
    files = len({problem[0] for problem in problems})
    more = f" {len(problems)} rows in {files} files of this split are unusable." if len(problems) > 1 else ""
    if text == pointers.IN_WORDS:
        return BadData(file, f"{text}; {pointers.WAY_OUT}.{more}")
    way_out = f"{DROPPED}. Correct the row, or 'names' in {data_file}."
    without = " Or leave the test split out with --no-test." if split == TEST else ""
    return BadData(file, f"{text}; {way_out}{more}{without}", line=line)


def _check_there(image: str) -> None:
    try:
        os.stat(image)  # noqa: PTH116 - see _bytes_of
    except OSError as error:
        raise BadData(image, f"cannot be read ({error.strerror}); repair or remove it.") from None


def _warn_of_shared_images(splits: Mapping[str, Split]) -> None:
    train = set(splits["train"].images)
    for name in ("val", "test"):
        shared = train.intersection(splits[name].images) if name in splits else ()
        if shared:
            logger.warning("%d images of %s are in train too: scores will flatter", len(shared), name)
