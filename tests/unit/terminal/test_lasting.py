"""Output that cannot be written any more."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO, cast

import pytest

from automl.records import Notice
from automl.terminal.lasting import Lasting
from automl.terminal.progress import JsonEvents

PROGRAM = """
import sys
from automl.terminal.lasting import lasting
with lasting():
    for number in range(20000):
        print("a line of a search", number)
        print("a line of its log", number, file=sys.stderr)
open("ended", "w").close()
"""


def test_what_nobody_reads_ends_no_program(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert (tmp_path / "ended").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_full_disk_below_the_output_ends_no_program(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, "-c", PROGRAM], stdout=full, stderr=full, cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert (tmp_path / "ended").exists()


def test_a_stream_that_works_gets_every_word(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        stream = Lasting(file)
        stream.writelines(["a", "b"])
        stream.flush()
        assert (stream.name, stream.isatty()) == (file.name, False)
    assert (tmp_path / "out").read_text() == "ab"


class Broken(io.StringIO):
    """A stream without a file whose place is gone."""

    name = "events.jsonl"

    def write(self, text: str) -> int:
        raise OSError(28, os.strerror(28))


def test_a_stream_without_a_file_may_fail_too() -> None:
    assert Lasting(Broken()).write("abc") == 3


def test_a_full_disk_below_the_events_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    events = JsonEvents(cast(TextIO, Broken()))
    events(Notice(kind="note", at=1.0, values={"text": "a"}))
    events(Notice(kind="note", at=2.0, values={"text": "b"}))
    assert capsys.readouterr().err == (
        "automl: events.jsonl lacks events (No space left on device); the search goes on\n"
    )
