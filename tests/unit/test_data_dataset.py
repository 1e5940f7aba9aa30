from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from automl.data import Dataset, fingerprint, read_dataset, write_resolved
from automl.errors import BadData

BCCD = Path(__file__).parents[2].parent / "shared" / "data" / "bccd"
needs_bccd = pytest.mark.skipif(not BCCD.is_dir(), reason="the BCCD data set is not beside the repository")
BOX = "0 0.5 0.5 0.2 0.2\n"
POLYGON = "1 0.1 0.1 0.5 0.1 0.3 0.6\n"

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a data set of two classes, two images for each split, and its data.yaml."""

    def build(*, splits: tuple[str, ...] = ("train", "val"), **keys: object) -> Path:
        for split in splits:
            for name in ("a", "b"):
                write_image(tmp_path / "images" / split / f"{name}.jpg", BOX)
        document = {split: f"images/{split}" for split in splits} | {"names": ["cat", "dog"]} | keys
        file = tmp_path / "data.yaml"
        file.write_text(yaml.safe_dump({k: v for k, v in document.items() if v is not None}, sort_keys=False))
        return file

    return build


def write_image(image: Path, labels: str | None) -> Path:
    """A file that passes for an image, as nothing opens it, and the label file that belongs to it."""
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_bytes(b"pixels")
    label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
    label.parent.mkdir(parents=True, exist_ok=True)
    if labels is not None:
        label.write_text(labels)
    return label


def complaint(file: Path) -> BadData:
    with pytest.raises(BadData) as caught:
        read_dataset(file)
    return caught.value


def complaint_about(file: Path, rows: str) -> BadData:
    """What is said when the first label file of train holds these rows."""
    (file.parent / "labels/train/a.txt").write_text(rows)
    return complaint(file)


# What is read


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


def test_two_thousand_label_files_are_read_in_less_than_a_second(make: Make, tmp_path: Path) -> None:
    file = make()
    (tmp_path / "images/many").mkdir()
    (tmp_path / "labels/many").mkdir()
    for number in range(2_000):
        (tmp_path / f"images/many/{number}.jpg").write_bytes(b"pixels")
        (tmp_path / f"labels/many/{number}.txt").write_text(BOX * 5)
    file.write_text("train: images/many\nval: images/val\nnames: [cat]\n")
    began = time.process_time()
    assert read_dataset(file).train.boxes == 10_000
    assert time.process_time() - began < 1


# What is refused in the data.yaml


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


def test_an_empty_image_file_is_refused(make: Make, tmp_path: Path) -> None:
    file = make()
    (tmp_path / "images/val/b.jpg").write_bytes(b"")
    error = complaint(file)
    assert "empty file" in str(error)
    assert error.file == tmp_path / "images/val/b.jpg"


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


# write_resolved


def test_a_resolved_file_means_the_same_from_everywhere(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = read_dataset(make(splits=("train", "val", "test"), path=".", channels=1))
    target = write_resolved(dataset, tmp_path / "study" / "data.yaml")
    monkeypatch.chdir("/")
    document = yaml.safe_load(target.read_text())
    assert document["train"] == str(tmp_path / "images/train")
    assert document["channels"] == 1
    assert without_file(read_dataset(target)) == without_file(dataset)


def test_a_resolved_list_file_names_absolute_images(make: Make, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("./images/train/a.jpg\n")
    dataset = read_dataset(make(train="list.txt", val=["images/val", "images/train"]))
    target = write_resolved(dataset, tmp_path / "study" / "data.yaml")
    document = yaml.safe_load(target.read_text())
    assert document["train"] == str(tmp_path / "study/data-train.txt")
    assert document["val"] == [str(tmp_path / "images/val"), str(tmp_path / "images/train")]
    assert read_dataset(target).train.images == dataset.train.images


def test_a_resolved_file_never_downloads(make: Make, tmp_path: Path) -> None:
    target = write_resolved(read_dataset(make(download="print(1)")), tmp_path / "resolved.yaml")
    assert "download" not in yaml.safe_load(target.read_text())


def without_file(dataset: Dataset) -> tuple[object, ...]:
    return dataset.names, dataset.splits, dict(dataset.extra)


# fingerprint


def test_a_fingerprint_does_not_depend_on_the_place(make: Make, tmp_path: Path) -> None:
    first = fingerprint(read_dataset(make()))
    copy = tmp_path.with_name(tmp_path.name + "-copy")
    shutil.copytree(tmp_path, copy)
    assert fingerprint(read_dataset(copy / "data.yaml")) == first
    assert first.startswith("sha256:")
    assert len(first) == 7 + 32


def test_a_fingerprint_does_not_depend_on_how_images_are_named_in_the_file(make: Make, tmp_path: Path) -> None:
    first = fingerprint(read_dataset(make()))
    (tmp_path / "list.txt").write_text("./images/train/b.jpg\n./images/train/a.jpg\n")
    assert fingerprint(read_dataset(make(train="list.txt"))) == first


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels/train/a.txt", "1 0.5 0.5 0.2 0.2\n"),
        ("labels/val/b.txt", ""),
        ("images/val/b.jpg", "other pixels"),
        ("images/train/c.jpg", "pixels"),
    ],
)
def test_a_fingerprint_sees_changed_labels_and_images(make: Make, tmp_path: Path, file: str, content: str) -> None:
    data = make()
    before = fingerprint(read_dataset(data))
    (tmp_path / file).write_text(content)
    assert fingerprint(read_dataset(data)) != before


def test_a_fingerprint_sees_renamed_classes_and_swapped_splits(make: Make) -> None:
    prints = {
        fingerprint(read_dataset(make(**keys)))
        for keys in (
            {},
            {"names": ["cat", "cow"]},
            {"val": ["images/val", "images/train"]},
            {"test": "images/val"},
        )
    }
    assert len(prints) == 4


@needs_bccd
def test_a_real_fingerprint_survives_a_copy(tmp_path: Path) -> None:
    shutil.copytree(BCCD, tmp_path / "copy")
    copied = fingerprint(read_dataset(tmp_path / "copy" / "bccd.yaml"))
    assert copied == fingerprint(read_dataset(BCCD / "bccd.yaml"))
