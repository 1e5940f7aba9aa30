"""What fixing the most suspicious labels is worth: trained on the data as they are, and without the suspects."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from automl.costs.budget import Budget, parse_all
from automl.data.corrected import write_corrected
from automl.data.corrections import Corrections, corrected_rows
from automl.data.dataset import Dataset, read_dataset, write_resolved
from automl.drivers.alone import epochs_alone
from automl.errors import AutoMLError, BudgetTooSmall, TrialError
from automl.figures import format_cost
from automl.files.home import home_folder, make_folder
from automl.records import Correction, Price, PriceVariant, Slots, Suspect, TrainJob, Trial
from automl.scores.halving import final
from automl.scores.paired import paired
from automl.setup import worded_price
from automl.setup.slots import find_slots
from automl.setup.weights import find_weights

TOP = 60  # suspects
EPOCHS = 30
MOST_SEEDS = 10  # pairs: beyond, the noise of the images outweighs that of the seeds
_WIDER = 1.1  # of the dearest training: the next one may take longer
_FOLDER, _LOG = "price", "price-log.txt"

Say = Callable[[str], None]
Side = Correction | None  # None: the data as they are


@dataclass(frozen=True, kw_only=True)
class _Inputs:
    """Everything that the trainings of one price share."""

    data: dict[Side, Path]  # the data.yaml of each side
    fixed: dict[str, str | int]
    weights: str | None
    slots: Slots
    epochs: int
    seed: int
    folder: Path  # of this price alone
    log: Path  # where the log of a failed training is kept
    trainer: str

    def job(self, side: Side) -> TrainJob:
        """Inputs of one training."""
        return TrainJob(
            data=str(self.data[side]),
            weights=self.weights,
            fixed=self.fixed,
            directory=str(self.folder / "training"),
            cache=str(self.folder / "cache"),
            device=self.slots.devices[0] if self.slots.devices else "cpu",
            threads=self.slots.threads,
        )


def price(
    dataset: Dataset | Path | str,
    suspects: Sequence[Suspect],
    *,
    budget: Sequence[str] = (),
    top: int = TOP,
    imgsz: int = 640,
    epochs: int = EPOCHS,
    device: str | None = None,
    seed: int = 0,
    home: Path | str | None = None,
    say: Say = lambda text: None,
    model: str = "yolov5n",
    weights: str = "auto",
    offline: bool = False,
    trainer: str = "ultralytics",
) -> Price:
    """What the `top` most suspicious labels of train cost, in mAP50-95 on val as it is.

    Trains with the defaults on the data as they are and with the suspects fixed, and dropped, by as many seeds as the
    budget pays. The budget is not exceeded: a training that turns out longer is ended. Without a budget nothing is
    trained, and the figure comes from recorded runs on other data. Suspects of val and test change nothing: both sides
    are measured on the same val. Ctrl-C ends the trainings and returns what is known.

    budget   as for a search: slot time, wall time, or a number of trainings
    weights  as `find_weights` takes them

    Raises BadBudget, BudgetTooSmall for a budget below two trainings, DataChanged if a label was changed since it was
    judged, and other AutoMLErrors for data, weights or a device that cannot be used.
    """
    if min(top, imgsz, epochs) < 1:
        raise AutoMLError("--price: the number of suspects, the image size and the epochs are 1 or more.")
    data = dataset if isinstance(dataset, Dataset) else read_dataset(dataset)
    chosen = _chosen(data, suspects, top)
    base = Price(
        sentence="",
        k=len(chosen),
        kinds=Counter(suspect.kind.value for suspect in chosen),
        epochs=epochs,
        imgsz=imgsz,
        model=model,
        notes=worded_price.notes(suspects, chosen),
    )
    corrections = {correction: corrected_rows(chosen, correction) for correction in Correction}
    if not any(found.labels for found in corrections.values()):
        return worded_price.nothing_to_change(base, suspects)
    if not budget:
        return worded_price.from_records(base, chosen, data.train.boxes)
    slots = _one_slot(find_slots(device, 1 if device == "cpu" else None, say))
    budgets = parse_all(budget, slots.device)
    files = find_weights(weights, [model], offline=offline, say=say).files
    root = make_folder(home_folder(home) / _FOLDER)
    try:
        with tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as place:
            inputs = _Inputs(
                data=_written(data, corrections, Path(place)),
                fixed={"model": model, "imgsz": imgsz},
                weights=files[0].path if files else None,
                slots=slots,
                epochs=epochs,
                seed=seed,
                folder=Path(place),
                log=root.parent / _LOG,
                trainer=trainer,
            )
            trainings = _Trainings(inputs, budgets, say)
            interrupted = trainings.run()
    finally:
        with suppress(OSError):
            root.rmdir()
    return _priced(base, trainings, corrections, chosen, data.train.boxes, interrupted)


def _chosen(dataset: Dataset, suspects: Sequence[Suspect], top: int) -> list[Suspect]:
    """The most suspicious labels of train, by score."""
    train = set(dataset.train.images)
    own = [suspect for suspect in suspects if suspect.split == "train" and Path(suspect.image) in train]
    return sorted(own, key=lambda suspect: -suspect.score)[:top]


def _one_slot(slots: Slots) -> Slots:
    """The first slot with all threads: the trainings run one after another."""
    return replace(slots, count=1, devices=slots.devices[:1], threads=slots.threads * slots.count)


def _written(dataset: Dataset, corrections: dict[Correction, Corrections], folder: Path) -> dict[Side, Path]:
    """The data.yaml of each side; a correction that changes nothing, or the same as another one, has none."""
    data: dict[Side, Path] = {None: write_resolved(replace(dataset, test=None), folder / "as-they-are" / "data.yaml")}
    written: list[dict[Path, list[str]]] = []
    for correction, found in corrections.items():
        if found.labels and found.rows not in written:
            data[correction] = write_corrected(dataset, folder / correction.value, found.rows).data
            written.append(found.rows)
    return data


class _Trainings:
    """The trainings of a price, within its budgets: for each seed first on the data as they are."""

    def __init__(self, inputs: _Inputs, budgets: Sequence[Budget], say: Say) -> None:
        self.scores: dict[tuple[Side, int], float] = {}
        self.cost_s = 0.0
        self.epoch_s = 0.0  # of the dearest training, mean
        self.problem = ""  # why there is no further training, as a sentence
        self._dearest_s = 0.0
        self._inputs, self._say = inputs, say
        self._limit_s = min((budget.limit_s for budget in budgets if budget.limit_s is not None), default=None)
        self._most = min((budget.trials for budget in budgets if budget.trials is not None), default=None)
        self._texts = " / ".join(budget.text for budget in budgets)
        if self._most is not None and self._most < 2:
            raise BudgetTooSmall(f"--price needs two trainings, and the budget {self._texts} is one. Allow 2trials.")

    def run(self) -> bool:
        """Train until the budget is spent; True if Ctrl-C came before."""
        try:
            for number in range(MOST_SEEDS):
                if not self._seed(self._inputs.seed + number):
                    return False
        except KeyboardInterrupt:
            return True
        return False

    def device(self) -> str:
        """Unit of the slot-seconds."""
        return self._inputs.slots.device

    def _seed(self, seed: int) -> bool:
        """Train all sides with a seed; False once the budget pays no further training."""
        for number, side in enumerate(self._inputs.data):
            if not self._pays(2 if number == 0 else 1) or not self._train(side, seed):
                return False
        return True

    def _pays(self, trainings: int) -> bool:
        if self._most is not None and len(self.scores) + trainings > self._most:
            return False
        return self._limit_s is None or self.cost_s + trainings * self._dearest_s * _WIDER <= self._limit_s

    def _train(self, side: Side, seed: int) -> bool:
        """Train once; False if the budget ended it."""
        inputs, began = self._inputs, time.monotonic()
        trial = Trial(number=0, params={}, epochs=inputs.epochs, seed=seed)
        left_s = None if self._limit_s is None else max(0.0, self._limit_s - self.cost_s)
        epochs = epochs_alone(inputs.trainer, trial, inputs.job(side), left_s)
        scores: list[float] = []
        try:
            for metrics in epochs:
                scores.append(metrics.map50_95)
                taken_s, epoch_s = time.monotonic() - began, metrics.train_s + metrics.val_s
                if not self.scores and not self._pays_a_pair(taken_s + (inputs.epochs - metrics.epoch) * epoch_s):
                    return False
        except TimeoutError:
            self.problem = "The budget ended a training before its last epoch, which does not count."
            return False
        except TrialError as error:
            raise self._kept(error) from None
        finally:
            epochs.close()
            taken_s = time.monotonic() - began
            self.cost_s += taken_s
            shutil.rmtree(inputs.folder / "training", ignore_errors=True)
        self._dearest_s = max(self._dearest_s, taken_s)
        self.epoch_s = max(self.epoch_s, taken_s / inputs.epochs)
        self.scores[side, seed] = final(scores, inputs.epochs)
        shown = f"mAP50-95 {self.scores[side, seed]:.3f}, {format_cost(taken_s, self.device())}"
        self._say(f"Price: labels {worded_price.side_text(side)}, seed {seed}: {shown}.")
        return True

    def _pays_a_pair(self, training_s: float) -> bool:
        """False, with the problem, if the budget does not pay two such trainings."""
        if self._limit_s is None or 2 * training_s <= self._limit_s:
            return True
        needed = format_cost(2 * training_s * _WIDER, self.device())
        self.problem = f"The budget {self._texts} does not pay two trainings: they need about {needed}."
        return False

    def _kept(self, error: TrialError) -> AutoMLError:
        """The error of a failed training, whose log outlives the folder."""
        with suppress(OSError):
            shutil.copyfile(self._inputs.folder / "training" / "log.txt", self._inputs.log)
        cause = str(error).splitlines()[0].partition(". See ")[0]
        return AutoMLError(f"a training of --price failed: {cause}. See {self._inputs.log}")


def _priced(
    base: Price,
    trainings: _Trainings,
    corrections: dict[Correction, Corrections],
    chosen: Sequence[Suspect],
    boxes: int,
    interrupted: bool,
) -> Price:
    """The price from the trainings; from records where they gave no pair."""
    scores = trainings.scores
    seeds = tuple(seed for side, seed in scores if side is None)
    variants = [_variant(correction, found, scores) for correction, found in corrections.items()]
    known = replace(
        base,
        seeds=seeds,
        as_is=sum(scores[None, seed] for seed in seeds) / len(seeds) if seeds else None,
        variants=tuple(variant for variant in variants if variant is not None),
        cost_s=trainings.cost_s,
        device=trainings.device(),
        interrupted=interrupted,
        notes=(*base.notes, *([trainings.problem] if trainings.problem else [])),
    )
    if not known.variants:
        return worded_price.from_records(known, chosen, boxes)
    return worded_price.from_trainings(known, trainings.epoch_s)


def _variant(correction: Correction, found: Corrections, scores: dict[tuple[Side, int], float]) -> PriceVariant | None:
    """The pairs of one correction; None without one."""
    seeds = tuple(seed for side, seed in scores if side is correction and (None, seed) in scores)
    if not seeds:
        return None
    before, after = ([scores[side, seed] for seed in seeds] for side in (None, correction))
    gain = paired(before, after)
    return PriceVariant(
        correction=correction,
        labels=found.labels,
        images=len(found.rows),
        seeds=seeds,
        map50_95=sum(after) / len(after),
        as_is=sum(before) / len(before),
        gain=gain.mean,
        low=gain.low,
        high=gain.high,
    )
