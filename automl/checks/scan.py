"""Facts of a data set, read from its files. What cannot be used is a fact too: nothing stops the reading."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from automl.checks.facts import HASH_BYTES, Facts, RowProblem, SplitFacts
from automl.data.classes import check_channels, keypoint_columns, read_names
from automl.data.document import read_document
from automl.data.images import SPLITS, SplitImages, find_images
from automl.data.labels import LabelRules, label_path, read_labels
from automl.data.pixels import judge, quiet

Progress = Callable[[str, int, int], None]  # what is being read, how many are done, of how many


def scan(
    data: Path | str,
    *,
    splits: Collection[str] = SPLITS,
    pixels: bool = True,
    home: Path | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Facts:
    """Facts of a data set.

    splits  those that are looked at
    pixels  False: read labels and headers alone
    home    folder of all studies, where facts are remembered; None: nowhere

    Raises BadData for a data.yaml that names no images or no classes.
    """
    document = read_document(Path(data))
    names = read_names(document)
    check_channels(document)
    rules = LabelRules(nc=len(names), keypoint_columns=keypoint_columns(document))
    images = find_images(document, test="test" in splits)
    found = {name: _split(split, rules) for name, split in images.splits.items() if name in splits}
    return Facts(file=document.file, names=names, splits=found)


def _split(split: SplitImages, rules: LabelRules) -> SplitFacts:
    count = len(split.images)
    with quiet():
        verdicts = [judge(image) for image in split.images]
    labels = [read_labels(label_path(image), rules) for image in split.images]
    problems = tuple(
        RowProblem(image=number, line=line, text=text)
        for number, content in enumerate(labels)
        for line, text in content.problems
    )
    return SplitFacts(
        split=split.split,
        sources=split.sources,
        images=split.images,
        labelled=np.array([not content.absent for content in labels], dtype=np.bool_),
        width=np.zeros(count, dtype=np.int32),
        height=np.zeros(count, dtype=np.int32),
        turned=np.zeros(count, dtype=np.bool_),
        flaws={number: verdict.flaw for number, verdict in enumerate(verdicts) if verdict.flaw is not None},
        problems=problems,
        box_image=np.zeros(0, dtype=np.int32),
        box_line=np.zeros(0, dtype=np.int32),
        box_class=np.zeros(0, dtype=np.int32),
        boxes=np.zeros((0, 4), dtype=np.float32),
        polygon=np.zeros(0, dtype=np.bool_),
        decoded=np.zeros(0, dtype=np.bool_),
        brightness=np.zeros(0, dtype=np.float32),
        contrast=np.zeros(0, dtype=np.float32),
        hashes=np.zeros((0, HASH_BYTES), dtype=np.uint8),
    )
