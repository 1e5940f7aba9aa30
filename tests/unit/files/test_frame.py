"""Columns as a DataFrame."""

from __future__ import annotations

import sys

import pytest

from automl.errors import AutoMLError
from automl.files.frame import data_frame


def test_columns_keep_their_order_and_what_is_absent_keeps_their_type() -> None:
    frame = data_frame({"b": [1, None], "a": [None, None], "c": ["x", "y"]}, fractions=["a"], counts=["b"])
    assert list(frame.columns) == ["b", "a", "c"]
    assert [str(frame[name].dtype) for name in ("b", "a")] == ["Int64", "float64"]
    assert frame["b"].isna().tolist() == [False, True]


def test_no_rows_are_an_empty_frame_with_its_columns() -> None:
    frame = data_frame({"a": [], "b": []}, fractions=["a"])
    assert (len(frame), list(frame.columns)) == (0, ["a", "b"])


def test_without_pandas_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(AutoMLError, match=r"needs pandas, .*: pip install 'yolo-automl\[page\]'$"):
        data_frame({"a": [1]})
