"""Boxes that stand more than once are found, exactly those."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from automl.checks.repeats import NEAR, overlapping
from automl.checks.scan import scan
from tests.builders.checked import findings_of, places_of
from tests.builders.data_folder import BCCD, BOX, Make, needs_bccd

CASES = {
    "same": ("0 0.5 0.5 0.2 0.2", "labels/duplicate-boxes"),
    "same in other words": ("0.0 .50 0.500 2e-1 0.2", "labels/duplicate-boxes"),
    "near": ("0 0.501 0.5 0.2 0.2", "labels/near-duplicate-boxes"),
    "near, larger": ("0 0.5 0.5 0.205 0.205", "labels/near-duplicate-boxes"),
    "other class": ("1 0.5 0.5 0.2 0.2", "labels/two-classes"),
    "shifted": ("0 0.53 0.5 0.2 0.2", None),
    "inside": ("0 0.5 0.5 0.1 0.2", None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_second_box_is_named_by_its_line(make: Make, name: str) -> None:
    data = make()
    row, code = CASES[name]
    (data.parent / "labels/train/a.txt").write_text(f"{BOX}1 0.1 0.1 0.1 0.1\n{row}\n")
    findings = findings_of(data)
    known = {"labels/duplicate-boxes", "labels/near-duplicate-boxes", "labels/two-classes"}
    assert known & {*findings} == ({code} if code else set())
    if code:
        assert places_of(data, code) == [("a.txt", 3)]
        assert findings[code].places[0].text.endswith("with line 1")


def test_three_of_a_kind_are_two_too_many(make: Make) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").write_text(BOX * 3)
    assert places_of(data, "labels/duplicate-boxes") == [("a.txt", 2), ("a.txt", 3)]


def test_thousands_of_equal_rows_are_no_burden(make: Make) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").write_text(BOX * 5_000)
    assert findings_of(data)["labels/duplicate-boxes"].count == 4_999


def test_equal_rows_and_a_near_one_are_told_apart(make: Make) -> None:
    data = make()
    (data.parent / "labels/train/a.txt").write_text(f"{BOX}0 0.501 0.5 0.2 0.2\n{BOX}")
    assert places_of(data, "labels/duplicate-boxes") == [("a.txt", 3)]
    assert places_of(data, "labels/near-duplicate-boxes") == [("a.txt", 2)]


def test_the_same_box_in_another_image_is_none(make: Make) -> None:
    assert not {"labels/duplicate-boxes", "labels/two-classes"} & {*findings_of(make())}


def test_every_pair_is_found(make: Make) -> None:
    data = make()
    chance = np.random.default_rng(0)
    boxes = np.concatenate(
        [chance.uniform([0.4, 0.4, 0.1, 0.1], [0.43, 0.43, 0.12, 0.12], (60, 4)), [[0.4, 0.4, 0, 0]] * 2]
    )
    (data.parent / "labels/train/a.txt").write_text("".join(f"0 {' '.join(map(str, box))}\n" for box in boxes))
    split = scan(data, pixels=False).splits["train"]
    pairs = overlapping(split, np.arange(len(split.boxes)))
    assert {*zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)} == {
        pair for pair in itertools.combinations(range(62), 2) if iou(*split.boxes[list(pair)].astype(float)) >= NEAR
    }
    assert len(pairs.first) > 20


def iou(one: np.ndarray, two: np.ndarray) -> float:
    if (one == two).all():
        return 1.0
    low = np.maximum(one[:2] - one[2:] / 2, two[:2] - two[2:] / 2)
    high = np.minimum(one[:2] + one[2:] / 2, two[:2] + two[2:] / 2)
    shared = np.clip(high - low, 0, None).prod()
    return float(shared / (one[2:].prod() + two[2:].prod() - shared))


@needs_bccd
def test_the_seven_double_boxes_of_bccd_are_found() -> None:
    data = BCCD / "bccd.yaml"
    names = [name for name, _ in places_of(data, "labels/near-duplicate-boxes")]
    numbers = ("00020", "00100", "00251", "00403", "00104", "00331", "00284")
    assert names == [f"BloodImage_{number}.txt" for number in numbers]


@needs_bccd
def test_bccd_has_no_other_finding_on_files_and_labels() -> None:
    mine = ("data/", "splits/", "lists/", "images/", "labels/")
    codes = {code for code in findings_of(BCCD / "bccd.yaml", pixels=True) if code.startswith(mine)}
    assert codes == {"labels/near-duplicate-boxes"}
