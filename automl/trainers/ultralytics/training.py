"""Ultralytics' training loop, reduced to training and validation."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from ultralytics.data.utils import check_det_dataset, get_split_fraction
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import LOGGER, colorstr
from ultralytics.utils.torch_utils import unwrap_model

from automl.data.manifest import check_files
from automl.errors import BadData, DataChanged, TrialError
from automl.records import EpochMetrics
from automl.trainers.ultralytics.environment import set_threads
from automl.trainers.ultralytics.images import StudyDataset
from automl.trainers.ultralytics.loading import load
from automl.trainers.ultralytics.weights import Checkpoint

_CALMER = "A lower lr0 or more warmup_epochs may help."
_WAIT = 10**9  # an accumulation that never comes due


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Inputs of one training."""

    overrides: Mapping[str, Any]  # Ultralytics' arguments
    network: Mapping[str, Any]  # description of the network, as schema.read_model gives it
    checkpoint: Checkpoint | None  # initial weights; None from scratch
    as_yolo: bool  # see `loading.load`
    label_cache: Path
    threads: int
    halved: int | None = None  # batch in place of the proposed one, which does not fit into memory


@dataclass
class Position:
    """Position in its schedule of a training that goes on from a snapshot."""

    epochs: int = 0  # finished
    last_step: int = -1  # batch of the latest optimizer step, counted over all epochs
    gradients: Mapping[str, torch.Tensor] = field(default_factory=dict)  # summed up since then
    randomness: Mapping[str, Any] | None = None


