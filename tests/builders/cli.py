"""The command line as a user has it: in a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from automl.errors import BadStore
from automl.records import AttemptRow, EpochRow, StudyRow, TrialRow, TrialState
from automl.store import read
from automl.store.engine import open_store

if TYPE_CHECKING:
    from sqlalchemy import Engine

COMMAND = (sys.executable, "-m", "automl.cli")
WAIT_S = 300.0  # only a guard: a busy machine takes many times as long as an idle one
# A network of train_tiny, in the folder that `draw_data` made.
TINY = ("--data", "data.yaml", "--models", "network.yaml", "--imgsz", "64", "--batch", "4", "--set", "nbs=4")
ONE_SLOT = ("--slots", "1")


def environment(**changes: str) -> dict[str, str]:
    """This process's variables without those that steer automl, Ray or the terminal; no GPU, no download.

    MPLBACKEND: Streamlit sets it where it is imported, and a notebook then draws nothing.
    """
    ours = ("AUTOML_", "RAY_", "YOLO_", "COLUMNS", "FORCE_COLOR", "CUDA_", "MPLBACKEND")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "120", "YOLO_OFFLINE": "1", **changes}


def wait_for(what: str, ask: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    """The first answer that is true. Fails after a while, or when the process ends before."""
    deadline = time.monotonic() + WAIT_S
    while True:
        answer = ask()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode} before {what}:\n{process.communicate()}")
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Place:
    """A folder in which a user works. Studies lie in `runs` below it, unless `db` names a server."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """What AUTOML_HOME names."""
        return self.folder / "runs"

    def run(self, *words: str | Path, timeout_s: float = 2 * WAIT_S) -> subprocess.CompletedProcess[str]:
        """A command from its start to its end."""
        return subprocess.run(
            [*COMMAND, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=self.folder,
            env=self._environment(),
            check=False,
        )

    @contextmanager
    def start(self, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on while the test does other things; in a process group, as a terminal has it."""
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environment(),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            for each in family(process.pid):
                with suppress(psutil.NoSuchProcess):  # it went with its parent
                    each.kill()
            process.communicate()

    def study(self, name: str) -> StudyRow:
        """The study's row."""
        return read.study(self._engine(), name)

    def trials(self, name: str) -> list[TrialRow]:
        """The study's trials by number; none before it has begun."""
        if name not in {row.name for row in self.studies()}:
            return []
        return read.trials(self._engine(), name)

    def epochs(self, name: str) -> list[EpochRow]:
        """The study's epochs in the order of reporting."""
        return read.epochs(self._engine(), name) if self.trials(name) else []

    def attempts(self, name: str, trial: int) -> list[AttemptRow]:
        """The trial's attempts."""
        return read.attempts(self._engine(), name, trial)

    def notes(self, name: str) -> list[str]:
        """The lines of the study's log."""
        return [event.text for event in read.events(self._engine(), name)]

    def worker(self, name: str, process: subprocess.Popen[str]) -> int:
        """The process that trains the study's running trial, known with the first epoch that comes from it."""

        def ask() -> int | None:
            running = [row.number for row in self.trials(name) if row.state is TrialState.RUNNING]
            return self.attempts(name, running[-1])[-1].pid if running else None

        found: int = wait_for("a worker", ask, process)
        return found

    def studies(self) -> list[StudyRow]:
        """All studies; none where there is no database yet."""
        try:
            return read.studies(self._engine())
        except BadStore:
            return []

    def _engine(self) -> Engine:
        return _opened(self.variables.get("AUTOML_DB", f"sqlite:///{self.home / 'automl.db'}"))

    def _environment(self) -> dict[str, str]:
        return environment(AUTOML_HOME=str(self.home), **self.variables)


@cache
def _opened(url: str) -> Engine:
    return open_store(url, create=False)


def ctrl_c(process: subprocess.Popen[str]) -> None:
    """What a terminal does: the signal goes to the whole process group."""
    os.killpg(process.pid, signal.SIGINT)


@contextmanager
def held(worker: int) -> Iterator[None]:
    """Nothing is trained meanwhile: the worker stands still, however long the rest takes."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)


def family(pid: int) -> list[psutil.Process]:
    """The process and all that it started, directly or not."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def alive(processes: list[psutil.Process]) -> list[str]:
    """Names of those that still run."""
    return [name for each in processes if (name := name_of(each)) is not None]


def name_of(process: psutil.Process) -> str | None:
    """The process's name; None once it has ended."""
    try:
        runs = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return process.name() if runs else None
    except psutil.NoSuchProcess:  # it has just ended
        return None
