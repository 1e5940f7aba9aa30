"""One training in a process of its own, whose output goes to a log: loading an engine changes a process for good.

Run as `python -m automl.trainers.apart` with the request as JSON on standard input. Each finished epoch is a line of
JSON on standard output; the last line is the result, or the error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from automl.errors import AutoMLError
from automl.records import Prepared, TrainJob, Trial
from automl.trainers.base import open_trainer

_FOR_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Result of a training apart."""

    epochs: int  # finished
    map50_95: float  # the best on val
    wall_s: float


def prepare(trainer: str, job: TrainJob, epochs: int, seed: int) -> Prepared:
    """See `Trainer.prepare`; in a process of its own. Raises AutoMLError."""
    request = {"verb": "prepare", "trainer": trainer, "job": asdict(job), "epochs": epochs, "seed": seed}
    return Prepared.from_dict(_last(request, job, lambda line: None)["prepared"])


def train(
    trainer: str,
    trial: Trial,
    job: TrainJob,
    *,
    most_s: float | None = None,
    said: Callable[[int, float], None] = lambda epoch, score: None,
) -> Trained:
    """Train in a process of its own, which writes its weights into `job.directory`.

    most_s  seconds after which the training ends with the epoch that it is in
    said    called with each finished epoch and its mAP50-95

    Raises AutoMLError if the training fails before its first epoch has ended.
    """
    request = {"verb": "train", "trainer": trainer, "trial": asdict(trial), "job": asdict(job), "most_s": most_s}
    result = _last(request, job, lambda line: said(line["epoch"], line["map50_95"]))
    return Trained(**result["trained"])


def environment(threads: int) -> dict[str, str]:
    """Environment of a process that computes: its share of the cores, no downloads, and threads that wait asleep.

    Beside other work on the cores, threads that spin make everything many times as slow.
    """
    own = {**dict.fromkeys(_FOR_THREADS, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"}
    return {**os.environ, **own, "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}


def _last(request: Mapping[str, Any], job: TrainJob, heard: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    """The last line of the process, after each earlier one was handed to `heard`."""
    command = [sys.executable, "-P", "-m", "automl.trainers.apart"]
    last: dict[str, Any] = {}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(job.threads),
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request))
            process.stdin.close()
            for text in process.stdout:
                last = json.loads(text)
                if "epoch" in last:
                    heard(last)
        except BaseException:
            _end(process)
            raise
    if "error" in last:
        raise AutoMLError(last["error"])
    if not {"trained", "prepared"} & set(last):
        log = Path(job.directory) / "log.txt"
        raise AutoMLError(f"the training ended unexpectedly, with code {process.returncode}. Its log is {log}.")
    return last


def _end(process: subprocess.Popen[str]) -> None:
    """End the process with those that it started, which read images: none of them may outlive a Ctrl-C."""
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    process.kill()


def _lines(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers to a request, in this process."""
    trainer, job = open_trainer(request["trainer"]), TrainJob(**request["job"])
    if request["verb"] == "prepare":
        yield {"prepared": asdict(trainer.prepare(job, request["epochs"], request["seed"]))}
        return
    began, epochs, best = time.monotonic(), 0, 0.0
    with closing(trainer.run(Trial(**request["trial"]), job)) as run:
        for metrics in run:
            epochs, best = metrics.epoch, max(best, metrics.map50_95)
            yield {"epoch": metrics.epoch, "map50_95": metrics.map50_95}
            if request["most_s"] is not None and time.monotonic() - began >= request["most_s"]:
                break
    yield {"trained": {"epochs": epochs, "map50_95": best, "wall_s": time.monotonic() - began}}


def main() -> int:
    """Answer the request on standard input; the exit code."""
    request = json.load(sys.stdin)
    file = Path(request["job"]["directory"]) / "log.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with file.open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        for line in _lines(request):
            print(json.dumps(line), file=answers, flush=True)
    except Exception as error:
        lines = (str(error).strip() or type(error).__name__).splitlines()
        print(json.dumps({"error": lines[0]}), file=answers, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
