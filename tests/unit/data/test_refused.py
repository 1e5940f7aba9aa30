"""What is refused of a data set, with its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from automl.data import read_dataset
from automl.errors import BadData
from tests.builders.data_folder import BOX, Make


def complaint(file: Path) -> BadData:
    with pytest.raises(BadData) as caught:
        read_dataset(file)
    return caught.value


def complaint_about(file: Path, rows: str) -> BadData:
    """What is said when the first label file of train holds these rows."""
    (file.parent / "labels/train/a.txt").write_text(rows)
    return complaint(file)


def test_a_missing_file_suggests_its_neighbours(make: Make, tmp_path: Path) -> None:
    make()
    assert "Did you mean data.yaml?" in str(complaint(tmp_path / "dat.yaml"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'nowhere'} does not exist" in str(complaint(tmp_path / "nowhere" / "data.yaml"))


def test_a_folder_lists_the_files_that_would_do(make: Make, tmp_path: Path) -> None:
    make()
    assert f"Name the file: {tmp_path / 'data.yaml'}" in str(complaint(tmp_path))


def test_a_file_that_is_no_yaml_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{}")
    assert "give the data.yaml" in str(complaint(tmp_path / "data.json"))


def test_broken_yaml_is_refused_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("train: images/train\nval: images/val\nnames: [cat, dog\n")
    error = complaint(file)
    assert "not valid YAML" in str(error)
    assert error.line == 4


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_anything_but_a_mapping_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(text)
    assert "not a mapping" in str(complaint(file))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_bytes(b"\xff\xfe\x00names")
    assert "UTF-8" in str(complaint(file))


@pytest.mark.parametrize(
    ("keys", "message", "line"),
    [
        ({"names": None}, "no 'names'", None),
        ({"names": []}, "at least one class", 3),
        ({"names": "cat"}, "at least one class", 3),
        ({"names": {0: "cat", 2: "dog"}}, "must run from 0 to 1, not 0, 2", 3),
        ({"names": {"cat": 0}}, "must be class ids", 3),
        ({"nc": 3}, "'nc' is 3 but 'names' lists 2 classes", 6),
        ({"nc": 1.5}, "'nc' must be a whole number", 6),
        ({"nc": "many", "names": None}, "'nc' must be a whole number", 3),
        ({"train": None}, "no 'train'; add 'train:'", None),
        ({"val": None}, "no 'val'; add 'val:'", None),
        ({"val": None, "valid": "images/val"}, "rename 'valid' to 'val'", None),
        ({"train": 7}, "'train' must be a folder", 1),
        ({"train": ["images/train", 7]}, "'train' must be a folder", 1),
        ({"val": "images/vall"}, "'val: images/vall' does not exist", 2),
        ({"val": "images/vall", "download": "print(1)"}, "'download' is not run", 2),
        ({"path": "nowhere"}, "'path: nowhere' is no folder", 6),
        ({"path": 5}, "'path' must be a folder", 6),
        ({"channels": "many"}, "'channels' must be a whole number from 1, not 'many'", 6),
        ({"channels": 0}, "'channels' must be a whole number from 1, not 0", 6),
        ({"kpt_shape": "17x3"}, "'kpt_shape' must be two whole numbers", 6),
    ],
)
def test_a_wrong_key_is_refused_at_its_line(
    make: Make, keys: dict[str, object], message: str, line: int | None
) -> None:
    error = complaint(make(**keys))
    assert message in str(error)
    assert error.line == line
    assert error.file.name == "data.yaml"


def test_a_split_without_images_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "images/none").mkdir(parents=True)
    assert "'val' has no images in" in str(complaint(make(val="images/none")))


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_labels_is_refused(make: Make, tmp_path: Path, split: str) -> None:
    file = make()
    shutil.rmtree(tmp_path / "labels" / split)
    message = str(complaint(file))
    assert f"none of the 2 images of '{split}' has a labelled object" in message
    assert str(tmp_path / "labels" / split / "a.txt") in message


def test_a_test_split_may_lack_labels(make: Make, tmp_path: Path) -> None:
    file = make(splits=("train", "val", "test"))
    shutil.rmtree(tmp_path / "labels/test")
    dataset = read_dataset(file)
    assert dataset.test is not None
    assert dataset.test.boxes == 0


def test_a_listed_image_that_is_missing_is_refused_at_its_line(make: Make, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("./images/train/a.jpg\n./images/train/gone.jpg\n")
    error = complaint(make(train="list.txt"))
    assert "lists ./images/train/gone.jpg" in str(error)
    assert (error.file.name, error.line) == ("list.txt", 2)


def test_a_split_that_is_an_image_is_refused(make: Make, tmp_path: Path) -> None:
    file = make(train="images/train/a.jpg")
    (tmp_path / "images/train/a.jpg").write_bytes(b"\xff\xd8\xff")
    assert "list of images" in str(complaint(file))


def test_an_image_whose_link_leads_nowhere_is_refused(make: Make, tmp_path: Path) -> None:
    file, link = make(), tmp_path / "images/val/c.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    error = complaint(file)
    assert "cannot be read" in str(error)
    assert error.file == link


# What is refused in the labels: tests of each kind of row are in test_data_labels.py


def test_a_class_out_of_range_is_refused_with_file_and_line(make: Make, tmp_path: Path) -> None:
    error = complaint_about(make(), BOX + "\n" + "2 0.5 0.5 0.1 0.1\n")
    assert "class 2 is out of range: names has 2 (0 to 1)" in str(error)
    assert (error.file, error.line) == (tmp_path / "labels/train/a.txt", 3)
    assert f"or 'names' in {tmp_path / 'data.yaml'}" in str(error)


def test_the_first_unusable_row_is_named_and_all_are_counted(make: Make, tmp_path: Path) -> None:
    file = make()
    (tmp_path / "labels/train/b.txt").write_text("0 3 3 1 1\n")
    error = complaint_about(file, "9 0.5 0.5 0.1 0.1\n0 0.5 0.5 -0.1 0.1\n")
    assert error.line == 1
    assert "3 rows in 2 files of this split are unusable" in str(error)


def test_a_key_that_stands_twice_is_refused_at_its_second_line(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("train: a\nval: b\ntrain: c\nnames: [cat]\n")
    with pytest.raises(BadData, match=r"data\.yaml:3: 'train' stands twice; keep one of them"):
        read_dataset(file)
