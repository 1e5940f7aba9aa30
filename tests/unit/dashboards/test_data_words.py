"""Sentences of a data report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from automl.records import CheckRow
from dashboards import data_words
from tests.builders.checks import make_suspect

ROW = CheckRow(
    id=1,
    study=None,
    data="/data/birds/data.yaml",
    folder=None,
    fingerprint="sha256:0",
    at=1_790_000_000.0,
    version="0.1.0",
    errors=0,
    warnings=0,
    notes=0,
    suspects=0,
    images=1,
    boxes=1200,
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "These data can be trained on: nothing found."),
        ({"notes": 2}, "These data can be trained on: 2 notes."),
        ({"warnings": 1}, "These data can be trained on, and are likely to cost accuracy: 1 warning."),
        ({"errors": 3, "notes": 1}, "These data cannot be trained on as they are: 3 errors, 1 note."),
        ({"suspects": 1}, "These data can be trained on: nothing found. 1 label may be wrong."),
    ],
)
def test_the_verdict_is_that_of_the_worst_finding(changes: dict[str, int], sentence: str) -> None:
    assert data_words.verdict(replace(ROW, **changes)) == sentence


def test_the_check_is_described_with_its_size() -> None:
    assert "1 image, 1,200 boxes · fingerprint sha256:0" in data_words.checked(ROW, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "True"),
        (1234567, "1,234,567"),
        (0.123456, "0.1235"),
        (123456.7, "123,457"),
        (float("nan"), "nan"),
        ([1, 2.5], "1 and 2.5"),
        (list(range(99)), ""),
        ({"a": 1}, ""),
        ("text", "text"),
    ],
)
def test_a_figure_of_any_kind_is_text(value: Any, text: str) -> None:
    assert data_words.figure(value) == text


@pytest.mark.parametrize("path", ["/a/b/data.yaml", "C:\\a\\b\\data.yaml", "b/data.yaml"])
def test_a_path_is_shortened_in_the_style_of_any_system(path: str) -> None:
    assert data_words.short(path) == "b/data.yaml"


def test_a_suspect_without_a_label_says_so() -> None:
    suspect = make_suspect(0, score=float("nan"), proposed_class=7)
    assert data_words.suspicion(suspect, ("tit",)) == (
        "Missing. It has no label. The model proposes 7. two models see a box here"
    )
