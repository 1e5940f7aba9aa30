"""What callers of the Python API may write."""

from __future__ import annotations

from pathlib import Path

from automl.request import SearchRequest
from automl.service import _asked


def test_paths_and_lists_may_be_written_as_they_come() -> None:
    found = _asked("a.yaml", "1cpu-h", weights="w.pt", models=["yolov5n"], imgsz=(64,), warm_start=[Path("hyp.yaml")])
    assert found == SearchRequest(
        data=Path("a.yaml"),
        budgets=("1cpu-h",),
        weights=Path("w.pt"),
        models=("yolov5n",),
        imgsz=(64,),
        warm_start=("hyp.yaml",),
    )


def test_none_stands_for_what_is_left_out() -> None:
    left_out = dict.fromkeys(("weights", "space", "fixed", "epochs", "device", "models"))
    assert _asked("a.yaml", ["1cpu-h", "9trials"], **left_out) == _asked(Path("a.yaml"), ("1cpu-h", "9trials"))
