"""The protocol between a driver and a trainer, and trainers by name."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from automl.errors import UnknownName
from automl.records import EpochMetrics, Prepared, SplitMetrics, TrainJob, Trial

TRAINERS = ("ultralytics", "surrogate")


class Trainer(Protocol):
    """A trainer of one trial at a time, in the process that calls it."""

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> Prepared:
        """Facts and costs of an epoch with the defaults, measured in a few steps.

        epochs  the horizon; the optimizer that `auto` stands for depends on it

        Raises AutoMLError if the data, the weights or the arguments cannot be used.
        """

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Yield once for each finished epoch. Closing the iterator stops training.

        Nothing is trained while the caller holds an epoch: the next one starts with the next call.
        A snapshot of the same trial in `job.directory` is resumed. Weights are written there before the last
        epoch is yielded, or while the caller closes the iterator earlier.

        Raises TrialError if the training fails, with the traceback in its message.
        """

    def evaluate(self, trial: Trial, job: TrainJob, split: str) -> SplitMetrics:
        """Scores of the best weights in `job.directory` on a split of `job.data`.

        Measured as `run` measures its epochs: on "val" these are the best epoch's scores. For "test" each image's
        detections are saved in `job.directory`, for `detections.load`. Nothing else is written but caches.

        split  "val" or "test"

        Raises AutoMLError if the split cannot be used, TrialError if there are no weights of this trial.
        """


def open_trainer(name: str) -> Trainer:
    """The trainer of that name. Loads nothing heavy.

    Raises UnknownName for any other name.
    """
    if name == "ultralytics":
        from automl.trainers.ultralytics.trainer import UltralyticsTrainer

        return UltralyticsTrainer()
    if name == "surrogate":
        from automl.trainers.surrogate import SurrogateTrainer

        return SurrogateTrainer()
    raise UnknownName("trainer", name, TRAINERS)
