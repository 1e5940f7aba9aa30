"""What a driver asks of a trainer, and how it gets one by name."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from automl.errors import UnknownName
from automl.records import EpochMetrics, Prepared, SplitMetrics, TrainJob, Trial

TRAINERS = ("ultralytics", "surrogate")


class Trainer(Protocol):
    """Trains one trial at a time in the process that calls it."""

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> Prepared:
        """What a run in which the user changes nothing is made of, and what its epoch costs.

        epochs  the horizon; the optimizer that `auto` stands for depends on it

        Raises AutoMLError where the data, the weights or the arguments cannot be used.
        """

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Yield once for each finished epoch. Closing the iterator stops training.

        Nothing is trained while the caller holds an epoch: the next one starts when it is asked for.
        Goes on from the snapshot in `job.directory` when one of the same trial lies there. What it leaves there
        is written before the last epoch is yielded; where the caller closes it earlier, while it is closed.

        Raises TrialError where the training fails, with the traceback in its message.
        """

    def evaluate(self, trial: Trial, job: TrainJob, split: str) -> SplitMetrics:
        """What the best weights that `run` left in `job.directory` score on a split of `job.data`.

        Measured as `run` measures its epochs: on "val" it is the best epoch's figure. Of "test" each image's
        detections are left in `job.directory`, where `detections.load` finds them. Writes nothing else but caches.

        split  "val" or "test"

        Raises AutoMLError where the split cannot be used, TrialError where there are no weights of this trial.
        """


def open_trainer(name: str) -> Trainer:
    """The trainer of that name. Loads nothing heavy; raises UnknownName."""
    if name == "ultralytics":
        from automl.trainers.ultralytics.trainer import UltralyticsTrainer

        return UltralyticsTrainer()
    if name == "surrogate":
        from automl.trainers.surrogate import SurrogateTrainer

        return SurrogateTrainer()
    raise UnknownName("trainer", name, TRAINERS)
