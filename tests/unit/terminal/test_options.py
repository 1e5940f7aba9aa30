"""Readers of options."""

from __future__ import annotations

import pytest

from automl.errors import AutoMLError
from automl.terminal.options import assignments


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E-4", 1e-4),
        ("+1e-4", 1e-4),
        (".001", 0.001),
        ("1_000", 1000),
        ("010", 10),
        ("12:30", "12:30"),
        ("2024-13-45x", "2024-13-45x"),
        ("True", True),
        ("null", None),
        ("None", None),
        ("none", None),
        ("AdamW", "AdamW"),
        ("[0, 2]", [0, 2]),
        ("a=b", "a=b"),
        ("", None),
    ],
)
def test_values_are_those_that_yolo_takes(text: str, value: object) -> None:
    found = assignments([f"key={text}"])["key"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["lr0", "=1", "lr0=[", "lr0=2024-13-45", "lr0={a"])
def test_what_cannot_be_read_is_one_sentence(text: str) -> None:
    with pytest.raises(AutoMLError, match=r"^--set "):
        assignments([text])
