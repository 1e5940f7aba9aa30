from __future__ import annotations

from pathlib import Path

import pytest

from automl.data.corrected import Rows, rows_of
from automl.data.dataset import Dataset, read_dataset
from automl.records import SuspectKind
from benchmarks.price.damage import Damage, damaged
from tests.builders.train_tiny import draw_data

BOXES = 30


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(draw_data(tmp_path))


def differing(dataset: Dataset, rows: dict[Path, Rows]) -> int:
    before = [row for image in rows for row in rows_of(image)]
    after = [row for image in rows for row in rows[image]]
    return max(len(set(before) - set(after)), len(set(after) - set(before)))


@pytest.mark.parametrize("damage", Damage)
def test_a_share_of_the_boxes_is_made_wrong(dataset: Dataset, damage: Damage) -> None:
    assert differing(dataset, damaged(dataset, damage, 0.4, 0)) == 0.4 * BOXES


@pytest.mark.parametrize("damage", Damage)
def test_a_seed_chooses_the_same_boxes_again(dataset: Dataset, damage: Damage) -> None:
    first, second, other = (damaged(dataset, damage, 0.4, seed) for seed in (0, 0, 1))
    assert first == second != other


@pytest.mark.parametrize("damage", Damage)
def test_damaged_labels_can_be_trained_on(dataset: Dataset, damage: Damage) -> None:
    for image, rows in damaged(dataset, damage, 1.0, 0).items():
        Path(str(image).replace("images", "labels")).with_suffix(".txt").write_text("\n".join(rows) + "\n")
    if damage is Damage.REMOVED:
        assert all(not rows_of(image)[0] for image in dataset.train.images)
    else:
        assert read_dataset(dataset.file).train.boxes == BOXES * (2 if damage is Damage.ADDED else 1)


def test_a_reclassed_box_has_another_class(dataset: Dataset) -> None:
    for image, rows in damaged(dataset, Damage.RECLASSED, 1.0, 0).items():
        assert all(row[0] != own[0] for row, own in zip(rows, rows_of(image), strict=True))


def test_each_kind_of_damage_is_a_kind_of_suspect() -> None:
    assert {damage.suspect for damage in Damage} == set(SuspectKind)
