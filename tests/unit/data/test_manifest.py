"""Record of the files of a study's data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from automl.data.dataset import read_dataset, write_resolved
from automl.data.manifest import check_files, manifest_of, record_files
from automl.errors import DataChanged
from tests.builders.train_tiny import draw_data

IMAGE, LABEL = "images/val/3.png", "labels/val/3.txt"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The study's data.yaml, with its record."""
    dataset = read_dataset(draw_data(tmp_path / "set"))
    file = write_resolved(dataset, tmp_path / "study" / "data.yaml")
    record_files(dataset, file)
    return file


def swap(file: Path) -> None:
    """Other content of the same size."""
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)


def copy_to(name: str) -> Callable[[Path], object]:
    return lambda file: shutil.copyfile(file, file.with_name(name))


@pytest.mark.fault
@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (IMAGE, Path.unlink, "1 image of val is missing"),
        (IMAGE, copy_to("new.png"), "1 image of val was added"),
        (IMAGE, swap, "1 image of val was changed"),
        (IMAGE, lambda file: file.write_bytes(b""), "1 image of val was changed"),
        (LABEL, Path.unlink, "1 label file of val is missing"),
        (LABEL, lambda file: file.write_text(""), "1 label file of val was changed"),
        (LABEL, lambda file: file.write_text(file.read_text().replace("0.", "0.", 1)[::-1]), "label file of val was"),
        ("images/train/0.png", Path.unlink, "1 image of train is missing"),
        ("labels/train/0.txt", swap, "1 label file of train was changed"),
        ("images/val", shutil.rmtree, "images/val cannot be read (No such file or directory)"),
    ],
)
def test_a_difference_is_named_with_the_file(
    data: Path, tmp_path: Path, file: str, change: Callable[[Path], object], words: str
) -> None:
    change(tmp_path / "set" / file)
    with pytest.raises(DataChanged) as error:
        check_files(data, {"train", "val"})
    assert words in str(error.value)
    assert str(tmp_path / "set" / file).removesuffix("3.png") in str(error.value)
    assert "resume" in str(error.value)


def test_a_label_file_that_was_added_is_named(tmp_path: Path) -> None:
    file = draw_data(tmp_path / "set")
    label = tmp_path / "set" / LABEL
    content = label.read_text()
    label.unlink()
    data = write_resolved(read_dataset(file), tmp_path / "study" / "data.yaml")
    record_files(read_dataset(file), data)
    assert check_files(data, {"val"}) == {"val": 4}
    label.write_text(content)
    with pytest.raises(DataChanged, match="1 label file of val was added"):
        check_files(data, {"val"})


def test_files_that_were_copied_back_are_as_before(data: Path, tmp_path: Path) -> None:
    image = tmp_path / "set" / IMAGE
    content = image.read_bytes()
    image.unlink()
    image.write_bytes(content)
    os.utime(image, (1, 1))
    assert check_files(data, {"train", "val"}) == {"train": 10, "val": 4}


@pytest.mark.parametrize("line", ["missing", "added"])
def test_a_study_notices_a_change_of_its_own_list_of_images(tmp_path: Path, line: str) -> None:
    file = draw_data(tmp_path / "set")
    (tmp_path / "set" / "val.txt").write_text("".join(f"./images/val/{n}.png\n" for n in range(3)))
    file.write_text("train: images/train\nval: val.txt\nnames: [square, disc]\n")
    data = write_resolved(read_dataset(file), tmp_path / "study" / "data.yaml")
    record_files(read_dataset(file), data)
    assert check_files(data, {"val"}) == {"val": 3}
    listing = data.with_name("data-val.txt")
    lines = listing.read_text().splitlines()
    lines = lines[:2] if line == "missing" else [*lines, str(tmp_path / "set" / "images" / "val" / "3.png")]
    listing.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataChanged, match=f"1 image of val (is|was) {line}"):
        check_files(data, {"val"})


def test_a_data_set_that_has_moved_is_recorded_anew_and_one_that_has_changed_is_refused(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "set").rename(tmp_path / "moved")
    dataset = read_dataset(tmp_path / "moved" / "data.yaml")
    record_files(dataset, write_resolved(dataset, data))
    assert check_files(data, {"val"}) == {"val": 4}
    swap(tmp_path / "moved" / IMAGE)  # of which no fingerprint tells
    with pytest.raises(DataChanged, match="1 image of val was changed"):
        record_files(dataset, write_resolved(dataset, data))


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"format": 99, "splits": {}}'])
def test_without_a_record_that_can_be_read_nothing_is_compared(data: Path, tmp_path: Path, content: str | None) -> None:
    manifest_of(data).unlink()
    if content is not None:
        manifest_of(data).write_text(content)
    (tmp_path / "set" / IMAGE).unlink()
    assert check_files(data, {"val"}) == {}
