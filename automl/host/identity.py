"""Identity of a process: what tells a study's process from every other one, on this machine and elsewhere.

A process has its machine, from one start to the next, its namespace of process numbers, and its own start. So a number
that another process has now, and the same number and host name in a container, are not taken for it.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import uuid
from enum import StrEnum
from pathlib import Path

import psutil

_PROC = Path("/proc")
_SAME_START_S = 2.0  # by which two looks at a start may differ where it is a time of the clock


class Seen(StrEnum):
    """Answer of the process table."""

    RUNS = "runs"
    SUSPENDED = "suspended"
    GONE = "gone"  # ended, or its number belongs to another process
    UNKNOWN = "unknown"  # of another machine or namespace, or hidden from this user


def own() -> str:
    """Identity of this process: place and start, as `place#start`."""
    try:
        return f"{_place()}#{_stat('self')[1]}"
    except OSError:
        return f"{_place()}#{psutil.Process().create_time():.2f}"


def ask(identity: str, pid: int) -> Seen:
    """The process of that identity and number, as the process table has it."""
    place, _, start = identity.rpartition("#")
    if not place or place != _place():
        return Seen.UNKNOWN
    return _ask_proc(pid, start) if _boot() else _ask_psutil(pid, start)


def ask_by_name(host: str, pid: int, before: float) -> Seen:
    """A process that an earlier version recorded: by host name and number alone, so only a live one is sure.

    before  POSIX seconds at which it ran
    """
    if host != socket.gethostname():
        return Seen.UNKNOWN
    try:
        process = psutil.Process(pid)
        status, began = process.status(), process.create_time()
    except psutil.Error:
        return Seen.UNKNOWN
    if status == psutil.STATUS_ZOMBIE or began > before:
        return Seen.UNKNOWN
    return Seen.SUSPENDED if status == psutil.STATUS_STOPPED else Seen.RUNS


def _place() -> str:
    """Machine since its start, and namespace of process numbers. Without /proc: system, host name and network card."""
    boot = _boot()
    if boot:
        return f"{boot}/{_namespace()}"
    card = uuid.getnode()
    universal = not card >> 40 & 1  # else it is a number drawn for this process alone
    return f"{sys.platform}:{socket.gethostname()}" + (f":{card:012x}" if universal else "")


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return re.sub(r"\D", "", str((_PROC / "self/ns/pid").readlink()))
    except OSError:
        return ""


def _stat(process: str) -> tuple[str, str]:
    """State and start in ticks since the machine's own. Raises OSError if there is no such process to be seen."""
    fields = (_PROC / process / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], fields[19]


def _ask_proc(pid: int, start: str) -> Seen:
    try:
        if str((_PROC / "self").readlink()) != str(os.getpid()):  # /proc is that of another namespace
            return Seen.UNKNOWN
        state, begun = _stat(str(pid))
    except OSError:
        return Seen.UNKNOWN if _exists(pid) else Seen.GONE
    if begun != start or state in "ZXx":
        return Seen.GONE
    return Seen.SUSPENDED if state == "T" else Seen.RUNS


def _ask_psutil(pid: int, start: str) -> Seen:
    try:
        process = psutil.Process(pid)
        status, began = process.status(), process.create_time()
    except psutil.NoSuchProcess:
        return Seen.GONE
    except psutil.Error:
        return Seen.UNKNOWN
    if status == psutil.STATUS_ZOMBIE or abs(began - float(start)) > _SAME_START_S:
        return Seen.GONE
    return Seen.SUSPENDED if status == psutil.STATUS_STOPPED else Seen.RUNS


def _exists(pid: int) -> bool:
    """True for a process that only its owner can see in /proc (`hidepid`)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
