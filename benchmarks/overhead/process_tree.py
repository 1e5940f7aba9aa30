"""CPU seconds of a command with all its descendants, daemons and killed grandchildren included.

Run as `python -m benchmarks.overhead.process_tree [--cpu-limit S] [--wall-limit S] [--timeline FILE] REPORT LOG
COMMAND...`; the report is one JSON object. At a limit the whole tree is killed. Linux only.

The measuring process makes itself a subreaper: a descendant whose parent has ended becomes its child instead of
init's, so that none leaves the tree. After the last of them has ended, RUSAGE_CHILDREN holds the exact CPU time of
every process that was waited for. There is one gap: if a parent ignores SIGCHLD, as Ray's raylet may, the kernel
forgets the times of its children. So the tree is read from /proc ten times a second, and the last reading of each
such child is added. Only its last tenth of a second is lost.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import psutil

INTERVAL_S = 0.1
TIMELINE_S = 1.0  # between two lines of the timeline
GRACE_S = 20.0  # for daemons to end by themselves after the command has
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")

Key = tuple[int, int]  # pid and start time, because pids are used again


@dataclass(frozen=True, kw_only=True)
class TreeCost:
    """Cost of a command with all its descendants."""

    exit_code: int  # as in a shell: 128 + signal for a killed command
    wall_s: float  # until the command itself ended
    cpu_s: float  # user and system time of the whole tree
    unwaited_cpu_s: float  # part of cpu_s that was read from /proc
    machine_cpu_s: float  # of everything on the machine meanwhile
    processes: int  # seen alive
    leftover: int  # had to be killed after GRACE_S
    meter_cpu_s: float  # of the measuring itself, not part of cpu_s
    limited: bool = False  # killed at its limit


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Limits of a measurement, and the file for its course."""

    cpu_s: float = math.inf  # of the whole tree
    wall_s: float = math.inf
    timeline: Path | None = None  # a line {"at": POSIX seconds, "cpu_s", "wall_s"} about every second


@dataclass(frozen=True)
class Reading:
    """A process in /proc."""

    pid: int
    parent: int
    started: int
    cpu_s: float  # its own and those of the children it waited for


class Tree:
    """Descendants of this process, with the CPU seconds that the kernel will not report at their end."""

    def __init__(self) -> None:
        self.processes: set[Key] = set()
        self.unwaited: dict[Key, float] = {}
        self._last: list[Reading] = []

    def look(self) -> list[int]:
        """Read /proc; returns the living pids."""
        processes = descendants(os.getpid(), readings())
        deaf: dict[int, bool] = {os.getpid(): False}
        for process in processes:
            key = (process.pid, process.started)
            self.processes.add(key)
            if process.parent not in deaf:
                deaf[process.parent] = ignores_children(process.parent)
            if deaf[process.parent]:
                self.unwaited[key] = process.cpu_s
            else:  # its parent has ended, or waits after all
                self.unwaited.pop(key, None)
        self._last = processes
        return [process.pid for process in processes]

    def living_s(self) -> float:
        """CPU seconds at the last reading of processes that nobody has waited for yet."""
        alive = {(process.pid, process.started) for process in self._last}
        gone = sum(cpu_s for key, cpu_s in self.unwaited.items() if key not in alive)
        return gone + sum(process.cpu_s for process in self._last)

    def waited(self, pid: int) -> None:
        """Drop a process that this one has waited for: the kernel counts it from now on."""
        self._last = [process for process in self._last if process.pid != pid]
        for key in [key for key in self.unwaited if key[0] == pid]:
            del self.unwaited[key]


def readings() -> list[Reading]:
    """All processes of the machine."""
    processes = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - ten times a second
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            ticks = sum(int(field) for field in fields[11:15])
            processes.append(Reading(int(name), int(fields[1]), int(fields[19]), ticks * _TICK_S))
    return processes


def descendants(root: int, processes: Sequence[Reading]) -> list[Reading]:
    """Processes below the root, parents first."""
    children: dict[int, list[Reading]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    below, at = list(children.get(root, ())), 0
    while at < len(below):
        below.extend(children.get(below[at].pid, ()))
        at += 1
    return below


def ignores_children(pid: int) -> bool:
    """True if a process has told the kernel to forget its children."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    mask = next((int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:")), 0)
    return bool(mask >> (signal.SIGCHLD - 1) & 1)


def measure(command: Sequence[str], log: Path, environment: Mapping[str, str], watch: Watch | None = None) -> TreeCost:
    """Run the command and its descendants to their end. This process must have no other children.

    SIGTERM and SIGINT end the whole tree; the cost until then is returned.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER is refused")
    stopped: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.append(signum)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return _measure(command, log, environment, lambda: bool(stopped), watch or Watch())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _measure(
    command: Sequence[str], log: Path, environment: Mapping[str, str], stopped: Callable[[], bool], watch: Watch
) -> TreeCost:
    tree, cpu, machine, own = Tree(), _children_s(), _machine_s(), time.process_time()
    began = time.monotonic()
    first = _spawn(command, log, environment)
    code: int | None = None
    ended, leftover, limited, noted_s = began, 0, False, -math.inf
    while True:
        alive = tree.look()
        for pid, status in _reap():
            tree.waited(pid)
            if pid == first:
                code, ended = status, time.monotonic()
        if not _has_children():
            break
        wall_s, cpu_s = time.monotonic() - began, _children_s() - cpu + tree.living_s()
        limited = limited or (code is None and (cpu_s >= watch.cpu_s or wall_s >= watch.wall_s))
        if watch.timeline is not None and (limited or wall_s - noted_s >= TIMELINE_S):
            noted_s = wall_s
            _note(watch.timeline, cpu_s, wall_s)
        late = code is not None and time.monotonic() - ended > GRACE_S
        if late or limited or stopped():
            leftover = leftover if limited else max(leftover, len(alive))
            _kill(alive)
        time.sleep(INTERVAL_S)
    unwaited = sum(tree.unwaited.values())
    return TreeCost(
        exit_code=128 - code if code is not None and code < 0 else (code or 0),
        wall_s=ended - began,
        cpu_s=_children_s() - cpu + unwaited,
        unwaited_cpu_s=unwaited,
        machine_cpu_s=_machine_s() - machine,
        processes=len(tree.processes),
        leftover=leftover,
        meter_cpu_s=time.process_time() - own,
        limited=limited,
    )


def _note(timeline: Path, cpu_s: float, wall_s: float) -> None:
    with timeline.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": time.time(), "cpu_s": round(cpu_s, 2), "wall_s": round(wall_s, 2)}) + "\n")


def _spawn(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [(os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(command[0], list(command), dict(environment), file_actions=actions)


def _reap() -> list[tuple[int, int]]:
    """Ended children, with their exit codes."""
    children: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return children
        if pid == 0:
            return children
        children.append((pid, os.waitstatus_to_exitcode(status)))


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _machine_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def main(arguments: Sequence[str]) -> None:
    """Arguments: [--cpu-limit S] [--wall-limit S] [--timeline FILE] REPORT LOG COMMAND..."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpu-limit", type=float, default=math.inf)
    parser.add_argument("--wall-limit", type=float, default=math.inf)
    parser.add_argument("--timeline", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # a killed benchmark takes its tree along
    watch = Watch(cpu_s=options.cpu_limit, wall_s=options.wall_limit, timeline=options.timeline)
    cost = measure(options.command, options.log, os.environ, watch)
    options.report.write_text(json.dumps(asdict(cost)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
