"""Steps of a long measurement: each runs a command in a folder of its own and keeps its result as one file.

A step with a kept result does not run again. Two processes may share a folder: each waits for steps of the other.
"""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from automl.errors import AutoMLError

POLL_S = 0.2

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Command:
    """Command line and environment of a step."""

    words: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One measurement. `prepare` fills its folder and returns the command; `read` returns the result to keep."""

    name: str
    slots: int  # filled by it
    prepare: Callable[[Path], Command]
    read: Callable[[Path], Document]


@dataclass
class _Running:
    step: Step
    process: subprocess.Popen[bytes]
    lock: IO[bytes]


def kept(out: Path, name: str) -> Document | None:
    """The result of a step; None before it has finished."""
    file = out / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def keep(out: Path, name: str, document: Document) -> None:
    """Write a result, whole or not at all."""
    part = out / f".{name}.part"
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    part.replace(out / f"{name}.json")


@contextmanager
def locked(out: Path, name: str) -> Iterator[None]:
    """Wait until no other process is inside, then keep others out."""
    with (out / f".{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_steps(out: Path, steps: Sequence[Step], slots: int, listener: Callable[[str], None]) -> None:
    """Run the steps without a kept result in order, as many side by side as there are slots.

    At an interrupt each command gets SIGTERM and is waited for. Raises the first AutoMLError of a failed step, after
    all others have ended.
    """
    waiting, running = list(steps), list[_Running]()
    problem: AutoMLError | None = None
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        while running or waiting:
            waiting = [step for step in waiting if kept(out, step.name) is None]
            for step in list(waiting):
                free = slots - sum(run.step.slots for run in running)
                run = _begin(out, step) if step.slots <= free or not running else None
                if run is not None:
                    listener(f"{step.name} ...")
                    waiting.remove(step)
                    running.append(run)
            for ended in [run for run in running if run.process.poll() is not None]:
                running.remove(ended)
                try:
                    keep(out, ended.step.name, _result(out, ended))
                    listener(f"{ended.step.name}: done")
                except AutoMLError as error:
                    problem = problem or error
                finally:
                    ended.lock.close()
            time.sleep(POLL_S)
    finally:
        for run in running:
            run.process.terminate()
        for run in running:
            run.process.wait()
            run.lock.close()
        signal.signal(signal.SIGTERM, before)
    if problem is not None:
        raise problem


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def _begin(out: Path, step: Step) -> _Running | None:
    """The step's process; None if another process runs it or has just finished it."""
    lock = (out / f".{step.name}.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    if kept(out, step.name) is not None:
        lock.close()
        return None
    folder = out / step.name
    command = step.prepare(folder)
    with (folder / "bench.txt").open("ab") as log:
        process = subprocess.Popen(
            command.words,
            cwd=folder,
            env=command.environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock.fileno(),),  # stays locked while any of its processes runs, even after this one
        )
    return _Running(step, process, lock)


def _result(out: Path, run: _Running) -> Document:
    if run.process.returncode != 0:
        text = (out / run.step.name / "bench.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise AutoMLError(f"{run.step.name} could not be measured:\n{text}")
    return run.step.read(out / run.step.name)
