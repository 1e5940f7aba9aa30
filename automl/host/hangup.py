"""Hang-up of the terminal (SIGHUP): the search goes on without it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

_NUMBER: int | None = getattr(signal, "SIGHUP", None)  # Windows has none


@dataclass
class _Ear:
    """State of this process towards its terminal: does it outlive it, has it lost it?"""

    survives: bool = False
    terminal: bool = False
    heard: bool = False


_ear = _Ear()


@contextmanager
def survived() -> Iterator[None]:
    """Outlive the terminal within. Ignored rather than handled: so the processes that Ray starts outlive it as well."""
    if _NUMBER is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(_NUMBER, signal.SIG_IGN)
    _ear.survives, _ear.terminal, _ear.heard = True, _has_terminal(), False
    try:
        yield
    finally:
        _ear.survives = False
        signal.signal(_NUMBER, before)


def handlers() -> Mapping[int, Any]:
    """Handler of the signal for a driver whose processes have begun; none where the process does not outlive it."""
    if _NUMBER is None or not _ear.survives:
        return {}
    _ear.heard = _ear.terminal and not _has_terminal()  # while it was ignored
    return {_NUMBER: _hear}


def taken() -> bool:
    """True once after the terminal has gone."""
    heard, _ear.heard = _ear.heard, False
    return heard


def _hear(signum: int, frame: FrameType | None) -> None:
    _ear.heard = True


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
