"""Words for what a machine refuses."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl.host.shortage import in_words

PROGRAM = """
import resource, sys
from automl.terminal.exits import exit_codes
with exit_codes():
    {fault}
"""
FILES = "resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)); files = [open(sys.executable, 'rb') for _ in range(9)]"
MEMORY = "resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); bytearray(1 << 30)"


@pytest.mark.fault
@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
@pytest.mark.parametrize(("fault", "way_out"), [(FILES, "ulimit -n"), (MEMORY, "ulimit -v")])
def test_a_limit_that_is_reached_ends_a_command_with_one_sentence(fault: str, way_out: str) -> None:
    command = [sys.executable, "-c", PROGRAM.format(fault=fault)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr.partition("automl:")[0]
    assert "automl: " in done.stderr
    assert way_out in done.stderr


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="sets limits of Linux")
@pytest.mark.parametrize(
    ("fault", "way_out"), [("RLIMIT_NOFILE, (64, 64)", "ulimit -n"), ("RLIMIT_AS, (3 << 30, 3 << 30)", "ulimit -v")]
)
@pytest.mark.parametrize("command", ["search", "resume", "confirm"])
def test_limits_that_ray_does_not_bear_are_refused_before_it_begins(fault: str, way_out: str, command: str) -> None:
    program = f"import resource, sys; resource.setrlimit(resource.{fault}); from automl.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, command], capture_output=True, text=True, check=False)
    assert (done.returncode, way_out in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "permissions"),
        (errno.ENOENT, "Put it back"),
        (errno.ENOMEM, "memory"),
        (errno.EAGAIN, "process"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_what_the_system_refuses_has_a_way_out(tmp_path: Path, number: int, words: str) -> None:
    assert words in (in_words(OSError(number, os.strerror(number), str(tmp_path / "file"))) or "")


def test_a_thread_that_cannot_begin_has_a_way_out_and_other_errors_keep_their_traceback() -> None:
    assert "ulimit -u" in (in_words(RuntimeError("can't start new thread")) or "")
    assert in_words(RuntimeError("another")) is None
    assert in_words(ValueError("another")) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_limit_of_open_files_that_may_be_raised_is_raised() -> None:
    program = (
        "import resource as r; from automl.host.shortage import check_limits; "
        "r.setrlimit(r.RLIMIT_NOFILE, (256, 4096)); check_limits(); print(*r.getrlimit(r.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("512 4096\n", "")
