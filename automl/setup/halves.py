"""Cross-fitting: two models, each trained on one half of train, judge the half that they have not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automl.costs.budget import Budget, parse_all
from automl.data import Dataset, write_resolved
from automl.data.holdout import halves
from automl.errors import BadBudget
from automl.figures import format_cost
from automl.records import ParamValue, Slots, TrainJob, Trial
from automl.trainers import apart
from automl.trainers.predictions import Predictions
from automl.trainers.ultralytics.predict import Request, predict_apart

FEWEST_EPOCHS = 10  # a model that has learnt less sees too little
MOST_EPOCHS = 100  # as many as Ultralytics trains where nobody says otherwise
_MARGIN = 1.15  # of the price, since other work may slow a training down
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that a half-trained model is trained with."""

    params: Mapping[str, ParamValue]  # Ultralytics' arguments, with `model` and `imgsz`
    weights: str | None  # with which both begin; None: from scratch
    epochs: int  # most
    seed: int = 0
    network: str = ""  # file of the network, where `model` names one that has moved
    origin: str = ""  # the recipe in words, for the report

    @property
    def imgsz(self) -> int:
        """Image size in pixels."""
        return int(self.params.get("imgsz") or 640)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Device of trainings and predictions, one after another."""

    device: str  # "cpu" or a CUDA index
    threads: int

    @classmethod
    def of(cls, slots: Slots) -> Place:
        """All cores, or the first GPU."""
        if slots.device == "cpu":
            return cls(device="cpu", threads=slots.count * slots.threads)
        return cls(device=slots.devices[0], threads=slots.threads)

    @property
    def kind(self) -> str:
        """Unit of slot time."""
        return "cpu" if self.device == "cpu" else "gpu"

    @property
    def slots(self) -> int:
        """Slots that are held at a time."""
        return self.threads if self.device == "cpu" else 1

    def allowed_s(self, texts: Sequence[str]) -> float:
        """Wall seconds that the budgets pay here. Raises BadBudget."""
        budgets = parse_all(texts, self.kind)
        if any(budget.trials is not None for budget in budgets):
            raise BadBudget("a number of trials pays for no check of labels. Write 1gpu-h, 2cpu-h or 30min.")
        return min(self._wall_s(budget) for budget in budgets)

    def _wall_s(self, budget: Budget) -> float:
        return budget.slot_s / self.slots if budget.slot_s is not None else float(budget.wall_s or 0.0)


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """Predictions on train of models that have not seen the images, or the reason why there are none."""

    predictions: tuple[Predictions, ...] = ()  # of each half
    epochs: int = 0  # of each model
    map50_95: tuple[float, ...] = ()  # of each model on val
    weights: tuple[Path, ...] = ()  # of each model
    problem: str = ""  # why train is not judged, a sentence


def cross_fit(dataset: Dataset, recipe: Recipe, place: Place, texts: Sequence[str], folder: Path, say: Say) -> CrossFit:
    """Train both models within the budgets, and predict.

    folder  for everything that is written

    Raises AutoMLError if a training fails, BadBudget for budgets that cannot be read.
    """
    began, allowed_s = time.monotonic(), place.allowed_s(texts)
    parts = halves(dataset, recipe.seed)
    jobs = [_job(part, recipe, place, folder / f"half-{number}") for number, part in enumerate(parts)]
    say("Timing a few steps of a half-trained model ...")
    epoch_s = _MARGIN * apart.prepare("ultralytics", jobs[0], recipe.epochs, recipe.seed).epoch_s
    left_s = allowed_s - (time.monotonic() - began)
    epochs = min(recipe.epochs, int(left_s / (len(jobs) * epoch_s)))
    if epochs < min(FEWEST_EPOCHS, recipe.epochs):
        needed_s = allowed_s - left_s + len(jobs) * FEWEST_EPOCHS * epoch_s
        needed = _at_least(texts[0], needed_s, place)
        return CrossFit(problem=f"{texts[0]} does not pay for two half-trained models: give at least {needed}")
    price = format_cost(len(jobs) * epochs * epoch_s * place.slots, place.kind)
    say(f"Training two models of {epochs} epochs, each on one half of train, for about {price} ...")
    scores, files = [], []
    for number, job in enumerate(jobs):
        left_s = allowed_s - (time.monotonic() - began)
        trial = Trial(number=number, params={}, epochs=epochs, seed=recipe.seed + number)
        trained = apart.train("ultralytics", trial, job, most_s=left_s / (len(jobs) - number))
        say(f"Half {number + 1} of 2: {trained.epochs} epochs, mAP50-95 {trained.map50_95:.3f} on val.")
        scores.append(trained.map50_95)
        files.append(Path(job.directory) / "best.pt")
    predicted = [
        predict_apart(
            request_of(file, other.train.images, recipe.imgsz, place), folder / f"half-{number}" / "predictions.npz"
        )
        for number, (file, other) in enumerate(zip(files, reversed(parts), strict=True))
    ]
    return CrossFit(predictions=tuple(predicted), epochs=epochs, map50_95=tuple(scores), weights=tuple(files))


def _at_least(text: str, wall_s: float, place: Place) -> str:
    budget = Budget.parse(text)
    return budget.at_least(wall_s * place.slots if budget.slot_s is not None else wall_s)


def request_of(weights: Path, images: Sequence[Path], imgsz: int, place: Place) -> Request:
    """A prediction on these images."""
    return Request(
        weights=str(weights), images=tuple(map(str, images)), imgsz=imgsz, device=place.device, threads=place.threads
    )


def _job(part: Dataset, recipe: Recipe, place: Place, folder: Path) -> TrainJob:
    return TrainJob(
        data=str(write_resolved(part, folder / "data.yaml")),
        weights=recipe.weights,
        fixed=dict(recipe.params),
        directory=str(folder / "training"),
        cache=str(folder.parent / "cache"),
        device=place.device,
        threads=place.threads,
        network=recipe.network,
    )
