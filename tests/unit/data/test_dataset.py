"""What is read of a data set."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from automl.data import read_dataset
from tests.builders.data_folder import BCCD, BOX, POLYGON, Make, needs_bccd, write_image


def test_a_plain_data_set_is_read(make: Make, tmp_path: Path) -> None:
    dataset = read_dataset(make(splits=("train", "val", "test")))
    assert dataset.file == tmp_path / "data.yaml"
    assert dataset.names == ("cat", "dog")
    assert dataset.nc == 2
    assert dataset.train.sources == (tmp_path / "images/train",)
    assert [image.name for image in dataset.train.images] == ["a.jpg", "b.jpg"]
    assert list(dataset.splits) == ["train", "val", "test"]


def test_a_missing_test_split_is_none(make: Make) -> None:
    dataset = read_dataset(make())
    assert dataset.test is None
    assert list(dataset.splits) == ["train", "val"]


def test_names_may_be_a_mapping_in_any_order(make: Make) -> None:
    assert read_dataset(make(names={1: "dog", "0": "cat"})).names == ("cat", "dog")


def test_nc_alone_numbers_the_classes(make: Make) -> None:
    assert read_dataset(make(names=None, nc=2)).names == ("class_0", "class_1")


def test_nc_may_be_written_as_a_word(make: Make) -> None:
    assert read_dataset(make(nc="2")).nc == 2


def test_validation_is_another_word_for_val(make: Make) -> None:
    assert len(read_dataset(make(val=None, validation="images/val")).val.images) == 2


def test_backgrounds_are_images_with_empty_or_missing_labels(make: Make, tmp_path: Path) -> None:
    file = make()
    write_image(tmp_path / "images/train/empty.jpg", " \n")
    write_image(tmp_path / "images/train/missing.jpg", None)
    train = read_dataset(file).train
    assert (train.boxes, train.backgrounds) == (2, 2)


def test_images_lie_at_any_depth_and_hidden_ones_do_not_count(make: Make, tmp_path: Path) -> None:
    file = make()
    write_image(tmp_path / "images/train/deep/er/C.PNG", BOX)
    write_image(tmp_path / "images/train/.hidden/d.jpg", BOX)
    write_image(tmp_path / "images/train/._e.jpg", BOX)
    (tmp_path / "images/train/notes.txt").write_text("no image")
    assert [image.name for image in read_dataset(file).train.images] == ["a.jpg", "b.jpg", "C.PNG"]


def test_a_split_may_be_a_list_of_folders(make: Make, tmp_path: Path) -> None:
    write_image(tmp_path / "images/more/c.jpg", BOX)
    dataset = read_dataset(make(train=["images/train", "images/more"]))
    assert len(dataset.train.sources) == 2
    assert len(dataset.train.images) == 3


def test_a_text_file_lists_images_from_its_own_folder(make: Make, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("./images/train/a.jpg\nimages/val/b.jpg\n\n")
    dataset = read_dataset(make(train="list.txt"))
    assert dataset.train.images == (tmp_path / "images/train/a.jpg", tmp_path / "images/val/b.jpg")


def test_a_text_file_lists_images_from_the_current_folder_too(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/train.txt").write_text("images/train/a.jpg\n")
    monkeypatch.chdir(tmp_path)
    assert read_dataset(make(train="lists/train.txt")).train.images == (tmp_path / "images/train/a.jpg",)


def test_a_relative_path_starts_from_the_files_folder(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_dataset(make(path=".")).train.sources == (tmp_path / "images/train",)


def test_a_relative_path_may_start_from_the_current_folder(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(path="set/images", train="train", val="val")
    (tmp_path / "work/set").mkdir(parents=True)
    shutil.move(tmp_path / "images", tmp_path / "work/set/images")
    shutil.move(tmp_path / "labels", tmp_path / "work/set/labels")
    monkeypatch.chdir(tmp_path / "work")
    assert read_dataset(file).train.sources == (tmp_path / "work/set/images/train",)


def test_an_absolute_path_is_taken_as_it_is(make: Make, tmp_path: Path) -> None:
    file = make(path=str(tmp_path))
    moved = tmp_path / "yaml" / "other.yaml"
    moved.parent.mkdir()
    file.rename(moved)
    assert read_dataset(moved).train.sources == (tmp_path / "images/train",)


def test_the_superfluous_dots_of_some_exports_are_forgiven(make: Make, tmp_path: Path) -> None:
    assert read_dataset(make(train="../images/train")).train.sources == (tmp_path / "images/train",)


def test_only_the_last_folder_named_images_is_replaced(make: Make, tmp_path: Path) -> None:
    inner = tmp_path / "images" / "set"
    image = inner / "images" / "c.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"pixels")
    (inner / "labels").mkdir()
    (inner / "labels/c.txt").write_text(BOX * 3)
    assert read_dataset(make(train=str(inner / "images"))).train.boxes == 3


def test_labels_may_lie_beside_images_of_another_folder(make: Make, tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/c.jpg").write_bytes(b"pixels")
    (tmp_path / "flat/c.txt").write_text(BOX)
    assert read_dataset(make(train="flat")).train.boxes == 1


def test_polygons_count_as_segments_only_where_every_object_is_one(make: Make, tmp_path: Path) -> None:
    file = make()
    assert not read_dataset(file).segments
    (tmp_path / "labels/train/a.txt").write_text(POLYGON * 2)
    assert not read_dataset(file).segments
    (tmp_path / "labels/train/b.txt").write_text(POLYGON)
    assert read_dataset(file).segments


def test_keypoints_after_a_box_are_ignored(make: Make, tmp_path: Path) -> None:
    file = make(kpt_shape=[2, 3])
    (tmp_path / "labels/train/a.txt").write_text("0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.6 1\n")
    dataset = read_dataset(file)
    assert (dataset.train.boxes, dataset.train.polygons) == (2, 0)


def test_images_shared_by_train_and_val_are_warned_of(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    read_dataset(make(val="images/train"))
    assert "2 images of val are in train too" in caplog.text


@needs_bccd
def test_a_real_data_set_is_read() -> None:
    dataset = read_dataset(BCCD / "bccd.yaml")
    sizes = {name: (len(split.images), split.boxes) for name, split in dataset.splits.items()}
    assert sizes == {"train": (205, 2804), "val": (87, 1137), "test": (72, 945)}
    assert dataset.names == ("RBC", "WBC", "Platelets")
