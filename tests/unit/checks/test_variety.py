"""Variety of train and drift against it, on facts made by hand and on BCCD's labels."""

from __future__ import annotations

import numpy as np
import pytest

from automl.checks import variety
from automl.checks.facts import Facts, SplitFacts
from automl.data.labels import label_path
from automl.records import Finding, Severity
from tests.builders.data_folder import BCCD, needs_bccd
from tests.builders.facts import Row, facts_of, split_of


def images(count: int, seed: int, *, side: float = 0.2, right: float = 0.0) -> list[list[Row]]:
    """Label rows of varied images."""
    chance = np.random.default_rng(seed)
    return [
        [
            (int(chance.integers(2)), *chance.uniform(0.2 + right, 0.8, 2), *chance.uniform(side / 2, side * 1.5, 2))
            for _ in range(chance.integers(1, 6))
        ]
        for _ in range(count)
    ]


def varied(split: str, count: int, seed: int, *, bright: float = 120.0, side: float = 0.2) -> SplitFacts:
    chance = np.random.default_rng(seed + 1000)
    return split_of(
        images(count, seed, side=side),
        split=split,
        brightness=chance.normal(bright, 25, count),
        contrast=chance.normal(50, 10, count),
    )


def findings(facts: Facts) -> dict[str, Finding]:
    return {finding.code: finding for finding in variety.findings(facts)}


def test_splits_drawn_from_one_source_show_no_drift() -> None:
    found = [findings(facts_of(varied("train", 150, seed), varied("val", 50, seed + 500))) for seed in range(40)]
    assert sum("variety/drift" in one for one in found) <= 2, "5 % of 40"


def test_a_large_split_alarms_for_no_small_difference() -> None:
    train, val = varied("train", 3000, 0), varied("val", 3000, 1, bright=122)
    assert findings(facts_of(train, val)) == {}


def test_a_darker_val_is_named_with_both_medians() -> None:
    finding = findings(facts_of(varied("train", 150, 0), varied("val", 60, 1, bright=70)))["variety/drift"]
    assert finding.severity is Severity.WARNING
    assert finding.title.startswith("Val is not like train: it is darker (median ")
    assert set(finding.figures) == {"brightness"}
    assert finding.figures["brightness"]["distance"] > finding.figures["brightness"]["chance"]


def test_the_largest_drift_comes_first() -> None:
    finding = findings(facts_of(varied("train", 200, 0), varied("val", 100, 1, bright=90, side=0.5)))["variety/drift"]
    assert finding.title.startswith("Val is not like train: it is of larger boxes")
    assert "darker" in finding.title


def test_other_classes_are_named_with_their_shares() -> None:
    rows = images(100, 0)
    dogs = [[(1, *row[1:]) for row in file] for file in images(60, 1)]
    train, val = split_of(rows), split_of(dogs, split="val")  # type: ignore[arg-type]
    finding = findings(facts_of(train, val))["variety/drift"]
    assert "of other classes (" in finding.title
    assert finding.figures["classes"]["distance"] == pytest.approx(0.5, abs=0.1)


def test_the_size_of_images_may_drift_alone() -> None:
    train, val = split_of(images(60, 0), size=(640, 480)), split_of(images(60, 1), split="val", size=(320, 240))
    assert set(findings(facts_of(train, val))["variety/drift"].figures) == {"image size"}


def test_a_test_split_is_compared_too() -> None:
    found = findings(facts_of(varied("train", 100, 0), varied("test", 60, 1, bright=40)))
    assert found["variety/drift"].split == "test"


def test_images_that_are_all_alike_are_named() -> None:
    row: Row = (0, 0.5, 0.5, 0.2, 0.2)
    finding = findings(facts_of(split_of([[row]] * 30, brightness=np.full(30, 90.0))))["variety/narrow"]
    assert set(finding.figures) == {"brightness", "contrast", "box_ratio", "middle"}
    assert "100% of their boxes have the centre in the middle ninth" in finding.title


@pytest.mark.parametrize(
    "facts",
    [
        facts_of(),
        facts_of(split_of([])),
        facts_of(split_of([]), split_of([], split="val")),
        facts_of(split_of([[]]), split_of([[]], split="val")),
        facts_of(varied("train", 1, 0), varied("val", 1, 1)),
        facts_of(split_of([[]] * 30), split_of([[]] * 30, split="val")),
        facts_of(split_of(images(30, 0), size=(0, 0)), split_of(images(30, 1), split="val", size=(0, 0)), names=[]),
        facts_of(varied("train", 30, 0, bright=float("nan")), varied("val", 30, 1)),
        facts_of(varied("val", 30, 0)),
        facts_of(varied("train", 30, 0), split_of(images(30, 1), split="val")),
        facts_of(varied("train", 30, 0), split_of([], split="val")),
    ],
)
def test_edges_have_no_finding_and_no_failure(facts: Facts) -> None:
    assert findings(facts) == {}


@needs_bccd
def test_random_splits_of_bccd_raise_no_alarm_beyond_five_percent() -> None:
    files = sorted((BCCD / "images").glob("*/*.jpg"))
    rows: list[list[Row]] = []
    for file in files:
        text = open(label_path(str(file)), encoding="utf-8").read()  # noqa: PTH123, SIM115
        numbers = [list(map(float, line.split())) for line in text.splitlines()]
        rows.append([(int(n[0]), n[1], n[2], n[3], n[4]) for n in numbers])
    alarms = 0
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(rows))
        train, val = ([rows[number] for number in part] for part in (order[:270], order[270:]))
        found = findings(facts_of(split_of(train), split_of(val, split="val"), names=["RBC", "WBC", "Platelets"]))
        alarms += "variety/drift" in found
    assert alarms <= 1
