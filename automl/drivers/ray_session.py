"""Signs of life of the open Ray session: of its processes on this machine, and its answers."""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil

from automl.drivers import place
from automl.drivers.cluster import loading
from automl.drivers.deadlines import Deadlines
from automl.drivers.place import Place

# isort: split
with loading():
    import ray

LOOK_S = 1.0  # between two looks at the processes
ASK_S = 5.0  # between two questions
ANSWER_S = 20.0  # that an answer may take
_PROCESSES = ("gcs_server", "raylet")


class SessionGone(BaseException):
    """The Ray session is gone. No Exception: Tune would wait for answers of its processes then."""


class RaySession:
    """The open session as a driver sees it. A session that has gone is noticed within about half a minute."""

    def __init__(self) -> None:
        self._processes = _own_processes() if place.place() is Place.HERE else {}
        self._deadlines = Deadlines()
        self._question: threading.Thread | None = None
        self._looked_at = self._asked_at = float("-inf")

    def look(self, at: float) -> None:
        """Raise SessionGone if a process of the session has died or stands still, or if it answers no more."""
        if at - self._looked_at < LOOK_S:
            return
        self._looked_at = at
        for name, process in self._processes.items():
            self._look_at(name, process, at)
        if self._question is not None and not self._question.is_alive():
            self._question = None
            self._deadlines.end("answer")
        if self._question is None and at - self._asked_at >= ASK_S:
            self._asked_at = at
            self._deadlines.begin("answer", ANSWER_S, at)
            self._question = threading.Thread(target=_ask, name="ray-answers", daemon=True)
            self._question.start()
        for subject in self._deadlines.look(at):
            what = f"{place.elsewhere()} does not answer" if subject == "answer" else f"its {subject} stands still"
            raise SessionGone(what)

    def forget(self) -> None:
        """Wait for no answer any more."""
        self._question = None

    def _look_at(self, name: str, process: psutil.Process, at: float) -> None:
        status = psutil.STATUS_DEAD
        with suppress(psutil.Error):
            status = process.status() if process.is_running() else psutil.STATUS_DEAD
        if status in (psutil.STATUS_DEAD, psutil.STATUS_ZOMBIE):
            raise SessionGone(f"its {name} died")
        if status != psutil.STATUS_STOPPED:
            self._deadlines.end(name)
        elif not self._deadlines.waits_for(name):
            self._deadlines.begin(name, ANSWER_S, at)


def _own_processes() -> dict[str, psutil.Process]:
    """Ray's two processes that this process has started and without which a session cannot be."""
    children = {}
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            children[child.name()] = child
    return {name: children[name] for name in _PROCESSES if name in children}


def _ask() -> None:
    """Ask the session for its nodes. An error is an answer too: it shows elsewhere."""
    with suppress(Exception):
        ray.nodes()
