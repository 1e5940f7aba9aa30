"""Label rows and files that cannot be used are named by file and line, each kind by its own code."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.checks.scan import scan
from automl.records import Severity
from tests.builders.checked import findings_of, places_of
from tests.builders.damaged import LFS
from tests.builders.data_folder import BOX, POLYGON, Make

ROWS = {
    "0 0.5 0.5 0.2": "labels/columns",
    "0 0.5 0.5 0.2 0.2 0.9": "labels/columns",
    "0": "labels/columns",
    "0 0.5 0.5 0.2 0.2 0.1 0.1 0.3": "labels/columns",
    "cat 0.5 0.5 0.2 0.2": "labels/text",
    "0,0.5,0.5,0.2,0.2": "labels/text",
    "# 0 0.5 0.5 0.2 0.2": "labels/text",
    "0 nan 0.5 0.2 0.2": "labels/not-finite",
    "0 0.5 0.5 inf 0.2": "labels/not-finite",
    "nan 0.5 0.5 0.2 0.2": "labels/class-not-whole",
    "1.5 0.5 0.5 0.2 0.2": "labels/class-not-whole",
    "-1 0.5 0.5 0.2 0.2": "labels/class-out-of-range",
    "2 0.5 0.5 0.2 0.2": "labels/class-out-of-range",
    "0 0.5 0.5 -0.2 0.2": "labels/negative-size",
    "0 -0.5 0.5 0.2 0.2": "labels/outside-image",
    "0 1.2 0.5 0.2 0.2": "labels/outside-image",
    "0 300 200 40 50": "labels/pixels-instead-of-fractions",
}
FILES = {
    BOX.encode("utf-16"): "labels/encoding",
    b"0 0.5 0.5 0.2 0.2 \xe9\n": "labels/encoding",
    LFS: "labels/pointer",
}
USABLE = {
    "tabs": "0\t0.5\t0.5\t0.2\t0.2",
    "windows": "0 0.5 0.5 0.2 0.2\r\n",
    "mark": "\ufeff0 0.5 0.5 0.2 0.2",
    "blank lines": "\n\n0 0.5 0.5 0.2 0.2\n\n",
    "whole float": "1.0 0.5 0.5 0.2 0.2",
    "bit outside": "0 1.005 0.5 0.2 0.2",
    "polygon": POLYGON,
}


def label(data: Path, content: bytes) -> Path:
    """The label file of the first image, with another content."""
    file = data.parent / "labels/train/a.txt"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_named_by_its_line(make: Make, row: str) -> None:
    data = make()
    alone = "columns" in ROWS[row] and len(row.split()) > 6  # a polygon, beside which no box may stand
    label(data, f"{POLYGON if alone else BOX}\n{row}\n".encode())
    assert places_of(data, ROWS[row]) == [("a.txt", 3)]
    assert findings_of(data)[ROWS[row]].severity is Severity.ERROR


def test_boxes_among_polygons_are_named(make: Make) -> None:
    data = make()
    label(data, (POLYGON + BOX).encode())
    assert places_of(data, "labels/boxes-among-polygons") == [("a.txt", 2)]


@pytest.mark.parametrize("content", FILES)
def test_a_file_is_named(make: Make, content: bytes) -> None:
    data = make()
    label(data, content)
    assert places_of(data, FILES[content]) == [("a.txt", 1)]


def test_a_folder_and_a_link_to_nowhere_are_no_label_files(make: Make) -> None:
    data = make()
    label(data, b"").unlink()
    (data.parent / "labels/train/a.txt").mkdir()
    (data.parent / "labels/val/b.txt").unlink()
    (data.parent / "labels/val/b.txt").symlink_to(data.parent / "nowhere")
    assert sorted(places_of(data, "labels/unreadable")) == [("a.txt", 1), ("b.txt", 1)]


@pytest.mark.parametrize("text", USABLE.values(), ids=USABLE)
def test_usable_rows_are_no_problem(make: Make, text: str) -> None:
    data = make()
    label(data, text.encode())
    train = scan(data, pixels=False).splits["train"]
    assert (train.problems, len(train.boxes)) == ((), 2)


def test_good_rows_beside_bad_ones_become_boxes_with_their_lines(make: Make) -> None:
    data = make()
    label(data, b"9 0.5 0.5 0.1 0.1\n\n1 0.5 0.25 0.1 0.3\n")
    train = scan(data, pixels=False).splits["train"]
    first = train.box_image == 0
    assert train.box_line[first].tolist() == [3]
    assert train.box_class[first].tolist() == [1]
    assert train.boxes[first].round(3).tolist() == [pytest.approx([0.5, 0.25, 0.1, 0.3])]


def test_a_polygon_becomes_the_box_that_encloses_it(make: Make) -> None:
    data = make()
    label(data, b"1 0.1 0.1 0.5 0.1 0.3 0.6\n")
    train = scan(data, pixels=False).splits["train"]
    assert train.boxes[0].tolist() == pytest.approx([0.3, 0.35, 0.4, 0.5])
    assert train.polygon.tolist() == [True, False]


def test_one_row_is_told_in_the_singular(make: Make) -> None:
    data = make()
    label(data, b"9 0.5 0.5 0.1 0.1\n")
    title = findings_of(data)["labels/class-out-of-range"].title
    assert title == (
        "1 label row of train has a class that 'names' does not list: Ultralytics would leave out the whole image."
    )
