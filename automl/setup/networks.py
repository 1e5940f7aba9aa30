"""Kept networks of a study: their weights, and their predictions on val and test, made once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from automl.checks.suspects import labels_in
from automl.data import Dataset, read_dataset
from automl.data.labels import label_path
from automl.errors import StudyConflict
from automl.files import folders
from automl.records import Params, StudyRow, TrialRow, model_of
from automl.scores.boxes import Predictions, Truth
from automl.setup.halves import Place
from automl.store import read
from automl.trainers import predictions as archive
from automl.trainers.ultralytics.predict import MOST, OVERLAP, Request, predict_apart
from automl.trainers.ultralytics.weights import sha256

if TYPE_CHECKING:
    from sqlalchemy import Engine

LEAST = 0.001  # confidence, as in Ultralytics' validation
ITEM = "item"  # Ultralytics' name of the only class where all are one
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a study's own validation keeps of a network's predictions."""

    least: float = LEAST
    overlap: float = OVERLAP  # IoU
    most: int = MOST  # predictions of an image
    agnostic: bool = False

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Rules:
        """Those of a training with these arguments."""
        return cls(
            least=float(arguments.get("conf") or LEAST),
            overlap=float(arguments.get("iou") or OVERLAP),
            most=int(arguments.get("max_det") or MOST),
            agnostic=bool(arguments.get("agnostic_nms") or arguments.get("single_cls")),
        )


@dataclass(frozen=True, kw_only=True)
class StudyData(Dataset):
    """A data set with the arguments of a study that change what its labels are."""

    fixed: Params = field(default_factory=dict)


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
    rules: Rules = field(default_factory=Rules)

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
        rules=Rules.of(every),
    )


def data_of(study: StudyRow) -> StudyData:
    """The data set of the trials. Raises BadData where it is gone or cannot be used any more."""
    return StudyData(**vars(read_dataset(folders.data(study.spec.directory))), fixed=study.spec.fixed)


def truth_of(dataset: Dataset, split: str) -> Truth:
    """Labelled objects of a split, in the order of its images, as a validation counts them.

    A row that occurs twice counts once. Those of a study are of its `classes` only, and of one class with `single_cls`.
    """
    images = [str(image) for image in dict.fromkeys(dataset.splits[split].images)]
    columns = int(np.prod(dataset.extra.get("kpt_shape", (0,))))
    fixed = dataset.fixed if isinstance(dataset, StudyData) else {}
    labels = [_counted(*labels_in(label_path(image), columns), fixed) for image in images]
    return Truth(
        images=tuple(images),
        names=(ITEM,) if fixed.get("single_cls") else dataset.names,
        counts=np.array([len(classes) for classes, _ in labels], dtype=np.int32),
        boxes=np.concatenate([np.zeros((0, 4)), *(boxes for _, boxes in labels)]).astype(np.float32),
        classes=np.concatenate([np.zeros(0, np.int32), *(classes for classes, _ in labels)]).astype(np.int32),
    )


def _counted(
    lines: tuple[int, ...], classes: npt.NDArray[np.int64], boxes: npt.NDArray[np.float64], fixed: Params
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Classes and boxes of the rows that count."""
    rows = np.unique(np.column_stack([classes, boxes]).astype(np.float32), axis=0, return_index=True)[1]
    wanted = fixed.get("classes")
    if wanted is not None:
        rows = rows[np.isin(classes[rows], wanted)]
    rows = np.sort(rows)
    return classes[rows] * (0 if fixed.get("single_cls") else 1), boxes[rows]


def predictions_of(
    network: Network, images: Sequence[str], place: Place, *, tta: bool = False, say: Say = lambda text: None
) -> Predictions:
    """Predictions of a network on these images, from its study's folder if they are kept there; else made and kept.

    tta  True: with Ultralytics' test-time augmentation

    Boxes go beyond the border of an image, as the validation measures them: `boxes.cut` cuts them there.

    Raises AutoMLError if the network cannot predict them.
    """
    request = Request(
        weights=str(network.weights),
        images=tuple(images),
        imgsz=network.imgsz,
        device=place.device,
        threads=place.threads,
        **asdict(network.rules),
        tta=tta,
        whole=True,
    )
    file = folders.predictions(network.directory) / f"{_key(network, images, tta=tta)}.npz"
    known = archive.load(file)
    if known is not None and known.weights == network.sha256 and list(_names(known.images)) == list(_names(images)):
        return replace(known, images=tuple(images))  # which may have moved
    say(f"Predicting {len(images)} images with {network.name}{', with TTA' if tta else ''} ...")
    return predict_apart(request, file)


def _key(network: Network, images: Sequence[str], *, tta: bool) -> str:
    """Name of the file: a digest of all that predictions depend on. An image that has changed since has another one."""
    digest = hashlib.sha256(f"{network.sha256} {network.imgsz} {tta} {network.rules}\n".encode())
    for image, name in zip(images, _names(images), strict=True):
        digest.update(f"{name}\0{_mark(image)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:20]


def _names(images: Sequence[str]) -> Iterator[str]:
    return (Path(image).name for image in images)


def _mark(image: str) -> str:
    try:
        status = Path(image).stat()
    except OSError:
        return "absent"
    return f"{status.st_size} {status.st_mtime_ns}"
