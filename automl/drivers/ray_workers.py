"""Worker processes of the attempts that run under Ray Tune: where they are, and the end of those that hang."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

import psutil

from automl.drivers.cluster import loading

# isort: split
with loading():
    import ray

_LOG = logging.getLogger(__name__)


class Whereabouts(NamedTuple):
    """Where an attempt runs."""

    node: str
    device: str
    pid: int


class Workers:
    """Workers by Tune's name of the attempt that runs in them."""

    def __init__(self) -> None:
        self._trials: dict[str, Any] = {}  # Tune's records
        self._where: dict[str, Whereabouts] = {}

    def add(self, ray_id: str, trial: Any) -> None:
        """Tune has made a trial of the attempt."""
        self._trials[ray_id] = trial

    def placed(self, ray_id: str, report: Mapping[str, Any]) -> Whereabouts | None:
        """Where the attempt runs, if its first report tells it; None later."""
        if ray_id in self._where:
            return None
        where = Whereabouts(str(report["node_name"]), str(report["visible"]), int(report["process"]))
        self._where[ray_id] = where
        return where

    def kill(self, ray_id: str) -> None:
        """Kill the attempt's worker: at once if it is a known process of this machine, else by Ray, in seconds."""
        trial, where = self._trials.get(ray_id), self._where.get(ray_id)
        if where is not None and where.node == socket.gethostname():
            kill_process(where.pid)
        process = None if trial is None else trial.temporary_state.ray_actor
        if process is not None:
            try:
                ray.kill(process, no_restart=True)
            except Exception as error:  # of kinds that Ray does not document; it may be dead already
                _LOG.debug("cannot kill the worker of %s: %s", ray_id, error)

    def remove(self, ray_id: str) -> None:
        """Forget an attempt that has ended."""
        self._trials.pop(ray_id, None)
        self._where.pop(ray_id, None)


def kill_process(pid: int) -> None:
    """Kill a worker process of Ray on this machine; nothing if the number is that of another process by now."""
    try:
        process = psutil.Process(pid)
        if any("ray::" in word for word in process.cmdline()[:1]):
            process.kill()
    except psutil.Error as error:
        _LOG.debug("cannot kill process %d: %s", pid, error)
