"""Where trials run: on this machine, on the cluster of RAY_ADDRESS, or in a Ray session of the user's process.

Loads no Ray.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from automl.errors import AutoMLError

_CONNECT_S = 10.0
_ANSWER_S = 20.0
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")
_ELSE = "Start one with `ray start --head`, or unset RAY_ADDRESS to search on this machine."


class Place(StrEnum):
    """Kind of the Ray session in which trials run."""

    HERE = "here"  # begun and ended by the search
    CLUSTER = "cluster"  # joined at RAY_ADDRESS
    SESSION = "session"  # the user's, which was there before and stays


_turn = threading.Lock()  # held while a search of this process has its session: Ray allows one
_open: list[Place] = []  # the place of that search


def place() -> Place:
    """The place of the search that is running in this process, else of one that would begin now."""
    if _open:
        return _open[0]
    initialized = getattr(sys.modules.get("ray"), "is_initialized", None)  # None too while it is being imported
    if initialized is not None and initialized():
        return Place.SESSION
    return Place.HERE if address() is None else Place.CLUSTER


def address() -> str | None:
    """Value of RAY_ADDRESS; None if it names no cluster."""
    named = os.environ.get("RAY_ADDRESS", "").strip()
    return None if named in ("", "local") else named


def elsewhere() -> str:
    """The place for a message, as an object of a sentence."""
    return {
        Place.HERE: "this machine",
        Place.CLUSTER: f"the Ray cluster at RAY_ADDRESS={address()}",
        Place.SESSION: "the Ray session of this process",
    }[place()]


@contextmanager
def taken() -> Iterator[Place]:
    """Have the place for one search. Raises AutoMLError while another search of this process has it."""
    if not _turn.acquire(blocking=False):
        raise AutoMLError(
            "another search runs in this process, and Ray allows one. Begin this one after it, or in a process of its "
            "own."
        )
    try:
        _open.append(place())
        yield _open[0]
    finally:
        _open.clear()
        _turn.release()


def check_address(named: str) -> None:
    """Raise AutoMLError if no Ray cluster answers at the address; Ray itself would try for minutes."""
    if named.startswith("ray://"):
        raise AutoMLError(
            f"RAY_ADDRESS={named}: a search cannot run through Ray's client. Begin it on a machine of the cluster, "
            "with RAY_ADDRESS=auto or HOST:6379."
        )
    match = _HOST_PORT.fullmatch(named)
    if match is not None and int(match[2]) < 65536:
        _connect(named, match[1].strip("[]"), int(match[2]))
    elif named != "auto":
        raise AutoMLError(
            f"RAY_ADDRESS={named} is no address of a Ray cluster. Write HOST:PORT, such as 10.0.0.1:6379, or auto for "
            "the cluster on this machine; or unset it to search here."
        )
    _ask(named)


def _connect(named: str, host: str, port: int) -> None:
    """Raise AutoMLError if nothing listens there."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except (OSError, UnicodeError) as error:  # the latter: of a host's name that cannot be one
        raise AutoMLError(f"RAY_ADDRESS={named}: no Ray cluster answers there ({error}). {_ELSE}") from error


def _ask(named: str) -> None:
    """Raise AutoMLError if what listens there is no Ray. Asked by a process of its own, which can be ended in time."""
    command = [sys.executable, "-P", "-m", "automl.drivers.asking", named]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_S, check=False)
    except subprocess.TimeoutExpired:
        reason = f"what listens there does not answer as Ray does within {_ANSWER_S:.0f} seconds"
    else:
        if done.returncode == 0:
            return
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].strip().rstrip(".") if lines else f"asking it ended with {done.returncode}"
    raise AutoMLError(f"RAY_ADDRESS={named}: no Ray cluster answers there ({reason}). {_ELSE}")
