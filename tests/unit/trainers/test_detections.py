"""Detections are read from their file as they were saved, and never as code."""

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
def detections() -> Detections:
    return gathered(STATS, ["/data/a.png", "/data/b.png"])


def test_the_validators_statistics_are_counted_by_image(detections: Detections) -> None:
    assert (detections.found.tolist(), detections.present.tolist()) == ([2, 0], [1, 2])
    assert detections.images == digest(["elsewhere/a.png", "elsewhere/b.png"]) != digest(["b.png", "a.png"])


def test_a_file_gives_back_the_saved_detections(detections: Detections, tmp_path: Path) -> None:
    save(detections, file_of(tmp_path, "test"))
    again = load(tmp_path / "test.npz")
    assert again is not None
    assert again.same_images(detections)
    for name in ("found", "correct", "confidence", "classes", "objects"):
        assert np.array_equal(getattr(again, name), getattr(detections, name))
    assert [path.name for path in tmp_path.iterdir()] == ["test.npz"]


def test_a_file_that_is_absent_cut_off_or_code_is_none(detections: Detections, tmp_path: Path) -> None:
    file = file_of(tmp_path, "test")
    assert load(file) is None
    save(detections, file)
    file.write_bytes(file.read_bytes()[:200])
    assert load(file) is None
    code = dict.fromkeys(Detections.__dataclass_fields__, np.array([object()]))
    np.savez(file, allow_pickle=True, **code)
    assert load(file) is None
