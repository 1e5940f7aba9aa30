"""Two half-trained models: their budget and their halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.data import read_dataset
from automl.data.holdout import halves
from automl.errors import BadBudget, BadData
from automl.records import Slots
from automl.setup.halves import Place
from tests.builders.train_tiny import draw_data

CPU, GPU = Place(device="cpu", threads=4), Place(device="1", threads=8)


@pytest.mark.parametrize(
    ("place", "texts", "seconds"),
    [
        (CPU, ["4cpu-min"], 60.0),
        (CPU, ["4cpu-min", "30s"], 30.0),
        (GPU, ["1gpu-h"], 3600.0),
        (GPU, ["10min"], 600.0),
    ],
)
def test_a_budget_pays_for_wall_seconds(place: Place, texts: list[str], seconds: float) -> None:
    assert place.allowed_s(texts) == seconds


@pytest.mark.parametrize("text", ["20trials", "1gpu-h", "soon", "0cpu-h"])
def test_a_budget_that_cannot_be_spent_is_refused(text: str) -> None:
    with pytest.raises(BadBudget):
        CPU.allowed_s([text])


def test_the_trainings_take_all_cores_or_the_first_gpu() -> None:
    assert Place.of(Slots(count=4, device="cpu", threads=1)) == CPU
    assert Place.of(Slots(count=2, device="gpu", devices=("1", "2"), threads=8)) == GPU


def test_the_halves_share_val_and_have_each_train_image_once(tmp_path: Path) -> None:
    dataset = read_dataset(draw_data(tmp_path))
    first, second = halves(dataset, 0)
    assert sorted((*first.train.images, *second.train.images)) == sorted(dataset.train.images)
    assert {len(first.train.images), len(second.train.images)} == {5}
    assert first.val == second.val == dataset.val
    assert halves(dataset, 0) == (first, second)


def test_a_train_split_that_cannot_be_halved_is_refused(tmp_path: Path) -> None:
    dataset = read_dataset(draw_data(tmp_path, train=1))
    with pytest.raises(BadData, match="halves"):
        halves(dataset, 0)
