"""The inside of a Ray worker: one process that trains trial after trial. Imports no ray."""

from __future__ import annotations

import json
import os
import socket
import sys
import traceback
import uuid
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from automl.errors import AutoMLError, DataChanged, NoSpace, OutOfMemory
from automl.files.disk import not_written
from automl.records import EndedBy, EpochMetrics, Prepared, Purpose, SplitMetrics, TrainJob, Trial
from automl.trainers.base import open_trainer

GROWTH = 1.5  # a process whose memory has grown by half since its first trial is renewed


class TrialMessage(NamedTuple):
    """A trial on its way to a worker."""

    trainer: str
    trial: Trial
    job: TrainJob
    growth: float


def encode(trainer: str, trial: Trial, job: TrainJob, growth: float = GROWTH) -> str:
    """A trial as text for its worker; `decode_trial` reads it.

    growth  ratio of the process's memory to that of its first trial beyond which it is renewed
    """
    return json.dumps({"trainer": trainer, "trial": asdict(trial), "job": asdict(job), "growth": growth})


def decode_trial(text: str) -> TrialMessage:
    """The message that `encode` wrote."""
    parts = json.loads(text)
    trial = Trial(**{**parts["trial"], "purpose": Purpose(parts["trial"]["purpose"])})
    return TrialMessage(parts["trainer"], trial, TrainJob(**parts["job"]), float(parts["growth"]))


def encode_metrics(metrics: EpochMetrics) -> str:
    """An epoch as text for the driver; `decode_metrics` reads it."""
    return json.dumps(asdict(metrics))


def decode_metrics(text: str) -> EpochMetrics:
    """An epoch from the text that a worker has sent."""
    return EpochMetrics(**json.loads(text))


class TrialProcess:
    """The current trial of this process. Its output goes to the trial's own log file."""

    def __init__(self) -> None:
        self._epochs: Generator[EpochMetrics, None, None] | None = None
        self._unwritten: NoSpace | None = None
        self._token = ""
        self._first_bytes: int | None = None
        self._growth = GROWTH

    def begin(self, text: str) -> None:
        """Make ready for a trial; nothing is trained before the first `step`."""
        self.end()
        message = decode_trial(text)
        self._growth = message.growth
        self._token = uuid.uuid4().hex
        self._unwritten = begin_log(message.job)
        self._epochs = open_trainer(message.trainer).run(message.trial, message.job)

    def step(self) -> dict[str, Any]:
        """One finished epoch, or the failure that ended the training, as plain JSON values."""
        where = {"token": self._token, "node_name": socket.gethostname(), "process": os.getpid()}
        where["visible"] = os.environ.get("CUDA_VISIBLE_DEVICES") or "cpu"
        try:
            if self._unwritten is not None:
                raise self._unwritten
            metrics = next(self._epochs) if self._epochs is not None else None
        except StopIteration:
            metrics = None
        except Exception as error:
            print_error()
            failure = (str(error).strip() or type(error).__name__).splitlines()[0][:500]
            cause = outside(error)
            if cause is not None:
                return {**where, "outside": cause.value, "failure": failure}
            return {**where, "failure": failure, "error": traceback.format_exc()}
        if metrics is None:
            return {**where, "failure": "the training ended before its horizon", "error": ""}
        return {**where, "metrics": encode_metrics(metrics)}

    def end(self) -> None:
        """Stop the training, if one runs, and let it write its last files."""
        if self._epochs is not None:
            self._epochs.close()
            self._epochs = None
        flush()
        if self._first_bytes is None and self._token:
            self._first_bytes = psutil.Process().memory_info().rss

    def grown(self) -> bool:
        """True once the process should make room for a new one."""
        return self._first_bytes is not None and psutil.Process().memory_info().rss > self._growth * self._first_bytes


def outside(error: BaseException) -> EndedBy | None:
    """Cause of an error that lies outside the trial, which can go on once it is mended; None for a failed trial."""
    if isinstance(error, DataChanged):
        return EndedBy.DATA
    return EndedBy.DISK if isinstance(error, NoSpace) else None


def begin_log(job: TrainJob) -> NoSpace | None:
    """Send this process's output to the trial's log; the error where the disk does not take it."""
    file = Path(job.directory) / "log.txt"
    try:
        log_to(file)
    except OSError as error:
        return not_written(error, file)
    return None


def print_error() -> None:
    """Print the traceback of the current error to the log, if the disk takes it."""
    with suppress(OSError):
        traceback.print_exc()


def flush() -> None:
    """Write what was printed; what a full disk does not take is lost with the log alone."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()


def prepare(trainer: str, job: TrainJob, epochs: int, seed: int) -> Prepared | AutoMLError:
    """The trainer's preparation, in a worker. An error that the user can mend is returned as a value."""
    unwritten = begin_log(job)
    if unwritten is not None:
        return unwritten
    try:
        return open_trainer(trainer).prepare(job, epochs, seed)
    except AutoMLError as error:
        print_error()
        kind = OutOfMemory if isinstance(error, OutOfMemory) else AutoMLError
        return kind(str(error))


def evaluate(trainer: str, trial: Trial, job: TrainJob, split: str) -> SplitMetrics | AutoMLError:
    """The trainer's evaluation, in a worker. Every error is returned as a value."""
    unwritten = begin_log(job)
    if unwritten is not None:
        return unwritten
    try:
        return open_trainer(trainer).evaluate(trial, job, split)
    except Exception as error:
        print_error()
        kind = next((kind for kind in (DataChanged, NoSpace) if isinstance(error, kind)), AutoMLError)
        return kind((str(error).strip() or type(error).__name__).splitlines()[0][:500])


def log_to(file: Path) -> None:
    """Send this process's output to the end of a file, and nothing to the user's terminal."""
    file.parent.mkdir(parents=True, exist_ok=True)
    flush()
    with file.open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def environment(threads: int) -> Mapping[str, str]:
    """Environment variables of a worker process: its share of the cores, and no downloads.

    Threads that wait for one another must sleep: beside other work on the cores, spinning made an epoch on two
    threads ten times as long.
    """
    return {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)),
        "OMP_WAIT_POLICY": "PASSIVE",
        "YOLO_OFFLINE": "1",
        "YOLO_AUTOINSTALL": "0",
    }
