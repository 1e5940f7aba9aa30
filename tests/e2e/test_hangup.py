"""A search whose terminal goes, that was detached from it, or whose process stands still."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from automl.drivers.ray_tune import HUNG_UP
from automl.records import StudyState
from tests.builders.cli import COMMAND, ONE_SLOT, WAIT_S, Place, ctrl_c, environment, family, wait_for
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
SURROGATE = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "200", *ONE_SLOT, "--no-early-end")
LONG = (*SURROGATE, "--confirm", "0", "--recipe-only", "--budget", "900trials", "--name")
SHORT = (*SURROGATE, "--confirm", "0", "--recipe-only", "--budget", "12trials", "--name")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder with data; searches that a test has left there are ended."""
    draw_data(tmp_path)
    place = Place(tmp_path)
    yield place
    for row in place.studies():
        if row.state is StudyState.RUNNING:
            for process in family(row.pid):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


class Terminal:
    """A terminal of its own in which a command runs."""

    def __init__(self, place: Place, *words: str) -> None:
        self.shown = ""
        self.pid, self._master = pty.fork()
        if not self.pid:
            os.chdir(place.folder)
            os.execve(sys.executable, [*COMMAND, *words], environment(AUTOML_HOME=str(place.home), TERM="xterm"))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError):
            while chunk := os.read(self._master, 4096):
                self.shown += chunk.decode(errors="replace")

    def close(self) -> None:
        """End it as a dropped connection does: the kernel sends SIGHUP, and what is written fails."""
        os.dup2(os.open(os.devnull, os.O_RDONLY), self._master)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def code(self) -> int:
        """Exit code of the command, once it has ended."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"still runs; shown:\n{self.shown[-2000:]}")


@pytest.mark.fault
def test_a_search_goes_on_to_its_end_when_its_terminal_goes(place: Place) -> None:
    terminal = Terminal(place, *SHORT, "night")
    wait_for("some trials", lambda: len(place.trials("night")) > 1 or terminal_over(terminal))
    terminal.close()
    assert terminal.code() == 0
    row = place.study("night")
    assert (row.state, row.trials) == (StudyState.FINISHED, 12)
    assert HUNG_UP in place.notes("night")


def terminal_over(terminal: Terminal) -> bool:
    if not psutil.pid_exists(terminal.pid):
        raise AssertionError(terminal.shown[-2000:])
    return False


@pytest.mark.long
@pytest.mark.fault
def test_a_search_whose_output_nobody_reads_goes_on(place: Place) -> None:
    with place.start(*SHORT, "piped") as process:
        wait_for("some trials", lambda: len(place.trials("piped")) > 1, process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        assert process.wait(timeout=WAIT_S) == 0
        process.stdout = process.stderr = None
    assert place.study("piped").state is StudyState.FINISHED


@pytest.mark.fault
def test_a_detached_search_is_seen_from_another_terminal_and_stopped(place: Place) -> None:
    begun = place.run(*LONG, "far", "--detach")
    assert (begun.returncode, begun.stderr) == (0, "")
    assert "recipes are tried" in begun.stdout  # the plan
    assert "automl attach far" in begun.stdout
    row = place.study("far")
    assert (row.state, os.getsid(row.pid)) == (StudyState.RUNNING, row.pid)
    log = re.search(r"its log +(\S+)", begun.stdout)
    assert log is not None
    wait_for("a second trial", lambda: len(place.trials("far")) > 1)

    terminal = Terminal(place, "attach")
    wait_for("the table", lambda: "running for" in terminal.shown or terminal_over(terminal))
    terminal.type(b"\x03")
    assert terminal.code() == 0
    assert "The search goes on. See it again: automl attach far" in terminal.shown
    assert place.study("far").state is StudyState.RUNNING

    with place.start("attach", "far") as second:
        wait_for("attached", lambda: second.poll() is None)
        assert place.run("stop", "far").returncode == 0
        stdout, stderr = second.communicate(timeout=WAIT_S)
    assert second.returncode == 0
    assert "stopped by `automl stop`" in stdout
    assert stderr.endswith("Go on with: automl resume far\n")
    assert place.study("far").state is StudyState.INTERRUPTED
    wait_for("the end of its process", lambda: not psutil.pid_exists(row.pid))
    assert "recipes are tried" in Path(log[1]).read_text()

    again = place.run("resume", "far", "--detach", "--json")
    assert again.returncode == 0
    document = json.loads(again.stdout)
    assert (document["study"], document["log"]) == ("far", log[1])
    assert place.study("far").pid == document["process"]
    assert place.run("attach", "missing").returncode == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--data", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("--budget", "much"), "much"),
        (("--dry-run",), "--dry-run begins no study"),
        (("--export", "hyp.yaml"), "--export"),
        (("--epochz", "3"), "--epochz"),
    ],
)
def test_wrong_input_of_a_detached_search_is_told_before_it_returns(
    place: Place, words: tuple[str, ...], sentence: str
) -> None:
    answer = place.run(*SHORT, "wrong", *words, "--detach")
    assert answer.returncode == 2
    assert sentence in answer.stderr
    assert place.studies() == []


@pytest.mark.fault
def test_ctrl_c_before_a_detached_study_has_begun_leaves_nothing(place: Place) -> None:
    with place.start(*LONG, "early", "--detach") as process:
        wait_for("its folder", lambda: (place.home / "studies" / "early").exists(), process)
        ctrl_c(process)
        _, stderr = process.communicate(timeout=WAIT_S)
    assert (process.returncode, stderr) == (130, "automl: interrupted\n")
    assert place.studies() == []


@pytest.mark.fault
@pytest.mark.long
def test_the_study_of_a_suspended_search_is_not_taken_over(place: Place) -> None:
    with place.start(*LONG, "still", "--quiet") as process:
        wait_for("the first trial", lambda: place.trials("still"), process)
        os.kill(process.pid, signal.SIGSTOP)
        wait_for("a standstill", lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        refused = place.run("resume", "still")
        assert refused.returncode == 2
        assert f"`kill -CONT {process.pid}`" in refused.stderr
        deleted = place.run("delete", "still", "--yes")
        assert (deleted.returncode, "is suspended" in deleted.stderr) == (2, True)
        assert "is suspended" in place.run("status", "still").stdout
        asked = place.run("stop", "still")
        assert (asked.returncode, "is suspended" in asked.stdout) == (0, True)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(timeout=WAIT_S) == 0
    assert place.study("still").state is StudyState.INTERRUPTED
