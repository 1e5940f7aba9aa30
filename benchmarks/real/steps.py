"""Steps of a long measurement: each runs a command in a folder of its own, and its result is kept as one file.

What is kept is not run again. Two invocations may share a folder: a step that the other one runs is waited for.
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
    """What a step runs."""

    words: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One measurement. `prepare` makes its folder ready, `read` turns what lies there into what is kept."""

    name: str
    slots: int  # that it fills
    prepare: Callable[[Path], Command]
    read: Callable[[Path], Document]


@dataclass
class _Running:
    step: Step
    process: subprocess.Popen[bytes]
    lock: IO[bytes]


def kept(place: Path, name: str) -> Document | None:
    """What a finished step left; None before it has finished."""
    file = place / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def keep(place: Path, name: str, document: Document) -> None:
    """Writes a result down, whole or not at all."""
    part = place / f".{name}.part"
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    part.replace(place / f"{name}.json")


@contextmanager
def locked(place: Path, name: str) -> Iterator[None]:
    """Nobody else is within, of any process; waits."""
    with (place / f".{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_steps(place: Path, steps: Sequence[Step], slots: int, listener: Callable[[str], None]) -> None:
    """Runs what is not kept yet, in order, as many side by side as there are slots.

    Each command gets SIGTERM when this is interrupted, and is waited for. Raises the first AutoMLError of those
    that failed, after all others have ended.
    """
    waiting, running = list(steps), list[_Running]()
    problem: AutoMLError | None = None
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        while running or waiting:
            waiting = [step for step in waiting if kept(place, step.name) is None]
            for step in list(waiting):
                free = slots - sum(each.step.slots for each in running)
                begun = _begin(place, step) if step.slots <= free or not running else None
                if begun is not None:
                    listener(f"{step.name} ...")
                    waiting.remove(step)
                    running.append(begun)
            for each in [each for each in running if each.process.poll() is not None]:
                running.remove(each)
                try:
                    keep(place, each.step.name, _result(place, each))
                    listener(f"{each.step.name}: done")
                except AutoMLError as error:
                    problem = problem or error
                finally:
                    each.lock.close()
            time.sleep(POLL_S)
    finally:
        for each in running:
            each.process.terminate()
        for each in running:
            each.process.wait()
            each.lock.close()
        signal.signal(signal.SIGTERM, before)
    if problem is not None:
        raise problem


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def _begin(place: Path, step: Step) -> _Running | None:
    """The step's process; None where another invocation runs it or has just finished it."""
    lock = (place / f".{step.name}.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    if kept(place, step.name) is not None:
        lock.close()
        return None
    room = place / step.name
    command = step.prepare(room)
    with (room / "bench.txt").open("ab") as log:
        process = subprocess.Popen(
            command.words,
            cwd=room,
            env=command.environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock.fileno(),),  # locked as long as anything of it runs, even without us
        )
    return _Running(step, process, lock)


def _result(place: Path, each: _Running) -> Document:
    if each.process.returncode != 0:
        text = (place / each.step.name / "bench.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise AutoMLError(f"{each.step.name} could not be measured:\n{text}")
    return each.step.read(place / each.step.name)