def randomness() -> dict[str, Any]:
    """State of every generator that a training in one process draws from, in plain containers."""
    kind, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": [kind, np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_randomness(state: Mapping[str, Any]) -> None:
    """Restore a state that `randomness` returned."""
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    kind, words, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(words, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


class Training(DetectionTrainer):  # type: ignore[misc]
    """One training of Ultralytics, without its own callbacks: no tracker and no Ray session is called.

    events  functions to call: "start" once the loop is set up, "batch" before a batch, "epoch" after an epoch
    """

    accumulate: int  # batches to an optimizer step

    def __init__(self, setup: Setup, events: Mapping[str, Callable[[Training], None]]) -> None:
        self.setup = setup
        self.events = events
        self.fitted: tuple[int, int] | None = None
        self.images: Mapping[str, int] = {}  # of each split when the study began, where that was recorded
        self.position = Position()
        self.restore: Callable[[Training], Position] | None = None
        self.train_s = self.val_s = 0.0
        self._began = 0.0
        self._batch = -1  # counted over all epochs
        self._last_step = -1
        self._owed: int | None = None
        super().__init__(overrides=dict(setup.overrides))
        set_threads(setup.threads)
        with suppress(OSError):
            self.wdir.rmdir()  # empty: weights go into the trial's folder itself

    # -- data and network ------------------------------------------------------------------------------

    def get_dataset(self) -> dict[str, Any]:
        """Ultralytics' reading of the data.yaml, except that a relative `path` begins beside it. No downloads."""
        file = Path(self.args.data)
        self.check_data()
        document = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
        root = document.get("path")
        if root and not Path(root).is_absolute() and (file.parent / root).is_dir():
            document["path"] = str((file.parent / root).resolve())
            file = self.save_dir / "data.yaml"
            file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
        try:
            data: dict[str, Any] = check_det_dataset(file, autodownload=False, split=self.args.split)
        except (OSError, TypeError, SyntaxError) as error:
            raise BadData(self.args.data, f"Ultralytics cannot use it: {error}") from None
        if self.args.single_cls:
            data |= {"names": {0: "item"}, "nc": 1}
        return data

    def check_data(self) -> None:
        """Raise DataChanged if the files that this training reads are not those with which the study began."""
        self.images = check_files(self.args.data, {"train", "val", self.args.split})

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        """The network at the data's own number of classes, with what it takes from the initial weights."""
        description = {**self.setup.network}
        model = DetectionModel(description, nc=self.data["nc"], ch=self.data["channels"], verbose=False)
        model.names = self.data["names"]
        checkpoint = self.setup.checkpoint
        if checkpoint is not None:
            self.fitted = load(model, description, checkpoint, as_yolo=self.setup.as_yolo)
            LOGGER.info(f"{checkpoint.source}: {self.fitted[0]} of {self.fitted[1]} tensors fit")
        return model

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> StudyDataset:
        """The images of a split; validation in rectangles, as Ultralytics does."""
        try:
            dataset = self._build_dataset(img_path, mode == "train", batch)
        except (FileNotFoundError, RuntimeError, ValueError) as error:
            raise BadData(self.args.data, f"Ultralytics cannot use its {mode} split: {error}") from None

        self._check_count(dataset, "train" if mode == "train" else str(self.args.split))
        return dataset

    def _check_count(self, dataset: StudyDataset, split: str) -> None:
        """Raise DataChanged if Ultralytics takes another number of images than the study began with."""
        share = get_split_fraction(self.args.fraction, split)
        if share == 1.0 and len(dataset.im_files) != self.images.get(split, len(dataset.im_files)):
            raise DataChanged(
                f"Ultralytics reads {len(dataset.im_files)} images of {split}, and the study began with "
                f"{self.images[split]}: it leaves some out, and the log of the trial names them. Mend them, and resume"
            )

    def _build_dataset(self, img_path: str, train: bool, batch: int | None) -> StudyDataset:
        return StudyDataset(
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch,
            augment=train,
            hyp=self.args,
            rect=self.args.rect or not train,
            cache=None,
            single_cls=self.args.single_cls or False,
            stride=max(int(unwrap_model(self.model).stride.max()), 32),
            pad=0.0 if train else 0.5,
            prefix=colorstr("train: " if train else "val: "),
            task=self.args.task,
            classes=self.args.classes,
            data=self.data,
            fraction=get_split_fraction(self.args.fraction, "train" if train else self.args.split),
            label_cache=self.setup.label_cache,
            keep=self.args.workers == 0,
        )

    # -- the loop's events -----------------------------------------------------------------------------

    def run_callbacks(self, event: str) -> None:
        """Run our own step of that name in place of Ultralytics' callbacks."""
        step = getattr(self, f"_{event}", None)
        if step is not None:
            step()

    def _call(self, event: str) -> None:
        if event in self.events:
            self.events[event](self)

    def _on_train_start(self) -> None:
        self._call("start")

    def _on_train_epoch_start(self) -> None:
        self._oom_retries = 3  # all spent: the trainer halves the batch itself, and in later epochs too
        self._batch = len(self.train_loader) * self.epoch - 1
        if self.position.randomness is not None and self.epoch == self.start_epoch:
            self._go_on()
        self._began = time.perf_counter()

    def _on_train_batch_start(self) -> None:
        self._batch += 1
        self._call("batch")

    def _on_train_epoch_end(self) -> None:
        if not bool(self.loss.isfinite()):
            raise TrialError(f"diverged: NaN loss in epoch {self.epoch + 1}. {_CALMER}")
        self.train_s = time.perf_counter() - self._began

    def validate(self) -> tuple[dict[str, float], float]:
        """Scores of the averaged network on the val split."""
        began = time.perf_counter()
        metrics, fitness = super().validate()
        self.val_s = time.perf_counter() - began
        return metrics, fitness

    def _on_fit_epoch_end(self) -> None:
        self._call("epoch")

    def epoch_metrics(self) -> EpochMetrics:
        """Metrics of the epoch that just ended."""
        scores = {key: float(value) for key, value in self.metrics.items()}
        losses = {key: value for key, value in scores.items() if key.startswith("val/")}
        return EpochMetrics(
            epoch=self.epoch + 1,
            map50_95=scores["metrics/mAP50-95(B)"],
            map50=scores["metrics/mAP50(B)"],
            precision=scores["metrics/precision(B)"],
            recall=scores["metrics/recall(B)"],
            train_s=self.train_s,
            val_s=self.val_s,
            losses={**self.label_loss_items(self.tloss), **losses},
        )

    # -- going on from a snapshot ----------------------------------------------------------------------

    def resume_training(self, ckpt: Any) -> None:
        """Restore a snapshot if there is one; Ultralytics' own way loses part of the state."""
        if self.restore is None:
            return
        self.position = self.restore(self)
        self.start_epoch = self.position.epochs
        self._last_step = self._owed = self.position.last_step
        if self.train_loader.num_workers == 0:
            self._rewind_loader()
        else:  # the state of loaders' own processes cannot be restored
            self.train_loader.generator.manual_seed(self.args.seed + 1_000_003 * self.start_epoch)
        if hasattr(self.model.init_criterion(), "update"):
            self.model.criterion = self.model.init_criterion()
            self.model.criterion.updates = self.start_epoch - 1
            self.model.criterion.update()

    def _rewind_loader(self) -> None:
        """Continue the loader's order of images, by drawing the orders of earlier epochs again."""
        loader, start = self.train_loader, self.start_epoch
        closing = max(self.epochs - self.args.close_mosaic, 0) if self.args.close_mosaic else None

        def first() -> Any:
            del loader._get_iterator
            iterator = None
            for epoch in range(start):
                if epoch == closing or iterator is None:
                    iterator = loader._get_iterator()
                for _ in range(len(loader)):
                    iterator._next_index()
            return loader._get_iterator() if start == closing else iterator

        loader._get_iterator = first

    def _go_on(self) -> None:
        """Restore gradients and random state, after the loop has cleared gradients and before it draws numbers."""
        for name, parameter in unwrap_model(self.model).named_parameters():
            if name in self.position.gradients:
                parameter.grad = self.position.gradients[name].to(parameter.device)
        if self.position.randomness is not None:
            set_randomness(self.position.randomness)
        self.position = Position()

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch on its device. The loop calls this between its warm-up and its decision to step.

        The loop does not know its last step before the snapshot and would step at once. A large `accumulate`
        makes it wait until the step is due.
        """
        if self._owed is not None:
            warm = self._batch <= self._get_warmup_iterations(len(self.train_loader))
            due = self.accumulate if warm else self.nominal_accumulate
            if self._batch - self._owed >= due:
                self.accumulate, self._owed = due, None
            else:
                self.accumulate = _WAIT
        prepared: dict[str, Any] = super().preprocess_batch(batch)
        return prepared

    def _build_train_pipeline(self) -> None:
        super()._build_train_pipeline()
        self.nominal_accumulate = self.accumulate

    def optimizer_step(self) -> None:
        """Step the optimizer and remember the batch."""
        super().optimizer_step()
        self._last_step = self._batch

    @property
    def last_step(self) -> int:
        """Batch of the latest optimizer step, counted over all epochs."""
        return self._last_step

    # -- parts that are left out -----------------------------------------------------------------------

    def _handle_nan_recovery(self, epoch: int) -> bool:
        if self.fitness is not None and not np.isfinite(self.fitness):
            raise TrialError(f"diverged: NaN score in epoch {epoch + 1}. {_CALMER}")
        return False

    def save_model(self) -> bool:
        """Save nothing: `Run` keeps snapshots and best weights."""
        return False

    def save_metrics(self, metrics: Mapping[str, float]) -> None:
        """Save nothing: the epochs are handed over."""

    def final_eval(self) -> None:
        """Validate nothing: the best epoch has been validated."""

    def _clear_memory(self, threshold: float | None = None) -> None:
        if self.device.type != "cpu":
            super()._clear_memory(threshold)


def release(training: Training) -> None:
    """End the loaders' processes and free the GPU's cached memory."""
    for name in ("train_loader", "test_loader"):
        loader = getattr(training, name, None)
        if loader is not None:
            loader.reset()
    if training.device.type == "cuda":
        torch.cuda.empty_cache()
