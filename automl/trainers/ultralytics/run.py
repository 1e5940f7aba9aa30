"""Training of one trial from its first epoch, or from its snapshot, to its end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ultralytics.utils import LOGGER

from automl.errors import NoSpace
from automl.files.disk import not_written
from automl.records import EpochMetrics, ParamValue, TrainJob, Trial
from automl.trainers.ultralytics.applied import applied, check_applied
from automl.trainers.ultralytics.checkpoint import Best, better, write_atomically, write_weights
from automl.trainers.ultralytics.snapshot import (
    NAME,
    Rhythm,
    identity_of,
    read_snapshot,
    take_snapshot,
)
from automl.trainers.ultralytics.stepwise import Closed, Turn
from automl.trainers.ultralytics.training import Setup, Training, randomness, release, set_randomness


class Run:
    """The training of one trial, which hands over its epochs."""

    def __init__(self, trial: Trial, job: TrainJob, setup: Setup, turn: Turn[EpochMetrics]) -> None:
        self._trial = trial
        self._job = job
        self._setup = setup
        self._turn = turn
        self._directory = Path(job.directory)
        self._identity = identity_of(trial, job)
        self._history: list[EpochMetrics] = []
        self._best: Best | None = None
        self._applied: dict[str, ParamValue] | None = None
        self._rhythm = Rhythm(0.0, 0.0)
        self._snapshot_epoch = 0  # of the last snapshot
        self._written = False  # True once the weights are written
        self._unwritten: NoSpace | None = None  # error of the last snapshot

    def to_its_end(self) -> None:
        """Train to the horizon, or until the caller closes the iterator."""
        self._directory.mkdir(parents=True, exist_ok=True)
        snapshot = read_snapshot(self._directory / NAME, self._identity)
        if snapshot is not None:
            self._history, self._best = list(snapshot.history), snapshot.best
            for metrics in self._history[self._trial.done_epochs :]:
                self._turn.offer(replace(metrics, replayed=True))  # the caller may have missed it
        if len(self._history) >= self._trial.epochs:
            return
        events = {"start": self._start, "batch": self._check, "epoch": self._end_epoch}
        training = Training(self._setup, events)
        training.restore = snapshot.put_back if snapshot else None
        try:
            training.train()
        except Closed:
            self._write_weights(training)
            raise
        finally:
            release(training)
        self._write_weights(training)
        (self._directory / NAME).unlink(missing_ok=True)

    def _start(self, training: Training) -> None:
        proposed = {**self._job.fixed, **self._trial.params, "epochs": self._trial.epochs, "seed": self._trial.seed}
        if self._setup.halved is not None:
            proposed["batch"] = self._setup.halved
        check_applied(training, proposed)
        self._applied = applied(training, str(proposed.get("model", self._setup.network["yaml_file"])))
        numbers = sum(value.numel() for value in training.model.state_dict().values())
        self._rhythm = Rhythm(4.0 * 4 * numbers, time.perf_counter())

    def _check(self, training: Training) -> None:
        self._turn.check()

    def _end_epoch(self, training: Training) -> None:
        metrics = training.epoch_metrics()
        self._history.append(metrics)
        self._best = better(training, self._best)
        LOGGER.info(
            f"epoch {metrics.epoch}/{training.epochs}: mAP50-95 {metrics.map50_95:.4f}, "
            f"train {metrics.train_s:.2f} s, val {metrics.val_s:.2f} s"
        )
        if metrics.epoch < training.epochs:
            self._keep_snapshot(training)
        else:  # with its last epoch the caller holds a complete trial, and may kill this process
            training.check_data()
            self._write_weights(training)
        state = randomness()
        try:
            self._turn.offer(replace(metrics, applied=self._applied))
        except Closed:
            set_randomness(state)
            if self._pausing() and self._snapshot_epoch < metrics.epoch < training.epochs:  # paused after the epoch
                self._keep_snapshot(training)
            raise
        if self._unwritten is not None:  # the epoch counts; the trial goes on from its last snapshot
            raise self._unwritten
        set_randomness(state)  # the caller may have drawn numbers meanwhile
        self._applied = None

    def _keep_snapshot(self, training: Training) -> None:
        began = time.perf_counter()
        if not self._pausing() and not self._rhythm.due(began):
            return
        self._snapshot_epoch = training.epoch + 1
        content = take_snapshot(training, self._identity, self._history, self._best)
        try:
            write_atomically(content, self._directory / NAME)
        except (OSError, RuntimeError) as error:  # torch reports a full disk by either
            LOGGER.warning(f"no snapshot after epoch {training.epoch + 1}: {error}")
            self._unwritten = not_written(error, self._directory / NAME)
        self._rhythm.done(began, time.perf_counter())

    def _pausing(self) -> bool:
        return self._job.pause_file is not None and Path(self._job.pause_file).exists()

    def _write_weights(self, training: Training) -> None:
        """Write the weights, once; nothing is trained after that. Raises NoSpace if they cannot be written."""
        if self._written or self._best is None or training.metrics.get("metrics/mAP50-95(B)") is None:
            return
        self._written = True
        try:
            write_weights(training, self._best, self._directory)
        except (OSError, RuntimeError) as error:  # a full disk, as above
            LOGGER.warning(f"no weights after epoch {training.epoch + 1}: {error}")
            raise not_written(error, self._directory / "best.pt") from None
