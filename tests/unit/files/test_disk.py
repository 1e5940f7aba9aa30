"""Errors of a disk, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from automl.files.atomic import replacing
from automl.files.disk import not_written, unwritable


def of_system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (of_system(errno.ENOSPC), "is full"),
        (of_system(errno.EROFS), "Read-only file system"),
        (of_system(errno.EACCES), "Permission denied"),
    ],
)
def test_a_file_that_could_not_be_written_names_the_disk_and_the_way_out(
    tmp_path: Path, error: OSError, words: str
) -> None:
    text = str(not_written(error, tmp_path / "best.pt"))
    assert words in text
    assert str(tmp_path) in text
    assert text.endswith("and resume")


def test_a_folder_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    text = str(not_written(of_system(errno.ENOENT), tmp_path / "gone" / "best.pt"))
    assert f"{tmp_path / 'gone'} is gone" in text


def test_a_full_disk_is_told_from_other_errors() -> None:
    assert unwritable(of_system(errno.ENOSPC))
    assert not unwritable(of_system(errno.ENOENT))
    assert not unwritable(ValueError("full"))


def test_a_block_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.pt"
    file.write_text("old")
    with pytest.raises(TypeError), replacing(file) as part, part.open("w") as stream:
        stream.writelines(["n", 1])  # type: ignore[list-item]
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, names = tmp_path / "snapshot.pt", []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (names.append(file.exists()), sync(handle)))
    with replacing(file) as part:
        part.write_text("new")
    assert names == [False, True]  # the content first, then its name
