"""Predictions in a file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.trainers import predictions
from automl.trainers.predictions import ImagePredictions, Predictions


def single(count: int, seed: int = 0) -> ImagePredictions:
    rng = np.random.default_rng(seed)
    return ImagePredictions(
        boxes=rng.random((count, 4), dtype=np.float32),
        confidence=rng.random(count, dtype=np.float32),
        classes=rng.integers(0, 2, count).astype(np.int32),
    )


def some(images: list[str] | None = None) -> Predictions:
    images = ["/data/ä.jpg", "/data/b c.jpg", "/data/'=.jpg"] if images is None else images
    return predictions.gathered(
        images,
        [single(number % 4, number) for number in range(len(images))],
        [(640, 480)] * len(images),
        names=["cat", "dog"],
        imgsz=320,
        least=0.01,
        weights="abc",
    )


def same(first: Predictions, second: Predictions | None) -> bool:
    """True if boxes and confidences differ by no more than their steps in a file, and nothing else differs."""
    steps = {"boxes": 2e-5, "confidence": 2e-5}
    return second is not None and all(
        np.allclose(getattr(first, field.name), getattr(second, field.name), rtol=0, atol=steps[field.name])
        if field.name in steps
        else np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in fields(Predictions)
    )


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    predictions.save(some(), tmp_path / "folder" / "a.npz")
    assert same(some(), predictions.load(tmp_path / "folder" / "a.npz"))


def test_boxes_beyond_the_border_come_back_up_to_half_an_image(tmp_path: Path) -> None:
    boxes = np.array([[-0.4, 1.4, 1.9, 0.1]], np.float32)
    whole = ImagePredictions(boxes=boxes, confidence=np.array([0.0011], np.float32), classes=np.zeros(1, np.int32))
    record = predictions.gathered(["a.jpg"], [whole], [(640, 480)], names=["cat"], imgsz=64, least=0.001)
    predictions.save(record, tmp_path / "a.npz")
    loaded = predictions.load(tmp_path / "a.npz")
    assert loaded is not None
    assert loaded.boxes == pytest.approx(boxes, abs=2e-5)
    assert float(loaded.confidence[0]) == pytest.approx(0.0011, abs=1e-6)


def test_predictions_on_a_thousand_images_take_a_few_megabytes(tmp_path: Path) -> None:
    record = predictions.gathered(
        [f"{number}.jpg" for number in range(1000)],
        [single(300, number) for number in range(1000)],
        [(640, 480)] * 1000,
        names=["cat", "dog"],
        imgsz=320,
        least=0.001,
    )
    predictions.save(record, tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_size < 12 * 300_000


def test_those_of_another_format_are_none(tmp_path: Path) -> None:
    predictions.save(some(), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        arrays = dict(archive)
    np.savez(tmp_path / "a.npz", **{**arrays, "format": np.int32(1)})
    assert predictions.load(tmp_path / "a.npz") is None


def test_no_images_come_back_as_none(tmp_path: Path) -> None:
    predictions.save(some([]), tmp_path / "a.npz")
    assert same(some([]), predictions.load(tmp_path / "a.npz"))


def test_those_of_an_image_are_the_most_confident_first() -> None:
    third = some().by_image()["/data/'=.jpg"]
    assert len(third) == 2
    assert third.confidence[0] >= third.confidence[1]


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_none_or_a_whole_record(
    tmp_path_factory: pytest.TempPathFactory, at: int, new: bytes
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "a.npz"
    predictions.save(some(), file)
    content = bytearray(file.read_bytes())
    at %= len(content)
    content[at : at + len(new)] = new
    file.write_bytes(content)
    loaded = predictions.load(file)
    assert loaded is None or len(list(loaded)) == len(loaded)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off"])
def test_another_file_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    assert predictions.load(tmp_path / "a.npz") is None
    assert predictions.load(tmp_path / "none.npz") is None


def test_a_file_cut_off_is_none(tmp_path: Path) -> None:
    predictions.save(some(), tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    assert predictions.load(tmp_path / "a.npz") is None


def test_a_pickle_in_the_file_is_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", format=np.array([object()], dtype=object))
    assert predictions.load(tmp_path / "a.npz") is None


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="one row"):
        predictions.Predictions(
            images=("a",),
            names=("cat",),
            sizes=np.zeros((1, 2), np.int32),
            counts=np.array([2], np.int32),
            boxes=np.zeros((1, 4), np.float32),
            confidence=np.zeros(1, np.float32),
            classes=np.zeros(1, np.int32),
            imgsz=320,
            least=0.01,
        )
