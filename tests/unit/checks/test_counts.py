"""Findings on numbers, from facts made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from automl.checks import counts
from automl.checks.facts import Facts, RowProblem
from automl.checks.report import report_of
from automl.records import Finding, Severity, Source
from tests.builders.facts import SQUARE, boxes_of, facts_of, split_of


def codes(facts: Facts) -> dict[str, Finding]:
    return {finding.code: finding for finding in counts.findings(facts)}


def sound(**fields: Any) -> Facts:
    """Two classes, 1,600 images with seven boxes of each, 4 % of them without objects; a val split like it."""
    train = [boxes_of(*[0, 1] * 7)] * 1600 + [[]] * 64
    return facts_of(split_of(train, **fields), split_of(train[:400], split="val"))


def test_a_data_set_that_keeps_every_limit_has_no_finding() -> None:
    assert codes(sound()) == {}


def test_shortfalls_against_the_guide_come_in_one_table_with_every_split() -> None:
    facts = facts_of(split_of([boxes_of(0, 0, 1)] * 100), split_of([boxes_of(0)] * 60, split="val"))
    images, boxes = codes(facts)["counts/images"], codes(facts)["counts/instances"]
    assert (images.severity, images.source, images.count) == (Severity.NOTE, Source.GUIDE, 2)
    assert "2 of 2 classes have fewer than 1,500 images in train" in images.title
    assert "dog: 100, 9,900 short" in boxes.title
    assert boxes.figures["splits"]["train"][1] == {"class": 1, "name": "dog", "count": 100, "short": 9900}
    assert boxes.figures["splits"]["val"][1] == {"class": 1, "name": "dog", "count": 0, "short": 10_000}


def test_a_wish_of_the_guide_is_a_note_however_far_it_is() -> None:
    for count in (3, 1499):
        finding = codes(facts_of(split_of([boxes_of(0)] * count), names=["cat"]))["counts/images"]
        assert finding.severity is Severity.NOTE
        assert finding.title.startswith("1 of 1 class has fewer")


def test_images_that_cannot_be_used_do_not_count_as_backgrounds() -> None:
    problems = [RowProblem(image=number, line=1, text="no number") for number in range(30)]
    rows = [[]] * 30 + [boxes_of(0)] * 66 + [[]] * 4
    assert "counts/backgrounds" not in codes(facts_of(split_of(rows, problems=tuple(problems))))


def test_what_only_follows_from_errors_is_not_reported() -> None:
    error = Finding(code="labels/x", severity=Severity.ERROR, title="Bad.", advice="Mend it.")
    splits = split_of([boxes_of(0)] * 20 + [[]] * 20), split_of([boxes_of(1)] * 40, split="val")
    for noted, said in (([], True), ([error], False)):
        found = {finding.code for finding in report_of(facts_of(*splits, noted=noted)).findings}
        for code in ("counts/backgrounds", "counts/class-not-in-train", "counts/class-not-in-val"):
            assert (code in found) is said


@pytest.mark.parametrize(("ratio", "severity"), [(9, None), (10, Severity.NOTE), (50, Severity.WARNING)])
def test_imbalance_counts_from_ten_to_one(ratio: int, severity: Severity | None) -> None:
    found = codes(facts_of(split_of([boxes_of(*[0] * ratio, 1)] * 60)))
    assert (found["counts/imbalance"].severity if severity else found.get("counts/imbalance")) is severity


def test_the_effective_number_of_two_equal_classes_would_be_two() -> None:
    figures = codes(facts_of(split_of([boxes_of(*[0] * 99, 1)])))["counts/imbalance"].figures
    assert (figures["ratio"], figures["effective_classes"]) == (99.0, 1.06)


def test_a_class_of_val_that_train_lacks_is_named_with_an_image() -> None:
    finding = codes(facts_of(split_of([boxes_of(0)]), split_of([boxes_of(0), boxes_of(1)], split="val")))[
        "counts/class-not-in-train"
    ]
    assert finding.severity is Severity.WARNING
    assert finding.title.startswith("dog is in val but not in train")
    assert finding.places[0].file.endswith("val/000001.jpg")


def test_classes_that_val_cannot_measure_are_told_from_those_that_it_lacks() -> None:
    train = split_of([boxes_of(0, 1, 2)] * 30)
    val = split_of([boxes_of(0)] * 25 + [boxes_of(1)] * 19, split="val")
    found = codes(facts_of(train, val, names=["cat", "dog", "cow"]))
    assert found["counts/class-rare-in-val"].figures["boxes"] == [19]
    assert found["counts/class-not-in-val"].figures["classes"] == [2]


@pytest.mark.parametrize(
    ("empty", "severity"), [(0, Severity.NOTE), (1, None), (10, None), (11, Severity.WARNING), (50, Severity.WARNING)]
)
def test_backgrounds_are_to_be_up_to_a_tenth(empty: int, severity: Severity | None) -> None:
    found = codes(facts_of(split_of([boxes_of(0)] * (100 - empty) + [[]] * empty)))
    assert (found["counts/backgrounds"].severity if severity else found.get("counts/backgrounds")) is severity


@pytest.mark.parametrize(("val", "unusual"), [(49, True), (60, False), (900, False), (1100, True)])
def test_the_share_of_val_is_to_be_usual(val: int, unusual: bool) -> None:
    facts = facts_of(split_of([boxes_of(0)] * 1000), split_of([boxes_of(0)] * val, split="val"))
    assert ("counts/val-share" in codes(facts)) is unusual
    assert ("counts/val-small" in codes(facts)) is (val < 50)


def test_a_large_val_may_be_a_small_share() -> None:
    facts = facts_of(split_of([boxes_of(0)] * 40_000), split_of([boxes_of(0)] * 1500, split="val"))
    assert "counts/val-share" not in codes(facts)


def test_an_image_with_most_of_the_boxes_is_named() -> None:
    finding = codes(facts_of(split_of([[SQUARE] * 2] * 50 + [[SQUARE] * 40])))["counts/one-image"]
    assert (finding.figures["boxes"], finding.places[0].file) == (40, "/data/images/train/000050.jpg")


@pytest.mark.parametrize(
    "facts",
    [
        facts_of(),
        facts_of(split_of([]), split_of([], split="val")),
        facts_of(split_of([]), split_of([boxes_of(0)], split="val")),
        facts_of(split_of([boxes_of(0)])),
        facts_of(split_of([[]]), names=[]),
        facts_of(split_of([boxes_of(0)], split="test")),
    ],
    ids=["no split", "empty splits", "empty train", "one image", "no class", "test alone"],
)
def test_edges_of_a_data_set_have_findings_that_end(facts: Facts) -> None:
    assert all(finding.title and finding.advice for finding in counts.findings(facts))
