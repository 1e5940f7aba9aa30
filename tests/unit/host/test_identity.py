"""Identity of a process, asked of real processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from automl.host import identity
from automl.host.identity import Seen

LINE = "from automl.host import identity; print(identity.own(), flush=True); input()"


class Child:
    """A Python process that has told its identity, and waits."""

    def __init__(self, *before: str) -> None:
        command = [*before, sys.executable, "-c", LINE]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.identity = self.process.stdout.readline().strip()

    @property
    def seen(self) -> Seen:
        return identity.ask(self.identity, self.process.pid)


@pytest.fixture(params=["proc", "psutil"])
def child(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    child = Child()
    if request.param == "psutil":  # as on macOS and Windows, which have no /proc
        monkeypatch.setattr(identity, "_PROC", Path("/nowhere"))
        began = psutil.Process(child.process.pid).create_time()
        child.identity = f"{identity.own().rpartition('#')[0]}#{began:.2f}"
    yield child
    child.process.kill()
    child.process.communicate()


def wait_for(child: Child, seen: Seen) -> bool:
    deadline = time.monotonic() + 30
    while child.seen is not seen and time.monotonic() < deadline:
        time.sleep(0.02)
    return child.seen is seen


def test_a_process_runs_is_suspended_and_goes(child: Child) -> None:
    assert child.seen is Seen.RUNS
    os.kill(child.process.pid, signal.SIGSTOP)
    assert wait_for(child, Seen.SUSPENDED)
    os.kill(child.process.pid, signal.SIGCONT)
    assert wait_for(child, Seen.RUNS)
    child.process.kill()
    assert wait_for(child, Seen.GONE)  # a zombie: nobody has waited for it
    child.process.wait()
    assert child.seen is Seen.GONE


def test_a_number_that_another_process_has_now_is_not_the_process(child: Child) -> None:
    place, _, start = child.identity.rpartition("#")
    child.identity = f"{place}#{float(start) - 10:.0f}"
    assert child.seen is Seen.GONE


def test_this_process_knows_itself() -> None:
    assert identity.ask(identity.own(), os.getpid()) is Seen.RUNS
    assert identity.own() == identity.own()


@pytest.mark.parametrize("other", ["", "rubbish", "another-boot/4026531836#5", "darwin:here#1.0"])
def test_a_process_of_another_machine_or_another_version_cannot_be_asked(other: str) -> None:
    assert identity.ask(other, os.getpid()) is Seen.UNKNOWN


def test_a_process_that_its_owner_hides_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under /proc with `hidepid`: there is a process, and nothing is to be read of it."""

    def hidden(process: str) -> tuple[str, str]:
        raise FileNotFoundError(process)

    mine = identity.own()
    monkeypatch.setattr(identity, "_stat", hidden)
    assert identity.ask(mine, os.getpid()) is Seen.UNKNOWN


def test_a_row_of_an_earlier_version_proves_a_live_process_only() -> None:
    here, me, now = socket.gethostname(), os.getpid(), time.time()
    assert identity.ask_by_name(here, me, before=now) is Seen.RUNS
    assert identity.ask_by_name(here, me, before=0.0) is Seen.UNKNOWN
    assert identity.ask_by_name("elsewhere", me, before=now) is Seen.UNKNOWN
    assert identity.ask_by_name(here, 2**22 + 1, before=now) is Seen.UNKNOWN


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
@pytest.mark.parametrize("mount", [("--mount-proc",), ()], ids=["own /proc", "/proc of the host"])
def test_another_namespace_of_process_numbers_is_another_place(mount: tuple[str, ...]) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-pf", *mount, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no new namespace can be made here: that needs root")
    child = Child(unshare, "-pf", *mount)
    try:
        assert child.identity.rpartition("#")[0] != identity.own().rpartition("#")[0]
        assert child.seen is Seen.UNKNOWN
    finally:
        child.process.communicate("\n")


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_a_process_of_the_host_cannot_be_asked_from_a_namespace_with_the_host_s_numbers() -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-pf", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no new namespace can be made here: that needs root")
    question = f"from automl.host import identity; print(identity.ask(identity.own(), {os.getpid()}).value)"
    answer = subprocess.run(
        [unshare, "-pf", sys.executable, "-c", question], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "unknown"
