"""Images without label files, and label files without images, are named with where was looked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from automl.records import Severity
from tests.builders.checked import findings_of, places_of
from tests.builders.data_folder import BOX, Make, write_image


def without_labels(data: Path, split: str = "train") -> Path:
    for file in (data.parent / "labels" / split).iterdir():
        file.unlink()
    return data.parent


def test_an_image_without_a_label_file_counts_as_background(make: Make) -> None:
    data = make()
    for number in range(20):
        write_image(data.parent / f"images/train/{number}.jpg", BOX)
    (data.parent / "labels/train/7.txt").unlink()
    finding = findings_of(data)["images/no-label-file"]
    assert (finding.count, finding.severity) == (1, Severity.NOTE)
    assert finding.places[0].other == str(data.parent / "labels/train/7.txt")
    assert "labels/train/7.txt" in finding.advice


def test_many_images_without_label_files_are_a_warning(make: Make) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").unlink()
    assert findings_of(data)["images/no-label-file"].severity is Severity.WARNING


@pytest.mark.parametrize(("split", "severity"), [("val", Severity.ERROR), ("test", Severity.WARNING)])
def test_a_split_without_any_object_is_named(make: Make, split: str, severity: Severity) -> None:
    data = make(splits=("train", "val", "test"))
    for file in (data.parent / "labels" / split).iterdir():
        file.write_text("\n")
    finding = findings_of(data)["labels/none"]
    assert (finding.split, finding.severity, finding.count) == (split, severity, 1)


@pytest.mark.parametrize(
    "place",
    [
        "images/train/a.txt",
        "images/train/labels/a.txt",
        "images/labels/a.txt",
        "images/annotations/a.txt",
        "images/train/a.xml",
        "labels/train/a.json",
    ],
)
def test_labels_elsewhere_are_pointed_at(make: Make, place: str) -> None:
    data = make()
    other = without_labels(data) / place
    other.parent.mkdir(exist_ok=True)
    other.write_text(BOX)
    finding = findings_of(data)["labels/none"]
    assert str(other) in finding.advice
    assert str(data.parent / "labels/train/a.txt") in finding.advice


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_folder_where_labels_are_looked_for_ends_no_check(make: Make) -> None:
    closed = without_labels(make()) / "images" / "train" / "labels"
    closed.mkdir(mode=0)
    try:
        assert "labels/none" in findings_of(closed.parents[2] / "data.yaml")
    finally:
        closed.chmod(0o700)


def test_folders_of_classes_speak_for_classification(make: Make) -> None:
    data = make(train="sorted/train")
    for name in ("cat", "dog"):
        write_image(data.parent / f"sorted/train/{name}/1.jpg", None)
    assert "classification" in findings_of(data)["labels/none"].advice


def test_label_files_without_images_are_named(make: Make) -> None:
    data = make()
    (data.parent / "labels/val/gone.txt").write_text(BOX)
    (data.parent / "labels/val/classes.txt").write_text("cat\ndog\n")
    (data.parent / "labels/train/README.txt").write_text("by hand")
    assert places_of(data, "labels/without-image") == [("gone.txt", None)]
    assert "data/class-lists-differ" not in findings_of(data)


def test_a_label_file_whose_image_is_merely_not_listed_is_no_orphan(make: Make) -> None:
    data = make(train="list.txt")
    (data.parent / "list.txt").write_text("./images/train/a.jpg\n")
    assert places_of(data, "labels/without-image") == []


@pytest.mark.parametrize("place", ["labels/train/classes.txt", "labels/classes.txt"])
def test_a_list_of_classes_in_another_order_is_named(make: Make, place: str) -> None:
    data = make()
    (data.parent / place).write_text("dog\ncat\n")
    assert places_of(data, "data/class-lists-differ") == [("classes.txt", 1)]
