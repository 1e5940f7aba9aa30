"""Facts of a data set, read from its files. What cannot be used is a fact too: nothing stops the reading."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts, SplitFacts
from automl.checks.reading import Part, Reading, chosen, joined, read_part
from automl.checks.remembered import Memory, marks_of
from automl.checks.sources import Contents, read_contents
from automl.data.dataset import PASSED_ON
from automl.data.document import read_document
from automl.data.images import SPLITS, SplitImages
from automl.data.labels import LabelRules
from automl.data.pixels import Trait, judge, quiet
from automl.host.cores import usable_cores

Progress = Callable[[str, int, int], None]  # what is being read, how many are done, of how many

_AT_ONCE = 64  # images of one task


def scan(
    data: Path | str,
    *,
    splits: Collection[str] = SPLITS,
    pixels: bool = True,
    home: Path | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Facts:
    """Facts of a data set. Images are read, and never written to.

    splits    those that are looked at
    pixels    False: read labels and headers alone
    home      folder of all studies, where facts are remembered; None: nowhere
    progress  is called from this thread, now and then

    Raises BadData for a file that does not exist or is no YAML with keys. Everything else becomes a finding.
    """
    document = read_document(Path(data))
    contents = read_contents(document, splits)
    rules = LabelRules(nc=contents.nc, keypoint_columns=contents.keypoint_columns)
    reading = Reading(rules=rules, channels=contents.channels, pixels=pixels)
    read = {name: _split(document.file, split, reading, home, progress) for name, split in contents.splits.items()}
    return Facts(
        file=document.file,
        names=_names(contents, read),
        splits=read,
        extra={key: document.values[key] for key in PASSED_ON if document.values.get(key) is not None},
        noted=tuple(contents.noted),
    )


def _names(contents: Contents, splits: dict[str, SplitFacts]) -> tuple[str, ...]:
    """The class names; where they cannot be read, numbers up to the largest one in the labels."""
    if contents.names is not None:
        return contents.names
    largest = max((int(split.box_class.max()) for split in splits.values() if len(split.box_class)), default=-1)
    return tuple(f"class_{number}" for number in range(largest + 1))


def _split(data: Path, split: SplitImages, reading: Reading, home: Path | None, progress: Progress) -> SplitFacts:
    marks = marks_of(split.images)
    memory = Memory.of(home, data, split.split, reading)
    known = memory.known(split.images, marks)
    fresh = np.flatnonzero(known < 0)
    part = _read([split.images[number] for number in fresh], reading, split.split, len(split.images), progress)
    if len(fresh) < len(split.images):
        part = _merged(memory.part, known, part, fresh)
    if len(fresh):
        memory.keep(split.images, marks, part)
    return _facts(split, part, reading)


def _merged(old: Part, known: NDArray[np.int64], new: Part, fresh: NDArray[np.intp]) -> Part:
    """Facts of all images: of `fresh` ones from `new`, of the others from `old`."""
    kept = np.flatnonzero(known >= 0)
    both = joined((chosen(old, known[kept]), new), len(known))
    return chosen(both, np.argsort(np.concatenate([kept, fresh]), kind="stable"))


def _read(images: Sequence[str], reading: Reading, split: str, total: int, progress: Progress) -> Part:
    progress(_what(reading, split), total - len(images), total)
    if not images:
        return Part.empty(0)
    with quiet():
        judge(images[0])  # Pillow's readers are loaded once, not by several threads at a time
        return joined(_parts(images, reading, split, total, progress), len(images))


def _parts(images: Sequence[str], reading: Reading, split: str, total: int, progress: Progress) -> Iterator[Part]:
    done = total - len(images)
    groups = [images[start : start + _AT_ONCE] for start in range(0, len(images), _AT_ONCE)]
    pool = ThreadPoolExecutor(usable_cores() + 1)
    try:
        for group, part in zip(groups, pool.map(lambda group: read_part(group, reading), groups), strict=True):
            done += len(group)
            progress(_what(reading, split), done, total)
            yield part
    finally:
        pool.shutdown(cancel_futures=True)


def _what(reading: Reading, split: str) -> str:
    return f"images of {split}" if reading.pixels else f"labels of {split}"


def _facts(split: SplitImages, part: Part, reading: Reading) -> SplitFacts:
    arrays = {name: value for name, value in vars(part).items() if isinstance(value, np.ndarray) and name != "counts"}
    if not reading.pixels:
        arrays |= {name: arrays[name][:0] for name in ("decoded", "brightness", "contrast", "hashes")}
    return SplitFacts(
        split=split.split,
        sources=split.sources,
        images=split.images,
        turned=(part.traits & Trait.TURNED.value).astype(np.bool_),
        flaws=part.flaws,
        problems=tuple(part.problems),
        box_image=np.repeat(np.arange(len(split.images), dtype=np.int32), part.counts),
        **arrays,
    )
