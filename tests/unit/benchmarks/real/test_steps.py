"""Steps of a long measurement: kept, resumed, side by side, and ended with the one that runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from automl.errors import AutoMLError
from benchmarks.real.steps import Command, Document, Step, keep, kept, run_steps


def make_step(name: str, script: str, slots: int = 1) -> Step:
    """Runs a Python script in its folder; what is kept is the file `found` that it writes there."""

    def prepare(room: Path) -> Command:
        room.mkdir(exist_ok=True)
        return Command(words=[sys.executable, "-S", "-c", script], environment=dict(os.environ))

    def read(room: Path) -> Document:
        return {"found": (room / "found").read_text()}

    return Step(name=name, slots=slots, prepare=prepare, read=read)


def silent(line: str) -> None:
    pass


SAY = "open('found', 'a').write('once')"
SPAN = "import time\nb = time.time()\ntime.sleep(0.6)\nopen('found', 'w').write(f'{b} {time.time()}')"
MEET = "import os, time\nopen('here', 'w')\nwhile not os.path.exists('../%s/here'): time.sleep(0.05)\n" + SAY


def test_what_is_kept_is_not_run_again(tmp_path: Path) -> None:
    lines: list[str] = []
    steps = [make_step("one", SAY), make_step("two", SAY)]
    run_steps(tmp_path, steps[:1], 1, lines.append)
    run_steps(tmp_path, steps, 1, lines.append)
    assert [kept(tmp_path, name) for name in ("one", "two")] == [{"found": "once"}] * 2
    assert lines == ["one ...", "one: done", "two ...", "two: done"]


def spans(tmp_path: Path) -> list[tuple[float, float]]:
    found = [(kept(tmp_path, name) or {})["found"].split() for name in ("a", "b")]
    return sorted((float(begin), float(end)) for begin, end in found)


def test_steps_share_the_slots(tmp_path: Path) -> None:
    run_steps(tmp_path, [make_step("a", MEET % "b"), make_step("b", MEET % "a")], 2, silent)  # each waits for the other
    assert [kept(tmp_path, name) for name in ("a", "b")] == [{"found": "once"}] * 2


def test_a_step_that_fills_every_slot_runs_alone(tmp_path: Path) -> None:
    run_steps(tmp_path, [make_step("a", SPAN, slots=2), make_step("b", SPAN)], 2, silent)
    first, second = spans(tmp_path)
    assert second[0] >= first[1]


def test_a_step_that_fails_is_told_after_the_others_and_runs_again_next_time(tmp_path: Path) -> None:
    broken = make_step("broken", "raise SystemExit('no luck')")
    with pytest.raises(AutoMLError, match=r"(?s)broken could not be measured.*no luck"):
        run_steps(tmp_path, [broken, make_step("fine", SAY)], 1, silent)
    assert kept(tmp_path, "fine") == {"found": "once"}
    assert kept(tmp_path, "broken") is None
    run_steps(tmp_path, [make_step("broken", SAY)], 1, silent)
    assert kept(tmp_path, "broken") == {"found": "once"}


def test_a_result_is_written_whole(tmp_path: Path) -> None:
    keep(tmp_path, "one", {"value": 1})
    keep(tmp_path, "one", {"value": 2})
    assert kept(tmp_path, "one") == {"value": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]


PROGRAM = """
import sys
from pathlib import Path
from tests.unit.benchmarks.real.test_steps import make_step, silent
from benchmarks.real.steps import run_steps
script = "import os, time\\nopen('pid', 'w').write(str(os.getpid()))\\ntime.sleep(%s)\\nopen('found', 'w').write('late')"
run_steps(Path(sys.argv[1]), [make_step("slow", script % sys.argv[2])], 1, silent)
"""


def begin(tmp_path: Path, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), str(seconds)], cwd=Path(__file__).parents[4])


def pid_of(tmp_path: Path) -> int:
    end = time.monotonic() + 300
    while not (tmp_path / "slow" / "pid").exists() or not (tmp_path / "slow" / "pid").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    return int((tmp_path / "slow" / "pid").read_text())


def test_the_command_ends_with_the_bench(tmp_path: Path) -> None:
    with begin(tmp_path, 600) as process:
        pid = pid_of(tmp_path)
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    assert not psutil.pid_exists(pid)
    assert kept(tmp_path, "slow") is None


def test_a_step_that_another_invocation_runs_is_waited_for(tmp_path: Path) -> None:
    with begin(tmp_path, 2) as process:
        pid_of(tmp_path)
        run_steps(tmp_path, [make_step("slow", SAY)], 1, silent)
    assert process.returncode == 0
    assert json.loads((tmp_path / "slow.json").read_text()) == {"found": "late"}
