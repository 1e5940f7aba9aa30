"""Steps of a long measurement: kept, resumed, side by side, and ended with the process that runs them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from automl.errors import AutoMLError
from benchmarks.real.steps import keep, kept, run_steps
from tests.builders.steps import make_step


def silent(line: str) -> None:
    pass


SAY = "open('output', 'a').write('once')"
SPAN = "import time\nb = time.time()\ntime.sleep(0.6)\nopen('output', 'w').write(f'{b} {time.time()}')"
MEET = "import os, time\nopen('here', 'w')\nwhile not os.path.exists('../%s/here'): time.sleep(0.05)\n" + SAY


def test_a_step_with_a_kept_result_is_not_run_again(tmp_path: Path) -> None:
    lines: list[str] = []
    steps = [make_step("one", SAY), make_step("two", SAY)]
    run_steps(tmp_path, steps[:1], 1, lines.append)
    run_steps(tmp_path, steps, 1, lines.append)
    assert [kept(tmp_path, name) for name in ("one", "two")] == [{"output": "once"}] * 2
    assert lines == ["one ...", "one: done", "two ...", "two: done"]


def spans(tmp_path: Path) -> list[tuple[float, float]]:
    outputs = [(kept(tmp_path, name) or {})["output"].split() for name in ("a", "b")]
    return sorted((float(begin), float(end)) for begin, end in outputs)


def test_steps_share_the_slots(tmp_path: Path) -> None:
    run_steps(tmp_path, [make_step("a", MEET % "b"), make_step("b", MEET % "a")], 2, silent)  # each waits for the other
    assert [kept(tmp_path, name) for name in ("a", "b")] == [{"output": "once"}] * 2


def test_a_step_that_fills_every_slot_runs_alone(tmp_path: Path) -> None:
    run_steps(tmp_path, [make_step("a", SPAN, slots=2), make_step("b", SPAN)], 2, silent)
    first, second = spans(tmp_path)
    assert second[0] >= first[1]


def test_a_failed_step_is_reported_after_the_others_and_runs_again_next_time(tmp_path: Path) -> None:
    broken = make_step("broken", "raise SystemExit('no luck')")
    with pytest.raises(AutoMLError, match=r"(?s)broken could not be measured.*no luck"):
        run_steps(tmp_path, [broken, make_step("fine", SAY)], 1, silent)
    assert kept(tmp_path, "fine") == {"output": "once"}
    assert kept(tmp_path, "broken") is None
    run_steps(tmp_path, [make_step("broken", SAY)], 1, silent)
    assert kept(tmp_path, "broken") == {"output": "once"}


def test_a_result_is_written_whole(tmp_path: Path) -> None:
    keep(tmp_path, "one", {"value": 1})
    keep(tmp_path, "one", {"value": 2})
    assert kept(tmp_path, "one") == {"value": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]


PROGRAM = """
import sys
from pathlib import Path
from benchmarks.real.steps import run_steps
from tests.builders.steps import make_step
script = "import os, time\\nopen('pid', 'w').write(str(os.getpid()))\\ntime.sleep(%s)\\nopen('output', 'w').write('late')"
run_steps(Path(sys.argv[1]), [make_step("slow", script % sys.argv[2])], 1, print)
"""


def begin(tmp_path: Path, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), str(seconds)], cwd=Path(__file__).parents[4])


def pid_of(tmp_path: Path) -> int:
    end = time.monotonic() + 300
    while not (tmp_path / "slow" / "pid").exists() or not (tmp_path / "slow" / "pid").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    return int((tmp_path / "slow" / "pid").read_text())


def test_the_command_ends_with_the_benchmark(tmp_path: Path) -> None:
    with begin(tmp_path, 600) as process:
        pid = pid_of(tmp_path)
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    assert not psutil.pid_exists(pid)
    assert kept(tmp_path, "slow") is None


def test_a_step_that_another_process_runs_is_waited_for(tmp_path: Path) -> None:
    with begin(tmp_path, 2) as process:
        pid_of(tmp_path)
        run_steps(tmp_path, [make_step("slow", SAY)], 1, silent)
    assert process.returncode == 0
    assert json.loads((tmp_path / "slow.json").read_text()) == {"output": "late"}
