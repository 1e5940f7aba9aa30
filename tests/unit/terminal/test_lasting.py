"""Output that outlasts its reader and its disk."""

from __future__ import annotations

import errno
import os
from io import FileIO
from pathlib import Path

import pytest

from automl.terminal.lasting import Lasting, Lines


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
