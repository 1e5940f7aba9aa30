"""The list of suspicious labels as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from automl.checks.fix_list import COLUMNS, write_fix_list
from automl.errors import AutoMLError
from automl.records.check import Suspect, SuspectKind


def suspect(image: Path, **changes: object) -> Suspect:
    fields: dict[str, object] = {
        "kind": SuspectKind.LOOSE,
        "split": "val",
        "image": str(image),
        "file": str(image.with_suffix(".txt")),
        "line": 3,
        "score": 0.87654,
        "label": (0.5, 0.5, 0.5, 0.5),
        "label_class": 0,
        "proposed": (0.25, 0.5, 0.5, 1.0),
        "proposed_class": 1,
        "why": "label and prediction share 40% of their area",
    }
    return Suspect(**{**fields, **changes})  # type: ignore[arg-type]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "zellé 1.png"
    Image.new("RGB", (200, 100)).save(file)
    return file


def test_boxes_are_in_pixels_and_classes_by_name(tmp_path: Path, image: Path) -> None:
    (row,) = rows_of(write_fix_list([suspect(image)], ["red cell", "white cell"], tmp_path / "suspects.csv"))
    assert tuple(row) == COLUMNS
    assert [row[f"label_{side}"] for side in ("left", "top", "right", "bottom")] == ["50.0", "25.0", "150.0", "75.0"]
    assert [row[f"proposed_{side}"] for side in ("left", "top", "right", "bottom")] == ["0.0", "0.0", "100.0", "100.0"]
    assert (row["class"], row["proposed_class"], row["line"]) == ("red cell", "white cell", "3")
    assert (row["image"], row["image_width"], row["score"]) == (str(image), "200", "0.877")


def test_a_missing_label_has_empty_cells(tmp_path: Path, image: Path) -> None:
    missing = suspect(image, kind=SuspectKind.MISSING, line=None, label=None, label_class=None)
    (row,) = rows_of(write_fix_list([missing], ["a", "b"], tmp_path / "suspects.csv"))
    assert (row["line"], row["class"], row["label_left"]) == ("", "", "")


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", '=HYPERLINK("http://example.org")', "\t=1", " =1"])
def test_no_name_of_a_class_is_a_formula(tmp_path: Path, image: Path, name: str) -> None:
    (row,) = rows_of(write_fix_list([suspect(image)], [name, "b"], tmp_path / "suspects.csv"))
    assert row["class"] == f"'{name}"


def test_an_image_that_is_gone_leaves_its_boxes_empty(tmp_path: Path) -> None:
    (row,) = rows_of(write_fix_list([suspect(tmp_path / "gone.jpg")], ["a", "b"], tmp_path / "suspects.csv"))
    assert (row["label_left"], row["image_width"], row["kind"]) == ("", "", "loose")


def test_no_suspects_make_a_list_with_its_head_alone(tmp_path: Path) -> None:
    assert rows_of(write_fix_list([], [], tmp_path / "suspects.csv")) == []


def test_a_place_that_takes_no_file_is_named(tmp_path: Path, image: Path) -> None:
    with pytest.raises(AutoMLError, match="--fix-list"):
        write_fix_list([suspect(image)], ["a", "b"], tmp_path / "none" / "suspects.csv")
