"""Life of a study's process: asked of the process table on its own machine, else of its heartbeat."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from automl.host import identity
from automl.host.identity import Seen
from automl.records import Heartbeat, StudyRow, StudyState
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

STALE_S = 60.0  # a study process that cannot be asked, and is silent for so long, counts as ended
LOOK_S = 15.0  # second look at an old heartbeat: three times the pause between two; a slow clock only looks silent

_log = logging.getLogger(__name__)


class Life(StrEnum):
    """Life of a study's process."""

    RUNS = "runs"
    SUSPENDED = "suspended"
    SILENT = "silent"  # not to be asked, and not heard of
    GONE = "gone"  # the process table says so


@dataclass
class _Beat:
    """Last heartbeat of a process as this process has watched it."""

    at: float  # by the clock of the study's process
    since: float  # of our clock: first seen, which no difference of clocks changes
    moved: bool = False


class Pulse:
    """Memory of heartbeats: one that moves is alive, whatever the clocks of the two machines say."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, posix: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._posix = posix
        self._beats: dict[tuple[str, str, int, str], _Beat] = {}

    def look(self, row: StudyRow) -> Life:
        """Life of a running study's process, by this look and the earlier ones."""
        seen = identity.ask(row.process, row.pid)
        if not row.process:
            seen = identity.ask_by_name(row.host, row.pid, before=row.heartbeat_at)
        if seen is not Seen.UNKNOWN:
            return {Seen.RUNS: Life.RUNS, Seen.SUSPENDED: Life.SUSPENDED}.get(seen, Life.GONE)
        key, now = (row.name, row.host, row.pid, row.process), self._clock()
        beat = self._beats.setdefault(key, _Beat(row.heartbeat_at, now))
        if beat.at != row.heartbeat_at:
            beat = self._beats[key] = _Beat(row.heartbeat_at, now, moved=True)
        watched_s = now - beat.since
        if beat.moved or watched_s > STALE_S:
            return Life.RUNS if watched_s <= STALE_S else Life.SILENT
        return Life.RUNS if self._posix() - row.heartbeat_at <= STALE_S else Life.SILENT

    def patience_s(self, row: StudyRow) -> float:
        """Seconds of a second look that decides what the first one leaves open; 0 if it leaves nothing open."""
        life, age_s = self.look(row), self._posix() - row.heartbeat_at
        if life is Life.SILENT:
            return LOOK_S
        return STALE_S + 1.0 if life is Life.RUNS and age_s < -STALE_S and not self._asked(row) else 0.0

    def _asked(self, row: StudyRow) -> bool:
        """True if the process table has answered, not the heartbeat."""
        return (row.name, row.host, row.pid, row.process) not in self._beats


_pulse = Pulse()
_known_dead: set[tuple[str, Heartbeat]] = set()


def mine() -> Heartbeat:
    """Heartbeat of this process now."""
    return Heartbeat(host=socket.gethostname(), pid=os.getpid(), at=time.time(), process=identity.own())


def life_of(row: StudyRow) -> Life:
    """Life of a running study's process, by one look."""
    return Life.SILENT if (row.name, row.heartbeat) in _known_dead else _pulse.look(row)


def dead_heartbeat(engine: Engine, row: StudyRow) -> Heartbeat | None:
    """Last heartbeat of a running study's process that is sure to be dead, else None.

    A process that cannot be asked is looked at twice: for seconds, where the clocks of two machines may differ.
    """
    if row.state is not StudyState.RUNNING:
        return None
    if life_of(row) is Life.GONE or (row.name, row.heartbeat) in _known_dead:
        return row.heartbeat
    if not _stays_silent(engine, row, _pulse.patience_s(row)):
        return None
    _known_dead.add((row.name, row.heartbeat))
    return row.heartbeat


def _stays_silent(engine: Engine, row: StudyRow, patience_s: float) -> bool:
    """True if the heartbeat does not move for so long; False at once for no patience."""
    if not patience_s:
        return False
    _log.warning("Listening for study '%s' on %s for %.0f s: is its process alive?", row.name, row.host, patience_s)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        time.sleep(min(0.5, patience_s))
        latest = read.study(engine, row.name)
        if (latest.state, latest.heartbeat) != (row.state, row.heartbeat):
            _pulse.look(latest)
            return False
    return True


def suspended_words(row: StudyRow) -> str:
    """Sentence on a suspended study process, and how it goes on; empty for any other one."""
    if row.state is not StudyState.RUNNING or life_of(row) is not Life.SUSPENDED:
        return ""
    return (
        f"Its process {row.pid} is suspended (Ctrl-Z, or SIGSTOP): it goes on with `kill -CONT {row.pid}`, and "
        f"`kill -KILL {row.pid}` ends it."
    )
