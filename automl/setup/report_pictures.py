"""Pictures for the report on a study: images with their labels, and predictions beside them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.mosaics import MOST, Boxed, grid
from automl.checks.suspects import labels_in
from automl.data import Dataset
from automl.data.labels import label_path
from automl.files import folders
from automl.files.checks import picture_file
from automl.files.pictures import PICTURES
from automl.reports import data_words
from automl.reports.chart import Chart, Matrix
from automl.reports.study_content import DataFacts, ShownTraining
from automl.reports.study_html import Photo
from automl.scores.boxes import Predictions, Truth

if TYPE_CHECKING:
    from PIL import Image

QUALITY = 82  # of JPEGs
SHOWN = 6  # images with predictions beside their labels
SURE = 0.25  # confidence of predictions that are drawn, as in Ultralytics' predictions
MAPPED = 20_000  # images up to which all boxes are read for the maps
BINS = 24  # of a map's side
_OF_CHECK = ("mosaic-train", "mosaic-val", "centres", "sizes")  # pictures of a data check that are taken over


def of_check(data: DataFacts) -> Iterator[Photo]:
    """Pictures that the data check drew, as far as they are here."""
    for key in _OF_CHECK:
        name = data.report.plots.get(key)
        if name is None or data.folder is None:
            continue
        file, words = picture_file(Path(data.folder), name), data_words.caption(key)
        try:
            content = file.read_bytes()
        except OSError:
            continue
        yield Photo(
            key=f"data-{key}{file.suffix.lower()}",
            title=words.title,
            look_for=words.look_for,
            alt=words.alt,
            content=content,
        )


def of_split(dataset: Dataset, split: str) -> Photo:
    """Some images of a split, drawn at random, with their labels."""
    images = list(dict.fromkeys(dataset.splits[split].images))
    chosen = np.sort(np.random.default_rng(0).permutation(len(images))[:MOST])
    columns = int(np.prod(dataset.extra.get("kpt_shape", (0,))))
    cells = []
    for place in chosen.tolist():
        _, classes, boxes = labels_in(label_path(str(images[place])), columns)
        cells.append(Boxed(image=str(images[place]), boxes=boxes.astype(np.float32), classes=classes.astype(np.int32)))
    words = data_words.caption(f"mosaic-{split}")
    return Photo(
        key=f"data-mosaic-{split}.jpg",
        title=words.title,
        look_for=words.look_for,
        alt=words.alt,
        content=jpeg(grid(cells, dataset.names)),
    )


def beside_labels(truth: Truth, predicted: Sequence[tuple[str, Predictions]]) -> Photo | None:
    """Images with their labels and, beside them, what each network predicts; None without images."""
    labelled = np.flatnonzero(truth.counts > 0)
    chosen = np.sort(np.random.default_rng(0).permutation(labelled)[:SHOWN])
    if not len(chosen):
        return None
    ends = np.cumsum(truth.counts)
    by_image = [(name, predictions.by_image()) for name, predictions in predicted]
    cells = []
    for place in chosen.tolist():
        image, rows = truth.images[place], slice(int(ends[place] - truth.counts[place]), int(ends[place]))
        cells.append(Boxed(image=image, boxes=truth.boxes[rows], classes=truth.classes[rows], caption="labels"))
        for name, known in by_image:
            single = known[image]
            sure = single.confidence >= SURE
            cells.append(
                Boxed(
                    image=image,
                    boxes=single.boxes[sure],
                    classes=single.classes[sure],
                    confidence=single.confidence[sure],
                    caption=name,
                )
            )
    return Photo(
        key="predictions-beside-labels.jpg",
        title="Predictions beside labels",
        look_for=f"Labels on the left, then what each network predicts with a confidence of {SURE} or more. "
        "Look for objects that are missed, found twice, or taken for another class, and for labels that are wrong.",
        alt=f"{len(chosen)} images of val in rows: the labels, then the predictions of "
        f"{data_words.counted(len(predicted), 'network')}.",
        content=jpeg(grid(cells, truth.names, columns=1 + len(predicted))),
    )


def of_evaluation(directory: str, training: ShownTraining) -> Iterator[Photo]:
    """Pictures that were kept when a training was measured on unseen images."""
    folder = folders.trial(directory, training.row.number) / "pictures"
    for name, title in PICTURES.items():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        yield Photo(
            key=f"predictions-unseen-{training.row.number}-{name}",
            title=f"{title}: {training.name}",
            look_for="",
            alt=f"{title}, of the {training.name}, as Ultralytics draws it.",
            content=content,
        )


def maps(truth: Truth) -> Iterator[Chart]:
    """Maps of the places and of the sizes of all boxes: Ultralytics' plot of the labels."""
    if not len(truth.boxes):
        return
    for key, columns, labels in (
        ("centres", slice(0, 2), ("left to right", "top to bottom")),
        ("sizes", slice(2, 4), ("width", "height")),
    ):
        words, points = data_words.caption(key), truth.boxes[:, columns]
        counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=BINS, range=((0, 1), (0, 1)))
        shares = np.log1p(counts) / max(1.0, float(np.log1p(counts.max())))
        rows = shares if key == "centres" else shares[::-1]
        yield Matrix(
            key=key,
            title=words.title,
            alt=words.alt,
            x_label=f"{labels[0]}, share of the image",
            y_label=f"{labels[1]}, share of the image",
            columns=(),
            rows=(),
            values=tuple(map(tuple, rows.tolist())),
            note=words.look_for.replace("darker", "a stronger colour"),  # on a dark page it is brighter
        )


def jpeg(picture: Image.Image) -> bytes:
    """Content of a JPEG file."""
    content = io.BytesIO()
    picture.save(content, format="JPEG", quality=QUALITY, optimize=True)
    return content.getvalue()
