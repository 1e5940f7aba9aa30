from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.price.damage import Damage
from benchmarks.price.losses import Settings, captions, rows, table


def settings(**changes: object) -> Settings:
    return Settings(
        **{"data": "", "weights": "", "damages": (Damage.REMOVED,), "shares": (0.4,), "seeds": 2, **changes}
    )  # type: ignore[arg-type]


def record(folder: Path, **scores: float) -> None:
    for name, score in scores.items():
        damage, share, seed = name.split("_")
        (folder / f"{damage}-{int(share) / 10:g}-{seed}.json").write_text(json.dumps({"score": score}))


def test_a_loss_is_the_mean_of_the_pairs(tmp_path: Path) -> None:
    record(tmp_path, none_0_0=0.3, none_0_1=0.4, removed_4_0=0.28, removed_4_1=0.36)
    (row,) = rows(settings(), tmp_path)
    assert (row.loss, row.seeds) == (pytest.approx(0.03), 2)
    assert row.low < row.loss < row.high


def test_a_training_without_its_partner_does_not_count(tmp_path: Path) -> None:
    record(tmp_path, none_0_0=0.3, removed_4_0=0.28, removed_4_1=0.1)
    (row,) = rows(settings(), tmp_path)
    assert (row.seeds, row.score) == (1, 0.28)


def test_a_cell_without_a_pair_has_no_row(tmp_path: Path) -> None:
    record(tmp_path, removed_4_1=0.1)
    assert rows(settings(), tmp_path) == []


def test_the_table_has_a_row_for_each_cell(tmp_path: Path) -> None:
    record(tmp_path, none_0_0=0.3, removed_4_0=0.28)
    head, cells = table(rows(settings(), tmp_path))
    assert len(head) == len(cells[0])
    assert cells[0][0] == "removed"
    assert captions(settings())
