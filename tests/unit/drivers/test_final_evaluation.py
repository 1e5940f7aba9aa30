"""Whose weights are measured at the end, and when that is too dear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automl.drivers.final_evaluation import as_trained, noise, to_measure, too_dear
from automl.policy import Search
from automl.records import (
    Outcome,
    Purpose,
    Slots,
    SplitMetrics,
    StudySpec,
    TrainJob,
    Trial,
    TrialRow,
    TrialState,
)
from automl.trainers.surrogate import SurrogateTrainer
from tests.builders.factories import make_metrics, make_row, make_search, make_spec


def numbers(*rows: TrialRow, spec: StudySpec | None = None) -> list[int]:
    return [row.number for row in to_measure(rows, spec or make_spec())]


def dearness(search: Search, count: int, at: float) -> str | None:
    return too_dear(search.spec, search.ledger, search.prices, count, at=at)


def produced(number: int, of: int, score: float, **changes: Any) -> TrialRow:
    """A production training of a searched trial."""
    return make_row(number, score, purpose=Purpose.PRODUCTION, repeats=of, epochs=60, **changes)


def test_the_defaults_and_the_best_trial_are_measured() -> None:
    assert numbers(make_row(0, 0.5), make_row(1, 0.6), make_row(2, 0.7)) == [0, 2]


def test_the_defaults_are_measured_once_when_nothing_beat_them() -> None:
    assert numbers(make_row(0, 0.5), make_row(1, 0.4)) == [0]


def test_of_several_that_were_repeated_the_best_one_is_measured_and_a_refuted_one_too() -> None:
    high = [make_row(3 + n, 0.80 + n / 1000, repeats=1) for n in range(3)]
    low = [make_row(6 + n, 0.40 + n / 1000, repeats=2) for n in range(3)]
    assert numbers(make_row(0, 0.5), make_row(1, 0.81), make_row(2, 0.9), *high, *low) == [0, 1]
    assert numbers(make_row(0, 0.5), make_row(2, 0.9), *low) == [0, 2]


def test_the_trainings_for_production_are_measured_where_both_recipes_have_one() -> None:
    compared = make_spec(train=60, compare=True)
    searched = [make_row(0, 0.5), make_row(1, 0.6)]
    both = [produced(2, 0, 0.7), produced(3, 1, 0.75)]
    assert numbers(*searched, *both, spec=compared) == [2, 3]
    assert numbers(*searched, *both, produced(4, 1, 0.77), produced(5, 0, 0.71), spec=compared) == [5, 4]
    cut = produced(3, 1, 0.72, state=TrialState.CUT)
    assert numbers(*searched, both[0], cut, spec=compared) == [2, 3]
    assert numbers(*searched, both[0], produced(3, 1, 0.0), spec=compared) == [2, 3]
    assert numbers(make_row(0, 0.0), make_row(1, 0.0), produced(2, 0, 0.0), spec=compared) == []


def test_a_production_training_without_its_counterpart_is_measured_beside_the_searchs() -> None:
    compared, old = make_spec(train=60, compare=True), make_spec(train=60)
    searched = [make_row(0, 0.5), make_row(1, 0.6)]
    assert numbers(*searched, produced(2, 0, 0.7), spec=compared) == [0, 1, 2]
    assert numbers(*searched, produced(2, 1, 0.7), spec=old) == [0, 1, 2]
    assert numbers(make_row(0, 0.5), make_row(1, 0.4), produced(2, 0, 0.7), spec=compared) == [2]


def test_failures_are_not_measured() -> None:
    assert numbers(make_row(0, 0.5), make_row(2, 0.9, state=TrialState.FAILED)) == [0]
    assert numbers(make_row(0, None)) == []


def test_the_limit_of_detections_is_the_one_that_the_training_had() -> None:
    assert as_trained(make_row(1, applied={"max_det": 450, "lr0": 0.5})).params == {"lr0": 0.01, "max_det": 450}
    assert as_trained(make_row(1)).params == {"lr0": 0.01}


def test_a_measurement_may_exceed_slot_time_by_an_epoch_a_slot() -> None:
    spec = make_spec(budgets=("1cpu-h",), unseen_s=60.0, slots=Slots(count=2, device="cpu"))
    search = make_search(spec)
    search.ledger.charge(None, 3600.0)
    assert dearness(search, 2, at=10.0) is None
    told = dearness(search, 3, at=10.0)
    assert told == "it would cost about 3.0 cpu-min, and 1cpu-h would be exceeded by 5%."


def test_a_measurement_may_exceed_wall_time_by_one_epoch() -> None:
    spec = make_spec(budgets=("2min", "5cpu-h"), unseen_s=30.0, slots=Slots(count=2, device="cpu"))
    search = make_search(spec)
    assert dearness(search, 2, at=120.0) is None
    assert dearness(search, 2, at=121.0) is not None
    assert dearness(make_search(make_spec(budgets=("5trials",), unseen_s=1e9)), 2, at=0.0) is None


def test_a_measurement_costs_more_where_epochs_turned_out_dearer() -> None:
    search = make_search(make_spec(budgets=("1cpu-h",), unseen_s=900.0))
    search.ledger.charge(None, 1800.0)
    assert dearness(search, 2, at=0.0) is None
    trial = search.next_trial(0.0)
    assert trial is not None
    for epoch in range(1, 4):
        search.report(trial.number, make_metrics(epoch, 0.5, train_s=180.0), at=190.0 * epoch)
    search.close(trial.number, Outcome(state=TrialState.CUT, reason="the budget is spent"), at=570.0)
    assert search.prices.ratio > 2
    assert "would be exceeded" in (dearness(search, 2, at=570.0) or "")


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
