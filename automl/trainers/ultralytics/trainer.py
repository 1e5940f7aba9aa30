"""The Ultralytics trainer: one trial at a time in a process that keeps the library loaded."""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.errors import AutoMLError, TrialError
from automl.files.disk import not_written, unwritable
from automl.records import EpochMetrics, Params, Prepared, SplitMetrics, TrainJob, Trial
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.environment import check_device, former_amp, loads_as_yolo, prepare_environment
from automl.trainers.ultralytics.memory import HALVINGS, half, is_out_of_memory
from automl.trainers.ultralytics.stepwise import Turn, stepwise

if TYPE_CHECKING:
    from automl.trainers.ultralytics.training import Setup
    from automl.trainers.ultralytics.weights import Checkpoint

_MODEL = "yolov5n"  # where neither the trial nor the study names one


@dataclass(frozen=True)
class _Weights:
    """A weights file as it was at a time of change."""

    path: str
    mtime_ns: int
    checkpoint: Checkpoint


class _NoMemory(TrialError):
    """A training that ran out of memory."""


class UltralyticsTrainer:
    """Ultralytics' own training loop, epoch by epoch.

    Between trials it keeps the library, the weights file and decoded images; no clean-up is needed.
    """

    def __init__(self) -> None:
        self._weights: _Weights | None = None

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> Prepared:
        """See the protocol. Trains a few batches and writes only caches. Takes seconds on a CPU."""
        prepare_environment(job.cache, job.threads)
        check_device(job.device)
        from automl.trainers.ultralytics.probe import probe

        began = time.perf_counter()
        params = {"model": _MODEL, **job.fixed}
        schema.check_fixed(params)
        trial = Trial(number=0, params={}, epochs=epochs, seed=seed)
        return probe(self._setup(trial, job), params, job, began)

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """See the protocol. Writes best.pt and last.pt before it yields the last epoch, or when it is closed.

        A closed trial may go on, so its snapshot.pt stays; at the horizon it is deleted.
        """
        yield from stepwise(lambda turn: self._train(trial, job, turn), name=f"trial-{trial.number}")

    def evaluate(self, trial: Trial, job: TrainJob, split: str) -> SplitMetrics:
        """See the protocol. The validation is that of the training itself."""
        prepare_environment(job.cache, job.threads)
        from automl.trainers.ultralytics.evaluate import evaluate

        try:
            return evaluate(self._setup(trial, job), Path(job.directory), split)
        except AutoMLError as error:
            raise _without_frames(error) from None
        except Exception as error:
            raise _explained(error, trial, job) from None
        finally:
            gc.collect()

    def _train(self, trial: Trial, job: TrainJob, turn: Turn[EpochMetrics]) -> None:
        """Train; out of memory, in whatever epoch, it goes on from its snapshot with half the batch, twice at most."""
        batch: int | None = None
        for halvings_left in reversed(range(HALVINGS + 1)):
            failure = self._failure(trial, job, turn, batch)
            if failure is None:
                return
            batch = half({**job.fixed, **trial.params}, batch)
            if not isinstance(failure, _NoMemory) or not halvings_left or batch is None:
                raise failure
            print(f"out of memory: trial {trial.number} goes on with batch {batch}", flush=True)

    def _failure(self, trial: Trial, job: TrainJob, turn: Turn[EpochMetrics], batch: int | None) -> AutoMLError | None:
        """Train to the end, with that batch if there is one; the error that ended it before."""
        try:
            prepare_environment(job.cache, job.threads)
            from automl.trainers.ultralytics.run import Run

            Run(trial, job, self._setup(trial, job, batch), turn).to_its_end()
        except AutoMLError as error:
            return _without_frames(error)
        except Exception as error:
            return _explained(error, trial, job, batch)
        finally:
            gc.collect()
        return None

    def _setup(self, trial: Trial, job: TrainJob, batch: int | None = None) -> Setup:
        """The training's arguments. Later ones win: the study's, the trial's, the service's.

        batch  in place of theirs, where they do not fit into memory
        """
        from automl.trainers.ultralytics.training import Setup

        params = {"model": _MODEL, "amp": former_amp(job.device), **job.fixed, **trial.params}
        params |= {} if batch is None else {"batch": batch}
        name = job.network or str(params["model"])
        return Setup(
            overrides={**params, **_owned(trial, job), "model": str(schema.model_yaml(name))},
            network=schema.read_model(name),
            checkpoint=self._checkpoint(job.weights),
            halved=batch,
            as_yolo=loads_as_yolo(job.fixed),
            label_cache=Path(job.cache) / "labels",
            threads=job.threads,
        )

    def _checkpoint(self, weights: str | None) -> Checkpoint | None:
        """The weights file, read once as long as it does not change."""
        if weights is None:
            return None
        from automl.trainers.ultralytics.weights import check_weights, read_checkpoint

        mtime = check_weights(weights).stat().st_mtime_ns
        if self._weights is None or (self._weights.path, self._weights.mtime_ns) != (weights, mtime):
            self._weights = _Weights(weights, mtime, read_checkpoint(weights))
        return self._weights.checkpoint


def _owned(trial: Trial, job: TrainJob) -> dict[str, Any]:
    """Arguments that the service sets."""
    return {
        "task": "detect",
        "mode": "train",
        "data": job.data,
        "epochs": trial.epochs,
        "time": None,
        "patience": trial.epochs + 100,  # the search alone stops trials early
        "seed": trial.seed,
        "device": job.device,
        "workers": 0 if job.device == "cpu" else max(1, min(8, job.threads)),
        "cache": False,
        "pretrained": False,
        "resume": False,
        "save": False,
        "save_period": -1,
        "plots": False,
        "val": True,
        "split": "val",
        "save_json": False,
        "profile": False,
        "verbose": True,
        "exist_ok": True,
        "save_dir": str(Path(job.directory).absolute()),
    }


def _explained(error: Exception, trial: Trial, job: TrainJob, batch: int | None = None) -> AutoMLError:
    """A NoSpace for a disk that takes no files, with which no trial can go on; a TrialError for anything else."""
    if unwritable(error):
        filename = getattr(error, "filename", None)
        return not_written(error, Path(filename or Path(job.directory) / "log.txt"))
    return explain(error, trial, {**job.fixed, **trial.params, **({} if batch is None else {"batch": batch})})


def explain(error: Exception, trial: Trial, params: Params) -> TrialError:
    """A TrialError with the cause in words and the traceback."""
    text = "".join(traceback.format_exception(error))
    if not is_out_of_memory(error):
        return TrialError(f"trial {trial.number} failed: {type(error).__name__}: {error}\n\n{text}")
    size = f"batch {params.get('batch', 16)} at {params.get('imgsz', 640)} px"
    cause = f"out of memory with {size}. Lower batch or imgsz, or run fewer trials at a time."
    return _NoMemory(f"trial {trial.number} failed: {cause}\n\n{text}")


def _without_frames(error: AutoMLError) -> AutoMLError:
    """The same error without its frames, which would keep the training in memory."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
