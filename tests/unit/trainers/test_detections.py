"""Detections of each image come back from their file as they were, and never as code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from automl.scores.resample import Detections
from automl.trainers.detections import digest, file_of, gathered, load, save

STATS = {
    "tp": [np.eye(2, 10, dtype=bool), np.zeros((0, 10), dtype=bool)],
    "conf": [np.array([0.75, 0.5]), np.zeros(0)],
    "pred_cls": [np.array([1.0, 0.0]), np.zeros(0)],
    "target_cls": [np.array([1.0]), np.array([0.0, 0.0])],
}


@pytest.fixture
def found() -> Detections:
    return gathered(STATS, ["/data/a.png", "/data/b.png"])


def test_what_the_validator_gathers_is_told_by_image(found: Detections) -> None:
    assert (found.found.tolist(), found.present.tolist()) == ([2, 0], [1, 2])
    assert found.images == digest(["elsewhere/a.png", "elsewhere/b.png"]) != digest(["b.png", "a.png"])


def test_a_file_gives_back_what_was_kept(found: Detections, tmp_path: Path) -> None:
    save(found, file_of(tmp_path, "test"))
    again = load(tmp_path / "test.npz")
    assert again is not None
    assert again.same_images(found)
    for name in ("found", "correct", "confidence", "classes", "objects"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert [path.name for path in tmp_path.iterdir()] == ["test.npz"]


def test_a_file_that_is_absent_cut_off_or_code_is_none(found: Detections, tmp_path: Path) -> None:
    file = file_of(tmp_path, "test")
    assert load(file) is None
    save(found, file)
    file.write_bytes(file.read_bytes()[:200])
    assert load(file) is None
    code = dict.fromkeys(Detections.__dataclass_fields__, np.array([object()]))
    np.savez(file, allow_pickle=True, **code)
    assert load(file) is None
