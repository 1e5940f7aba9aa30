"""Evaluation of a trial's weights on a split, done as its own training validated its epochs."""

from __future__ import annotations

import tempfile
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from ultralytics.models.yolo.detect import DetectionValidator

from automl.errors import TrialError
from automl.records import SplitMetrics
from automl.scores.resample import Detections
from automl.trainers import detections
from automl.trainers.ultralytics import pictures
from automl.trainers.ultralytics.checkpoint import BEST
from automl.trainers.ultralytics.training import Setup, Training, release
from automl.trainers.ultralytics.weights import read_checkpoint


def evaluate(setup: Setup, directory: Path, split: str) -> SplitMetrics:
    """Metrics for `Trainer.evaluate`. Weights are kept in half precision, so the last digits may differ."""
    file = directory / BEST
    if not file.is_file():
        raise TrialError(f"{file} does not exist: the weights of this trial were not kept.")
    with tempfile.TemporaryDirectory(prefix="automl-evaluate-") as folder:
        overrides = {**setup.overrides, "save_dir": folder, "split": split}
        evaluation = None
        try:
            evaluation = _Evaluation(replace(setup, overrides=overrides, checkpoint=read_checkpoint(file)))
            metrics = evaluation.measure()
            if evaluation.detections is not None and split != "val":
                pictures.keep(Path(folder), directory)
                detections.save(evaluation.detections, detections.file_of(directory, split))
            return metrics
        finally:
            if evaluation is not None:
                release(evaluation)


class _Validator(DetectionValidator):  # type: ignore[misc]
    """Ultralytics' validator, which also keeps the detections of each image."""

    detections: Detections | None = None

    def get_stats(self) -> dict[str, Any]:
        """Scores of the split."""
        self.detections = detections.gathered(self.metrics.stats, self.dataloader.dataset.im_files)
        stats: dict[str, Any] = super().get_stats()
        return stats


class _Evaluation(Training):
    """A training that is set up without its train split and never runs."""

    def __init__(self, setup: Setup) -> None:
        self._file = setup.checkpoint.source if setup.checkpoint is not None else ""
        super().__init__(setup, {})

    def measure(self) -> SplitMetrics:
        """Scores of the weights on the split."""
        self._setup_train()
        if self.fitted is None or self.fitted[0] != self.fitted[1]:
            raise TrialError(f"{self._file} is not of this trial: its tensors do not fit the network.")
        self.epoch = self.epochs - 1
        self.loss_items = self._names_of_losses()
        scores = self.validator(self)
        return SplitMetrics(
            images=len(self.test_loader.dataset),
            map50_95=float(scores["metrics/mAP50-95(B)"]),
            map50=float(scores["metrics/mAP50(B)"]),
            precision=float(scores["metrics/precision(B)"]),
            recall=float(scores["metrics/recall(B)"]),
        )

    @property
    def detections(self) -> Detections | None:
        """Detections of each image; None before `measure`."""
        measured: Detections | None = self.validator.detections
        return measured

    def get_validator(self) -> _Validator:
        """A validator that keeps each image's detections and, except on val, draws its pictures."""
        args = copy(self.args)
        args.plots = self.args.split != "val"
        return _Validator(self.test_loader, save_dir=self.save_dir, args=args, _callbacks=self.callbacks)

    def _build_train_pipeline(self) -> None:
        """Build the split's loader as the training builds that of val; no train split, no optimizer."""
        self.test_loader = self.get_dataloader(
            self.data[self.args.split], batch_size=2 * self.batch_size, rank=-1, mode="val"
        )
        DetectionValidator._check_max_det(self.args, {self.args.split: self.test_loader.dataset})
        self.model.set_head_attr(max_det=self.args.max_det)
        self.scheduler = SimpleNamespace(last_epoch=-1)

    def set_class_weights(self) -> None:
        """Do nothing: these weights are of the train split and change losses, not scores."""

    @torch.inference_mode()
    def _names_of_losses(self) -> dict[str, torch.Tensor]:
        """Zeros by loss name, for the validator to add to; the names are known after a forward pass only."""
        network = self.ema.ema.float().eval()
        batch = self.preprocess_batch(next(iter(self.test_loader)))
        losses = network.loss(batch, network(batch["img"]))[1]
        return {name: torch.zeros_like(value) for name, value in losses.items()}
