"""Quality of a study's networks for its report, from their predictions on val."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from automl.data import Dataset
from automl.errors import AutoMLError
from automl.files import folders
from automl.host.gpus import find_gpus
from automl.records import Slots, StudyRow
from automl.reports.chart import Chart
from automl.reports.study_content import ShownTraining, StudyContent
from automl.reports.study_html import Photo
from automl.reports.study_quality import Measured, charts_of, measured
from automl.scores.boxes import Predictions, Truth
from automl.setup.halves import Place
from automl.setup.networks import network, predictions_of, truth_of
from automl.setup.report_pictures import beside_labels

SPLIT = "val"
Say = Callable[[str], None]


class _NotKept(Exception):
    """Predictions would have to be made."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the networks see on val."""

    networks: tuple[Measured, ...] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    photos: tuple[Photo, ...] = ()
    missing: tuple[str, ...] = ()  # sentences on networks that are left out
    left_out: bool = False  # True: predictions were not to be made


def seen_by(content: StudyContent, dataset: Dataset, *, predict: bool, say: Say) -> Seen:
    """Quality of the defaults' network and of that of the best recipe found, as far as their weights are here."""
    truth = truth_of(dataset, SPLIT)
    missing: list[str] = []
    predicted: list[tuple[str, Predictions]] = []
    left_out = False
    for training in content.trainings:
        try:
            predicted.append((training.name, _predictions(content.study, training, truth, predict=predict, say=say)))
        except _NotKept:
            left_out = True
        except AutoMLError as error:
            missing.append(f"Predictions of the {training.name} are left out: {error}")
    if left_out:
        missing.append("Predictions that were not made before are left out, as asked for with --no-predict.")
    networks = tuple(_measured(truth, predicted, missing))
    photo = beside_labels(truth, predicted) if networks else None
    return Seen(
        networks=networks,
        charts={chart.key: chart for chart in charts_of(networks)},
        photos=() if photo is None else (photo,),
        missing=tuple(missing),
        left_out=left_out,
    )


def _predictions(study: StudyRow, training: ShownTraining, truth: Truth, *, predict: bool, say: Say) -> Predictions:
    """Predictions of a training's best weights. Raises _NotKept, or AutoMLError where the weights are gone."""
    weights = folders.trial(study.spec.directory, training.row.number) / "best.pt"
    if not weights.is_file():
        raise AutoMLError(f"its weights are not here any more, {weights}.")
    return predictions_of(
        network(study, training.row), truth.images, place_of(study.spec.slots), say=say if predict else _refuse
    )


def _refuse(text: str) -> None:
    raise _NotKept(text)


def place_of(slots: Slots) -> Place:
    """The study's device if it is here, else the CPU."""
    if slots.device == "gpu" and not find_gpus().names:
        return Place(device="cpu", threads=max(1, slots.threads))
    return Place.of(slots if slots.devices or slots.device == "cpu" else _first_gpu(slots))


def _first_gpu(slots: Slots) -> Slots:
    return Slots(count=1, device="gpu", devices=("0",), threads=slots.threads)


def _measured(truth: Truth, predicted: list[tuple[str, Predictions]], missing: list[str]) -> Iterator[Measured]:
    """Quality of each network on val. One of other classes is left out, and said to be."""
    for name, predictions in predicted:
        try:
            yield measured(name, SPLIT, predictions, truth)
        except AutoMLError as error:
            missing.append(f"Figures of the {name} are left out: {error}")
