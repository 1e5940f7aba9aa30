from __future__ import annotations

import os
from pathlib import Path

import pytest

from automl.data.labels import LabelRules, label_path, parse_labels, read_labels

RULES = LabelRules(nc=3)


def problem_of(row: str) -> str:
    problems = parse_labels(row, RULES).problems
    assert len(problems) == 1
    return problems[0][1]


def test_boxes_are_counted_and_blank_lines_are_not() -> None:
    labels = parse_labels("0 0.5 0.5 1 1\n\n2 0.1 0.1 0.05 0.05\n", RULES)
    assert (labels.boxes, labels.polygons, labels.problems) == (2, 0, ())


def test_polygons_are_boxes_too() -> None:
    labels = parse_labels("0 0.1 0.1 0.2 0.1 0.2 0.2\n1 0 0 1 0 1 1 0 1\n", RULES)
    assert (labels.boxes, labels.polygons, labels.problems) == (2, 2, ())


@pytest.mark.parametrize("row", ["0 1.005 0.5 0.1 0.1", "0 -0.005 0.5 0.1 0.1", "1.0 0.5 0.5 1.01 1", "0 .5 .5 0 0"])
def test_rows_that_the_trainer_accepts_are_accepted(row: str) -> None:
    assert parse_labels(row, RULES).problems == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("3 0.5 0.5 0.1 0.1", "class 3 is out of range: names has 3 (0 to 2)"),
        ("-1 0.5 0.5 0.1 0.1", "class -1 is out of range"),
        ("0.5 0.5 0.5 0.1 0.1", "class 0.5 is not a whole number"),
        ("nan 0.5 0.5 0.1 0.1", "class nan is not a whole number"),
        ("inf 0.5 0.5 0.1 0.1", "class inf is not a whole number"),
        ("0 1.2 0.5 0.1 0.1", "1.2 is outside 0 to 1"),
        ("0 0.5 0.5 320 240", "320 is outside 0 to 1; boxes are fractions of the image, not pixels"),
        ("0 -0.2 0.5 0.1 0.1", "-0.2 is outside 0 to 1"),
        ("0 nan 0.5 0.1 0.1", "nan is not a number"),
        ("0 0.5 0.5 nan 0.1", "nan is not a number"),
        ("0 0.1 0.1 0.2 0.1 0.2 nan", "nan is not a number"),
        ("0 nan 0.1 0.2 0.1 0.2 0.2", "nan is not a number"),
        ("0 0.1 0.1 0.2 0.1 0.2 -inf", "-inf is outside 0 to 1"),
        ("0 0.5 0.5 -0.1 0.1", "negative size -0.1"),
        ("0 0.5 0.5 0.1", "4 columns where a box has 5"),
        ("0 0.5 0.5 0.1 0.1 0.9", "6 columns where a box has 5"),
        ("0 0.5 0.5 0.1 0.1 0.1 0.2 0.3", "8 columns where a polygon has"),
        ("0 0 0 3 0 3 3", "1.5 is outside 0 to 1"),
        ("cat 0.5 0.5 0.1 0.1", "'cat 0.5 0.5 0.1 0.1' is not a row of numbers"),
        ("0,0.5,0.5,0.1,0.1", "is not a row of numbers"),
        ("x " * 50, "...' is not a row of numbers"),
    ],
)
def test_rows_that_the_trainer_drops_are_problems(row: str, message: str) -> None:
    assert message in problem_of(row)


def test_a_box_among_polygons_is_a_problem_at_its_line() -> None:
    labels = parse_labels("0 0.1 0.1 0.2 0.1 0.2 0.2\n0 0.5 0.5 0.1 0.1\n", RULES)
    assert labels.problems == ((2, "a box among polygons; a file holds either boxes or polygons"),)


def test_every_problem_of_a_file_is_listed() -> None:
    labels = parse_labels("9 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.1\n\n0 7 7 1 1\n", RULES)
    assert [line for line, _ in labels.problems] == [1, 4]


def test_keypoints_are_cut_off() -> None:
    rules = LabelRules(nc=3, keypoint_columns=4)
    labels = parse_labels("0 0.5 0.5 0.1 0.1 0.4 0.4 0.6 9\n", rules)
    assert (labels.boxes, labels.polygons, labels.problems) == (1, 0, ())


def test_a_missing_file_has_no_objects(tmp_path: Path) -> None:
    assert read_labels(str(tmp_path / "none.txt"), RULES).boxes == 0


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbf0 0.5 0.5 0.1 0.1\r\n1 0.5 0.5 0.1 0.1\r\n")
    assert read_labels(str(file), RULES).boxes == 2
    assert read_labels(str(file), RULES).problems == ()


def test_bytes_that_are_no_text_are_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xff\xfe0")
    assert read_labels(str(file), RULES).problems == ((1, "not a text file in UTF-8"),)


def test_a_folder_in_place_of_a_label_file_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read" in read_labels(str(tmp_path), RULES).problems[0][1]


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("/d/images/train/a.jpg", "/d/labels/train/a.txt"),
        ("/images/d/images/a.b.png", "/images/d/labels/a.b.txt"),
        ("/d/pictures/a.jpg", "/d/pictures/a.txt"),
        ("/d/images2/a.jpg", "/d/images2/a.txt"),
    ],
)
@pytest.mark.skipif(os.sep != "/", reason="written with slashes")
def test_labels_are_looked_for_where_the_trainer_looks(image: str, label: str) -> None:
    assert label_path(image) == label
