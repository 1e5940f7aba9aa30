"""One training in a process of its own, without Ray: for the few trainings that are no search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from automl.drivers import worker
from automl.errors import DataChanged, NoSpace, TrialError
from automl.records import EndedBy, EpochMetrics, TrainJob, Trial

NEXT = "next\n"  # asks for an epoch
_ENDS = {EndedBy.DATA.value: DataChanged, EndedBy.DISK.value: NoSpace}


def epochs_alone(
    trainer: str, trial: Trial, job: TrainJob, allowed_s: float | None = None
) -> Generator[EpochMetrics, None, None]:
    """Yield once for each finished epoch, trained in a new process. Closing the iterator ends the process at once.

    Nothing is trained while the caller holds an epoch. Output goes to log.txt in the job's folder.

    allowed_s  wall seconds after which the process is ended, in the middle of an epoch too; None: no limit

    Raises TimeoutError at that limit, TrialError if the training fails, NoSpace and DataChanged.
    """
    Path(job.directory).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "automl.drivers.alone"]
    environment = {
        **os.environ,
        **worker.environment(job.threads),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    )
    late = threading.Event()
    timer = threading.Timer(allowed_s, _too_late, (process, late)) if allowed_s is not None else None
    try:
        if timer is not None:
            timer.daemon = True
            timer.start()
        yield from _epochs(process, worker.encode(trainer, trial, job), trial, job, late)
    finally:
        if timer is not None:
            timer.cancel()
        _end(process)


def _epochs(
    process: subprocess.Popen[str], message: str, trial: Trial, job: TrainJob, late: threading.Event
) -> Generator[EpochMetrics, None, None]:
    assert process.stdin is not None
    assert process.stdout is not None
    _ask(process.stdin, message + "\n")
    for _ in range(trial.epochs):
        _ask(process.stdin, NEXT)
        line = process.stdout.readline()
        if late.is_set():
            raise TimeoutError
        if not line:
            raise TrialError(f"the training's process died (exit code {process.wait()}). See {job.directory}/log.txt")
        yield _metrics(json.loads(line), job)


def _ask(stream: IO[str], text: str) -> None:
    with suppress(OSError):  # a process that has died says nothing, which is noticed when it is read
        stream.write(text)
        stream.flush()


def _metrics(answer: dict[str, Any], job: TrainJob) -> EpochMetrics:
    """The epoch in an answer. Raises the error that it tells of."""
    if "metrics" in answer:
        return worker.decode_metrics(answer["metrics"])
    kind = _ENDS.get(answer.get("outside", ""))
    if kind is not None:
        raise kind(answer["failure"])
    raise TrialError(f"{answer['failure']}. See {job.directory}/log.txt")


def _too_late(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End the process with those that it started."""
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    process.kill()


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        _kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _main() -> None:
    """The inside of the process: a trial on the first line of the input, then an epoch for each NEXT."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    training = worker.TrialProcess()
    training.begin(sys.stdin.readline())
    for _ in sys.stdin:
        answer = training.step()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if "metrics" not in answer:
            break
    training.end()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        _main()
