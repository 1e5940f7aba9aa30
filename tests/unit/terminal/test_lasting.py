"""Output that outlasts its reader and its disk."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from io import FileIO
from pathlib import Path

import pytest

from automl.terminal.lasting import Lasting, Lines

PROGRAM = """
import sys
from automl.terminal.lasting import outlast
outlast()
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


@pytest.mark.fault
def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        lasting = Lasting(stream)
        os.close(reader)
        for _ in range(3):
            assert lasting.write("line\n") == 5
            lasting.flush()
        assert lasting.encoding == stream.encoding


class Full(FileIO):
    """A file on a disk that takes three bytes more, until it is mended."""

    full = True

    def write(self, content: object) -> int:
        data = bytes(memoryview(content))  # type: ignore[arg-type]
        if not self.full:
            return super().write(data)
        super().write(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_is_written_whole_or_left_out(tmp_path: Path) -> None:
    with Full(str(tmp_path / "events.jsonl"), "ab") as file:
        lines = Lines(file)
        assert not lines.add('{"epoch": 1}\n')
        assert lines.problem is not None
        file.full = False
        assert lines.add('{"epoch": 2}\n')
        assert lines.problem is None
    assert (tmp_path / "events.jsonl").read_text() == '{"epoch": 2}\n'
