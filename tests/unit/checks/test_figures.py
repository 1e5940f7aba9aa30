"""Figures of splits, and reports that travel as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from automl.checks.figures import class_name, figures_of, images_of, instances, pixel_sides, quantiles
from automl.checks.report import report_of
from automl.records import DataReport
from tests.builders.facts import boxes_of, facts_of, random_hashes, split_of


def test_boxes_and_images_are_counted_by_class() -> None:
    split = split_of([boxes_of(0, 0, 1), boxes_of(0), []])
    assert instances(split, 3).tolist() == [3, 1, 0]
    assert images_of(split, 3).tolist() == [2, 1, 0]


def test_a_class_without_a_name_is_not_counted() -> None:
    split = split_of([boxes_of(0, 5)])
    assert (instances(split, 2).tolist(), images_of(split, 2).tolist()) == ([1, 0], [1, 0])


def test_sides_are_those_of_the_image_scaled_by_its_longer_side() -> None:
    split = split_of([[(0, 0.5, 0.5, 0.1, 0.2)]], size=(320, 160))
    assert pixel_sides(split, None).tolist() == pytest.approx([32.0])
    assert pixel_sides(split, 640).tolist() == pytest.approx([64.0])
    assert len(pixel_sides(split_of([boxes_of(0)], size=(0, 0)), 640)) == 0


def test_quantiles_pass_over_what_is_not_known() -> None:
    assert quantiles(np.array([np.nan, 1.0, 3.0])) == [1.0, 1.1, 2.0, 2.9, 3.0]
    assert quantiles(np.array([np.nan])) == []


def test_the_figures_of_a_split_tell_backgrounds_and_small_boxes() -> None:
    rows = [[(0, 0.5, 0.5, 0.02, 0.02), (0, 0.5, 0.5, 0.1, 0.1)], [(1, 0.5, 0.5, 0.9, 0.9)], []]
    figures = figures_of(facts_of(split_of(rows, size=(640, 640), unlabelled=[2])))["train"]
    assert (figures["images"], figures["labelled"], figures["backgrounds"], figures["boxes"]) == (3, 2, 1, 3)
    assert [round(figures[size], 2) for size in ("small", "medium", "large")] == [0.33, 0.33, 0.33]
    assert figures["under_px"]["640"]["16"] == pytest.approx(1 / 3, abs=1e-3)


def test_a_report_with_findings_of_every_kind_survives_json() -> None:
    hashes = random_hashes(120)
    hashes[60:80], hashes[90] = hashes[:20], 0
    train = split_of([boxes_of(*[0] * 60, 1)] * 119 + [[]], hashes=hashes, size=(4000, 3000), unlabelled=[119])
    val = split_of([boxes_of(2)] * 30, split="val", hashes=hashes[:30], brightness=np.full(30, 10.0))
    report = report_of(facts_of(train, val, names=["cat", "dog", "cow", "pig"]), fingerprint="sha256:1")
    assert {finding.code.partition("/")[0] for finding in report.findings} == {
        "counts",
        "leakage",
        "variety",
        "labels",
        "images",
    }
    assert report.recommendations[0].key == "first"
    assert DataReport.from_document(json.loads(json.dumps(report.as_document()))).findings == report.findings


def test_names_of_classes_are_one_short_line_in_sentences() -> None:
    facts = facts_of(names=["x" * 100, "a\nb\x1b", ""])
    names = [class_name(facts, number) for number in range(3)]
    assert (len(names[0]), names[0][-1]) == (40, "…")
    assert names[1].isprintable()
    assert names[2] == "2"
