"""CPU seconds of a tree of processes, including daemons and children that nobody waited for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.overhead.process_tree import Reading, Tree, descendants, ignores_children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BURN_S = 0.6
BURN = f"import time\nwhile time.process_time() < {BURN_S}: sum(range(1000))\n"
# Stays until the meter has seen its CPU seconds: those after the last reading are lost, as documented.
LINGER = f"{BURN}import os, pathlib, re\nat = pathlib.Path('{{timeline}}')\n"
LINGER += "def seen(): return max(map(float, re.findall('cpu_s.: ([0-9.]+)', at.read_text() if at.exists() else '0')), default=0)\n"
LINGER += f"while seen() < {BURN_S}: time.sleep(0.05)\n"


def measure(tmp_path: Path, script: str, *options: str) -> dict[str, Any]:
    """The meter's report of a Python script, in a process of its own."""
    report = tmp_path / "report.json"
    (tmp_path / "burn.py").write_text(BURN)
    (tmp_path / "script.py").write_text(script)
    meter = [sys.executable, "-m", "benchmarks.overhead.process_tree", *options, str(report), str(tmp_path / "log.txt")]
    command = [sys.executable, "-S", str(tmp_path / "script.py"), sys.executable, str(tmp_path / "burn.py")]
    subprocess.run([*meter, *command], check=True)
    cost: dict[str, Any] = json.loads(report.read_text())
    return cost


def counted_once(cpu_s: float) -> bool:
    """True if the burned seconds count once. Python's own start differs from machine to machine."""
    return 0.9 * BURN_S < cpu_s < 2 * BURN_S


def test_a_child_that_was_waited_for_counts(tmp_path: Path) -> None:
    cost = measure(tmp_path, "import subprocess, sys\nsubprocess.run(sys.argv[1:])\nsys.exit(3)\n")
    assert counted_once(cost["cpu_s"])
    assert (cost["exit_code"], cost["unwaited_cpu_s"], cost["leftover"]) == (3, 0, 0)


def test_a_daemon_that_outlives_the_command_counts(tmp_path: Path) -> None:
    script = "import os, sys\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    cost = measure(tmp_path, script + "        os.execv(sys.argv[1], sys.argv[1:])\nos._exit(0)\n")
    assert counted_once(cost["cpu_s"])
    assert cost["processes"] >= 1


def test_a_child_that_its_parent_ignores_counts(tmp_path: Path) -> None:
    """The kernel alone would report almost nothing. Ray's raylet treats its workers in this way."""
    script = (
        "import os, signal, sys, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nchild = os.fork()\n"
        "if child == 0:\n    os.execv(sys.argv[1], [sys.argv[1], sys.argv[2] + '.linger'])\n"
        "try:\n    os.waitpid(child, 0)\nexcept ChildProcessError:\n    pass\n"
    )
    timeline = tmp_path / "timeline.jsonl"
    (tmp_path / "burn.py.linger").write_text(LINGER.format(timeline=timeline))
    cost = measure(tmp_path, script, "--timeline", str(timeline))
    assert 0.75 * BURN_S < cost["unwaited_cpu_s"] <= cost["cpu_s"]
    assert counted_once(cost["cpu_s"])


def test_a_child_that_was_killed_counts(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\nchild = subprocess.Popen([sys.argv[1], '-c', 'while True: sum(range(1000))'])\n"
        "while int(open(f'/proc/{child.pid}/stat').read().rpartition(')')[2].split()[11]) < 30:\n    time.sleep(0.05)\n"
        "child.kill()\n"
    )
    assert measure(tmp_path, script)["cpu_s"] > 0.25


def test_the_whole_tree_ends_with_the_meter(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    script = "import os, time\nfor _ in range(2):\n    os.fork()\nos.write(1, b'%d ' % os.getpid())\ntime.sleep(600)\n"
    meter = [sys.executable, "-m", "benchmarks.overhead.process_tree", str(tmp_path / "report.json"), str(log)]
    with subprocess.Popen([*meter, sys.executable, "-c", script]) as process:
        end = time.monotonic() + 300
        while not log.exists() or len(log.read_text().split()) < 4:
            assert time.monotonic() < end
            time.sleep(0.05)
        process.terminate()
    report = json.loads((tmp_path / "report.json").read_text())
    assert (process.returncode, report["exit_code"]) == (0, 128 + 9)
    assert not any(psutil.pid_exists(int(pid)) for pid in log.read_text().split())


def test_descendants_are_those_below_the_root() -> None:
    processes = [Reading(2, 1, 0, 0.0), Reading(3, 2, 0, 0.0), Reading(4, 9, 0, 0.0), Reading(5, 3, 0, 0.0)]
    assert [process.pid for process in descendants(1, processes)] == [2, 3, 5]


def test_a_process_that_was_waited_for_in_the_end_is_not_counted_twice() -> None:
    tree = Tree()
    tree.unwaited = {(7, 100): 3.0, (8, 100): 1.0}
    tree.waited(7)
    assert tree.unwaited == {(8, 100): 1.0}


def test_a_process_that_is_gone_ignores_nobody() -> None:
    assert ignores_children(2**22 + 1) is False


def test_a_tree_is_killed_when_all_of_it_has_used_the_limit(tmp_path: Path) -> None:
    """Two that burn at once, one of them behind a parent that waits for nobody."""
    script = (
        "import signal, subprocess, sys, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(2):\n    subprocess.Popen([sys.executable, '-c', 'while True: sum(range(1000))'])\n"
        "time.sleep(600)\n"
    )
    timeline = tmp_path / "timeline.jsonl"
    cost = measure(tmp_path, script, "--cpu-limit", "2", "--timeline", str(timeline))
    assert (cost["limited"], cost["exit_code"], cost["leftover"]) == (True, 128 + 9, 0)
    assert 1.6 < cost["cpu_s"] < 3.5  # 4 and more if only one of the two counted
    spent = [json.loads(line)["cpu_s"] for line in timeline.read_text().splitlines()]
    assert spent == sorted(spent)
    assert spent[-1] >= 2


def test_children_that_ended_count_against_the_limit(tmp_path: Path) -> None:
    script = "import subprocess, sys\nwhile True:\n    subprocess.run(sys.argv[1:])\n"
    cost = measure(tmp_path, script, "--cpu-limit", "1.5")
    assert cost["limited"]
    assert 1.2 < cost["cpu_s"] < 2.4


def test_a_command_that_ends_below_its_limit_is_left_alone(tmp_path: Path) -> None:
    cost = measure(
        tmp_path, "import subprocess, sys\nsubprocess.run(sys.argv[1:])\n", "--cpu-limit", "30", "--wall-limit", "500"
    )
    assert (cost["limited"], cost["exit_code"]) == (False, 0)
