"""A data set written down anew, and recognized again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from automl.data import Dataset, fingerprint, read_dataset, write_resolved
from tests.builders.data_folder import BCCD, Make, needs_bccd


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
