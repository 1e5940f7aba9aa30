"""Kept networks of a study: their weights, and their predictions on val and test, made once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.suspects import labels_in
from automl.data import Dataset, read_dataset
from automl.data.labels import label_path
from automl.errors import StudyConflict
from automl.files import folders
from automl.records import StudyRow, TrialRow, model_of
from automl.scores.boxes import Predictions, Truth
from automl.scores.evaluator import digest
from automl.setup.halves import Place
from automl.store import read
from automl.trainers import predictions as archive
from automl.trainers.ultralytics.predict import Request, predict_apart
from automl.trainers.ultralytics.weights import sha256

if TYPE_CHECKING:
    from sqlalchemy import Engine

LEAST = 0.001  # confidence, as in Ultralytics' validation
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A trial whose weights are there."""

    study: str
    directory: Path  # of the study
    row: TrialRow
    model: str
    imgsz: int  # pixels
    weights: Path
    sha256: str

    @property
    def name(self) -> str:
        """The network in words."""
        return f"trial {self.row.number} of the study '{self.study}'"


def kept_networks(engine: Engine, study: StudyRow) -> list[Network]:
    """Networks of the trials whose best weights are there, by number.

    Raises StudyConflict if there is none.
    """
    spec = study.spec
    directory = Path(spec.directory)
    networks = [
        network(study, row)
        for row in read.trials(engine, study.name)
        if row.score is not None and (folders.trial(directory, row.number) / "best.pt").is_file()
    ]
    if not networks:
        raise StudyConflict(
            f"no trial of study '{study.name}' has weights in {directory}: none has finished, or they were deleted. "
            "Let a search of it end first."
        )
    return networks


def network(study: StudyRow, row: TrialRow) -> Network:
    """The network of a trial whose best weights are there."""
    spec = study.spec
    weights = folders.trial(spec.directory, row.number) / "best.pt"
    every = {**spec.fixed, **row.params, **(row.applied or {})}
    return Network(
        study=study.name,
        directory=Path(spec.directory),
        row=row,
        model=model_of(spec, row.params),
        imgsz=int(every.get("imgsz") or 640),
        weights=weights,
        sha256=sha256(weights),
    )


def data_of(study: StudyRow) -> Dataset:
    """The data set of the trials. Raises BadData where it is gone or cannot be used any more."""
    return read_dataset(folders.data(study.spec.directory))


def truth_of(dataset: Dataset, split: str) -> Truth:
    """Labelled objects of a split, in the order of its images."""
    images = [str(image) for image in dict.fromkeys(dataset.splits[split].images)]
    columns = int(np.prod(dataset.extra.get("kpt_shape", (0,))))
    labels = [labels_in(label_path(image), columns) for image in images]
    return Truth(
        images=tuple(images),
        names=dataset.names,
        counts=np.array([len(classes) for _, classes, _ in labels], dtype=np.int32),
        boxes=np.concatenate([np.zeros((0, 4)), *(boxes for _, _, boxes in labels)]).astype(np.float32),
        classes=np.concatenate([np.zeros(0, np.int32), *(classes for _, classes, _ in labels)]).astype(np.int32),
    )


def predictions_of(
    network: Network, images: Sequence[str], place: Place, *, tta: bool = False, say: Say = lambda text: None
) -> Predictions:
    """Predictions of a network on these images, from its study's folder if they are kept there; else made and kept.

    tta  True: with test-time augmentation

    Raises AutoMLError if the network cannot predict them.
    """
    file = folders.predictions(network.directory) / f"{_key(network, images, tta=tta)}.npz"
    known = archive.load(file)
    if known is not None and known.images == tuple(images) and known.weights == network.sha256:
        return known
    say(f"Predicting {len(images)} images with {network.name} ...")
    request = Request(
        weights=str(network.weights),
        images=tuple(images),
        imgsz=network.imgsz,
        device=place.device,
        threads=place.threads,
        least=LEAST,
    )
    return predict_apart(request, file)


def _key(network: Network, images: Sequence[str], *, tta: bool) -> str:
    text = f"{network.sha256} {digest(images)} {network.imgsz} {tta} {LEAST}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]
