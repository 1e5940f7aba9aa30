"""Usable boxes that no detector learns from, and classes without any."""

from __future__ import annotations

import pytest

from tests.builders.checked import findings_of, places_of
from tests.builders.data_folder import BOX, POLYGON, Make

CASES = {  # of an image of 32 x 24 pixels
    "0 0.5 0.5 0 0.2": "labels/zero-size",
    "0 0.5 0.5 0.2 0": "labels/zero-size",
    "0 0.5 0.5 0.05 0.2": "labels/tiny-boxes",
    "0 0.5 0.5 0.2 0.07": "labels/tiny-boxes",
    "0 0.95 0.5 0.2 0.2": "labels/across-border",
    "0 0.5 0.02 0.2 0.2": "labels/across-border",
}
FINE = ("0 0.5 0.5 0.07 0.09", "0 0.5 0.5 1 1", "0 0.91 0.5 0.2 0.2")


@pytest.mark.parametrize("row", CASES)
def test_a_degenerate_box_is_named(make: Make, row: str) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").write_text(f"1 0.1 0.1 0.2 0.2\n{row}\n")
    assert places_of(data, CASES[row]) == [("a.txt", 2)]


@pytest.mark.parametrize("row", FINE)
def test_a_usual_box_is_not(make: Make, row: str) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").write_text(row)
    assert not {*CASES.values()} & {*findings_of(data)}


def test_a_class_without_boxes_is_named(make: Make) -> None:
    finding = findings_of(make())["labels/class-unused"]
    assert (finding.title, finding.places[0].text) == ("1 class of 2 has no box.", "class 1 (dog)")


def test_polygons_are_named_as_what_they_are(make: Make) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").write_text(POLYGON)
    assert "1 of 2 labels of train are polygons" in findings_of(data)["labels/boxes-and-polygons"].title
    (data.parent / "labels/train/b.txt").write_text(POLYGON + BOX.replace("0.2 0.2", "0.2 0.2 0.1 0.1"))
    assert findings_of(data)["labels/polygons"].count == 3
