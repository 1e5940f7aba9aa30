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
from dataclasses import dataclass
from enum import StrEnum

from automl.errors import AutoMLError

AUTH_MODE = "RAY_AUTH_MODE"
_CONNECT_S = 10.0
_ANSWER_S = 20.0
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")
_ELSE = "Start one with `ray start --head`, or unset RAY_ADDRESS to search on this machine."


class Place(StrEnum):
    """Kind of the Ray session in which trials run."""

    HERE = "here"  # begun and ended by the search
    CLUSTER = "cluster"  # joined at RAY_ADDRESS
    SESSION = "session"  # the user's, which was there before and stays


@dataclass(frozen=True)
class RayCluster:
    """A cluster that has answered."""

    address: str  # HOST:PORT
    mode: str  # RAY_AUTH_MODE with which it answers: "token" or "disabled"


_clusters: dict[str, RayCluster] = {}  # by what RAY_ADDRESS named
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


def known_cluster() -> RayCluster | None:
    """The cluster at RAY_ADDRESS, once it has answered."""
    return _clusters.get(address() or "")


def authentication() -> dict[str, str]:
    """Variables of the way in which the cluster at RAY_ADDRESS authenticates; none before it has answered."""
    cluster = known_cluster()
    return {AUTH_MODE: cluster.mode} if cluster is not None and place() is Place.CLUSTER else {}


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
    """Look which Ray cluster answers at the address, and how it authenticates.

    Raises AutoMLError if none does; Ray itself would try for minutes.
    """
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
    """Keep what the cluster answers, with a token only if it wants one: without, it would lose those who have one."""
    done, mode = _asked(named, "disabled"), "disabled"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    reason = lines[-1].strip().rstrip(".") if lines else f"asking it ended with {done.returncode}"
    if done.returncode != 0 and "token" in reason.lower():
        done, mode = _asked(named, "token"), "token"
        if done.returncode != 0:
            raise AutoMLError(
                f"RAY_ADDRESS={named}: the Ray cluster there wants a token, and this user has none or another one. "
                "Copy ~/.ray/auth_token from the machine that began the cluster."
            )
    if done.returncode != 0:
        raise AutoMLError(f"RAY_ADDRESS={named}: no Ray cluster answers there ({reason}). {_ELSE}")
    _clusters[named] = RayCluster(done.stdout.strip() or named, mode)


def _asked(named: str, mode: str) -> subprocess.CompletedProcess[str]:
    """The answer to a process of its own, which can be ended in time. Raises AutoMLError if what listens is no Ray."""
    command = [sys.executable, "-P", "-m", "automl.drivers.asking", named]
    variables = {**os.environ, AUTH_MODE: mode}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_S, check=False, env=variables)
    except subprocess.TimeoutExpired:
        reason = f"what listens there does not answer as Ray does within {_ANSWER_S:.0f} seconds"
    raise AutoMLError(f"RAY_ADDRESS={named}: no Ray cluster answers there ({reason}). {_ELSE}")
