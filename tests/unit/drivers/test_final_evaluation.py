"""Whose weights are measured at the end, and when that is too dear."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.drivers.final_evaluation import BEYOND_S, as_trained, noise, to_measure, too_dear
from automl.records import SplitMetrics, TrainJob, Trial, TrialRow, TrialState
from automl.trainers.surrogate import SurrogateTrainer
from tests.builders.factories import make_row, make_search, make_spec


def numbers(*rows: TrialRow) -> list[int]:
    return [row.number for row in to_measure(rows)]


def test_the_defaults_and_the_best_trial_are_measured() -> None:
    assert numbers(make_row(0, 0.5), make_row(1, 0.6), make_row(2, 0.7)) == [0, 2]


def test_the_defaults_are_measured_once_when_nothing_beat_them() -> None:
    assert numbers(make_row(0, 0.5), make_row(1, 0.4)) == [0]


def test_what_repeats_confirmed_is_measured_and_not_what_they_refuted() -> None:
    high = [make_row(3 + n, 0.80 + n / 1000, repeats=1) for n in range(3)]
    low = [make_row(6 + n, 0.40 + n / 1000, repeats=2) for n in range(3)]
    assert numbers(make_row(0, 0.5), make_row(1, 0.81), make_row(2, 0.9), *high, *low) == [0, 1]
    assert numbers(make_row(0, 0.5), make_row(2, 0.9), *low) == [0]


def test_failures_are_not_measured() -> None:
    assert numbers(make_row(0, 0.5), make_row(2, 0.9, state=TrialState.FAILED)) == [0]
    assert numbers(make_row(0, None)) == []


def test_the_limit_of_detections_is_the_one_that_the_training_had() -> None:
    assert as_trained(make_row(1, applied={"max_det": 450, "lr0": 0.5})).params == {"lr0": 0.01, "max_det": 450}
    assert as_trained(make_row(1)).params == {"lr0": 0.01}


def test_a_measurement_may_cost_a_tenth_of_the_budget_beyond_it() -> None:
    spec = make_spec(budgets=("1cpu-h", "2h"), unseen_s=170.0)
    search = make_search(spec)
    search.ledger.charge(None, 3600.0)
    assert too_dear(spec, search.ledger, 2, at=10.0) is None
    told = too_dear(spec, search.ledger, 3, at=10.0)
    assert told is not None
    assert "about 8.5 cpu-min, and 1cpu-h would be exceeded by 14%" in told


def test_a_measurement_may_always_cost_a_minute_and_wall_time_counts_too() -> None:
    spec = make_spec(budgets=("2min",), unseen_s=BEYOND_S / 2)
    search = make_search(spec)
    assert too_dear(spec, search.ledger, 2, at=120.0) is None
    assert too_dear(spec, search.ledger, 2, at=121.0) is not None
    assert too_dear(make_spec(budgets=("5trials",), unseen_s=1e9), search.ledger, 2, at=0.0) is None


def measured(folder: Path, number: int, **params: float) -> SplitMetrics:
    """A trial of the surrogate, measured on the test split; its detections stay in the folder of its number."""
    job = TrainJob(
        data="", weights=None, fixed={}, directory=str(folder / str(number)), cache="", device="cpu", threads=1
    )
    return SurrogateTrainer().evaluate(Trial(number=number, params=params, epochs=30, seed=1), job, "test")


def test_the_noise_of_the_images_is_told_of_each_and_of_the_gain_on_the_same_ones(tmp_path: Path) -> None:
    base, better = measured(tmp_path, 0), measured(tmp_path, 1, x0=0.7)
    alone, known = noise(tmp_path / "0", 0), noise(tmp_path / "1", 0, tmp_path / "0")
    assert set(alone) == {"low", "high"}
    assert alone["low"] < base.map50_95 < alone["high"]
    assert known["gain"] == pytest.approx(better.map50_95 - base.map50_95)
    assert known["gain_low"] < known["gain"] < known["gain_high"]
    assert known["gain_high"] - known["gain_low"] < (known["high"] - known["low"]) / 2
    assert known["gain_low"] > 0
    assert known["chance"] > 0.95


def test_the_same_weights_gain_nothing_and_nothing_is_doubtful_about_it(tmp_path: Path) -> None:
    measured(tmp_path, 0)
    measured(tmp_path, 1)
    known = noise(tmp_path / "1", 0, tmp_path / "0")
    assert [known[key] for key in ("gain", "gain_low", "gain_high", "chance")] == [0.0, 0.0, 0.0, 0.5]


def test_without_the_detections_of_either_less_is_told(tmp_path: Path) -> None:
    measured(tmp_path, 1)
    assert set(noise(tmp_path / "1", 0, tmp_path / "0")) == {"low", "high"}
    assert noise(tmp_path / "2", 0, tmp_path / "1") == {}
