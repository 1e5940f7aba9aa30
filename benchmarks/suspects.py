"""Suspicious labels against label errors of known places, beside plain confidence and random order.

Train is judged by two half-trained models, val by the first of them, which is weaker than a baseline would be.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.checks.suspects import JudgedImage, ranked, suspects_in
from automl.checks.suspects_matching import overlaps
from automl.data import Dataset, read_dataset
from automl.errors import AutoMLError
from automl.records.check import Suspect, SuspectKind
from automl.setup.halves import Place, Recipe, cross_fit, request_of
from automl.setup.judging import judged_images
from automl.setup.slots import find_slots
from automl.trainers import predictions
from automl.trainers.predictions import Predictions
from automl.trainers.ultralytics.predict import predict_apart
from automl.trainers.ultralytics.weights import check_weights
from benchmarks.corruption import Injected, corrupt
from benchmarks.suspects_figures import Figure, figure

KINDS = (SuspectKind.MISSING, SuspectKind.LOOSE, SuspectKind.CLASS)
FROM_SCRATCH = "none"
_SAME = 0.5  # IoU of a prediction with the label that explains it, in the plain ranking
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a run."""

    data: str
    weights: str  # with which both models begin, or FROM_SCRATCH
    model: str = "yolov5n"  # or a network file
    imgsz: int = 320
    epochs: int = 25
    budget: str = "4cpu-h"
    seed: int = 0


def run(settings: Settings, folder: Path | None, say: Say) -> list[Figure]:
    """Figures of every ranking.

    folder  for the corrupted copy and the predictions, with which a later run only scores; None for a temporary one
    """
    if settings.weights != FROM_SCRATCH:
        check_weights(settings.weights)
    if folder is not None:
        return _run(settings, folder.absolute(), say)
    with tempfile.TemporaryDirectory(prefix="automl-suspects-") as temporary:
        return _run(settings, Path(temporary), say)


def _run(settings: Settings, folder: Path, say: Say) -> list[Figure]:
    dataset, injected = _corrupted(settings, folder)
    groups = _groups(dataset, _predicted(settings, dataset, folder, say))
    images = [image for group in groups for image in group]
    ours = ranked([suspect for group in groups for suspect in suspects_in(group, dataset.nc, least=0.0)])
    listed = ranked([suspect for group in groups for suspect in suspects_in(group, dataset.nc)])
    figures = []
    for kind in KINDS:
        plain = _plain(images, kind)
        order = np.random.default_rng(settings.seed).permutation(len(plain))
        rankings = {"ours": ours, "confidence": ranked(plain), "random": [plain[number] for number in order]}
        for name, ranking in rankings.items():
            row = figure(kind, name, ranking, injected)
            whole = figure(kind, name, listed if name == "ours" else ranking, injected)
            figures.append(replace(row, listed=whole.listed, recall=whole.recall))
    return figures


def _corrupted(settings: Settings, folder: Path) -> tuple[Dataset, list[Injected]]:
    """The data set with errors and their places. Raises AutoMLError for a folder of another run."""
    marker, wanted = folder / "settings.json", json.dumps(asdict(settings))
    if not marker.exists():
        if folder.exists() and any(folder.iterdir()):
            raise AutoMLError(f"--folder {folder} is not empty and not of an earlier run. Name another one.")
        file, injected = corrupt(read_dataset(settings.data, test=False), folder, settings.seed)
        (folder / "injected.json").write_text(json.dumps([asdict(error) for error in injected]), encoding="utf-8")
        marker.write_text(wanted, encoding="utf-8")
        return read_dataset(file), injected
    if marker.read_text(encoding="utf-8") != wanted:
        raise AutoMLError(f"--folder {folder} is of a run with other settings. Name another one.")
    entries = json.loads((folder / "injected.json").read_text(encoding="utf-8"))
    injected = [Injected(**{**entry, "kind": SuspectKind(entry["kind"])}) for entry in entries]
    return read_dataset(folder / "data.yaml"), injected


def _predicted(settings: Settings, dataset: Dataset, folder: Path, say: Say) -> list[Predictions]:
    """Predictions on each half of train, and on val: those in the folder, or new ones."""
    files = [folder / f"predictions-{name}.npz" for name in ("0", "1", "val")]
    known = [predictions.load(file) for file in files]
    if all(single is not None for single in known):
        return [single for single in known if single is not None]
    place = Place.of(find_slots("cpu" if "cpu" in settings.budget else None, None, say))
    recipe = Recipe(
        params={"model": settings.model, "imgsz": settings.imgsz, "batch": 16, "amp": False},
        weights=None if settings.weights == FROM_SCRATCH else str(Path(settings.weights).absolute()),
        epochs=settings.epochs,
        seed=settings.seed,
    )
    fit = cross_fit(dataset, recipe, place, [settings.budget], folder / "halves", say)
    if fit.problem:
        raise AutoMLError(f"{fit.problem}.")
    request = request_of(fit.weights[0], dataset.val.images, settings.imgsz, place)
    every = [*fit.predictions, predict_apart(request, files[-1])]
    for single, file in zip(every, files, strict=True):
        predictions.save(single, file)
    return every


def _groups(dataset: Dataset, predicted: Sequence[Predictions]) -> list[list[JudgedImage]]:
    """Images that one model has judged together: the halves of train, and val with the half of its model."""
    split_of = {str(image): name for name, split in dataset.splits.items() for image in split.images}
    ids = {number: number for number in range(dataset.nc)}
    first, second, val = (list(judged_images(single, split_of, ids, dataset)) for single in predicted)
    return [first, second, val]


def _plain(images: Sequence[JudgedImage], kind: SuspectKind) -> list[Suspect]:
    """Candidates with the model's confidence alone as their score: the ranking of whoever has nothing better."""
    return [suspect for image in images for suspect in _candidates(image, kind)]


def _candidates(image: JudgedImage, kind: SuspectKind) -> Iterator[Suspect]:
    """Predictions without a label, the most confident first; or labels, the least confident of their class first."""
    same = overlaps(image.labels.boxes, image.predictions.boxes) >= _SAME
    common: dict[str, Any] = {"kind": kind, "split": image.split, "image": image.image, "file": image.file}
    if kind is SuspectKind.MISSING:
        for number in np.flatnonzero(~same.any(axis=0)):
            box = image.predictions.boxes[number].tolist()
            score = float(image.predictions.confidence[number])
            yield Suspect(**common, line=None, score=score, proposed=(box[0], box[1], box[2], box[3]))
        return
    same &= image.labels.classes[:, None] == image.predictions.classes[None]
    support = (same * image.predictions.confidence[None]).max(axis=1, initial=0.0)
    for line, value in zip(image.lines, support, strict=True):
        yield Suspect(**common, line=line, score=1 - float(value))


HEAD = ["errors", "ranking", "made", "looked at", "precision", "95 %", "recall at made", "listed", "recall of list"]


def table(figures: Sequence[Figure]) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of a printed table."""
    return HEAD, [
        [
            row.kind,
            row.ranking,
            str(row.errors),
            str(row.first),
            f"{row.precision:.2f}",
            f"{row.low:.2f} to {row.high:.2f}",
            f"{row.recall_first:.2f}",
            str(row.listed),
            f"{row.recall:.2f}",
        ]
        for row in figures
    ]


def captions() -> list[str]:
    """Lines on what was counted."""
    return [
        "Made: errors in train and val. Precision: share of them among the first suspects, with its interval by",
        "Clopper and Pearson. A lower bound: errors that the data set had of its own count as mistakes.",
        "Recall at made: share of the errors among as many suspects as there are errors; recall of list: among all.",
    ]
