from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from automl.figures import cost_unit
from automl.records import EpochRow, TrialPoint, TrialState
from automl.reports.watch import best_so_far
from automl.space import Parameter
from dashboards import frames
from tests.builders.factories import make_epoch_row, make_point, make_row
from tests.builders.overviews import make_progress

HOURS = cost_unit(3600.0, "cpu")


def point(number: int, best: float | None, ended_at: float | None, **changes: Any) -> TrialPoint:
    return make_point(number, best, ended_at=ended_at, slot_s=3600.0, **changes)


def epoch(number: int, value: float, **changes: Any) -> EpochRow:
    return make_epoch_row(1, number, value, 1.0, **changes)


def test_the_best_so_far_rises_in_the_order_in_which_trials_ended_and_ends_with_the_budget() -> None:
    points = [point(0, 0.4, 10.0), point(1, 0.5, 30.0), point(2, 0.3, 20.0), point(3, 0.9, 40.0, repeats=1)]
    frame = frames.best_frame(best_so_far(points, 3600.0), 6 * 3600.0, HOURS)
    assert list(frame["spent"]) == [2.0, 4.0, 6.0]
    assert list(frame["map50_95"]) == [0.4, 0.5, 0.5]
    assert list(frame["trial"]) == [0, 1, 1]


def test_charts_show_costs_in_the_unit_of_the_text() -> None:
    unit = cost_unit(474.0, "cpu")
    assert list(frames.best_frame(best_so_far([point(0, 0.4, 1.0)]), 3600.0, unit)["spent"]) == [60.0]
    progress = make_progress(spent_s={"probe": 0.0, "search": 360.0}, planned_s={"points": 0.0, "search": 420.0})
    rows = frames.spending_frame(progress, unit).to_dict("split", index=False)["data"]
    assert rows == [["search", "spent", 6.0], ["search", "planned", 7.0]]  # and nothing of what costs nothing
    assert unit.name == "cpu-min"


def test_without_a_score_there_is_no_best_so_far() -> None:
    assert len(frames.best_frame(best_so_far([point(0, None, None)]), 60.0, HOURS)) == 0


def test_only_parameters_that_were_applied_differently_differ() -> None:
    first = make_row(0, params={"lr0": 0.01, "batch": 8}, applied={"lr0": 0.01, "batch": 8, "box": 7.5})
    second = make_row(1, params={"lr0": 0.02, "box": 7.5}, applied={"lr0": 0.02, "batch": 8, "box": 7.5})
    frame = frames.differing_frame([first, second])
    assert list(frame.index) == ["lr0"]
    assert list(frame.loc["lr0"]) == ["0.01", "0.02"]


def test_changed_parameters_come_first() -> None:
    base = make_row(0, params={"a": 1, "z": 1})
    frame = frames.params_frame(make_row(1, params={"a": 1, "z": 2}), base)
    assert list(frame["parameter"]) == ["z", "a"]
    assert list(frame["changed"]) == ["yes", ""]
    assert list(frame["defaults"]) == ["1", "1"]


def test_a_nan_epoch_stays_a_gap() -> None:
    frame = frames.curves_frame([epoch(1, 0.1), epoch(2, math.nan)])
    assert math.isnan(frame["map50_95"][1])


def test_losses_are_split_by_train_and_val() -> None:
    frame = frames.losses_frame([epoch(1, 0.1, losses={"train/box_loss": 2.0, "val/box_loss": 3.0, "odd": 1.0})])
    assert list(frame["split"]) == ["train", "val", "train"]
    assert list(frame["loss"]) == ["box_loss", "box_loss", "odd"]


def test_the_expected_end_follows_from_the_pace() -> None:
    row = make_row(1, state=TrialState.RUNNING, done_epochs=3, epochs=12, slot_s=30.0)
    (known,) = frames.running_frame([row], 1000.0)["expected end"]
    assert known == frames.clock(1090.0, 1000.0)
    (unknown,) = frames.running_frame([replace(row, done_epochs=0)], 1000.0)["expected end"]
    assert unknown == "–"


def test_a_place_in_the_range_is_given_in_the_dimensions_own_scale() -> None:
    lr0 = Parameter("lr0", "log", 0.01, low=1e-4, high=1.0)
    optimizer = Parameter("optimizer", "choice", "SGD", choices=("SGD", "AdamW", "Adam"))
    rows = [make_row(1, params={"lr0": 0.01, "optimizer": "AdamW"}), make_row(2, None, params={"lr0": 0.01})]
    frame = frames.parallel_frame(rows, [lr0, optimizer])
    assert list(frame["trial"]) == [1, 1]
    assert list(frame["place"]) == pytest.approx([0.5, 0.5])


def test_a_slice_knows_who_ran_to_the_end() -> None:
    rows = [make_row(1, params={"x": 1.0}), make_row(2, params={"x": 2.0}, state=TrialState.STOPPED), make_row(3)]
    frame = frames.slice_frame(rows, "x")
    assert list(frame["ran"]) == ["to the end", "stopped early"]
    mixed = frames.slice_frame([make_row(1, params={"x": True}), make_row(2, params={"x": 0.5})], "x")
    assert list(mixed["value"]) == ["True", "0.5"]


def test_the_pareto_frame_holds_the_best_of_each_point() -> None:
    plan = {"points": [{"name": "n@640", "latency_s": 0.002, "parameters": 2_000_000, "gflops": 7.0}]}
    at = {"model": "n", "imgsz": 640}
    rows = [make_row(1, 0.4, params=at), make_row(2, 0.5, params=at), make_row(3, 0.9, params={**at, "imgsz": 320})]
    frame = frames.pareto_frame(rows, plan)
    assert frame.to_dict("records") == [
        {"point": "n@640", "trial": 2, "map50_95": 0.5, "latency_ms": 2.0, "parameters_m": 2.0, "gflops": 7.0}
    ]


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    row = make_row(1, origin="=HYPERLINK()", params={"lr0": -0.5, "note": "+1"})
    table = pd.read_csv(io.BytesIO(frames.trials_csv([row])))
    assert table["origin"][0] == "'=HYPERLINK()"
    assert table["params/note"][0] == "'+1"
    assert table["params/lr0"][0] == -0.5


def test_every_epoch_is_a_line_with_its_losses() -> None:
    table = pd.read_csv(io.BytesIO(frames.epochs_csv([epoch(1, 0.1, losses={"train/box_loss": 2.0}), epoch(2, 0.2)])))
    assert list(table["epoch"]) == [1, 2]
    assert table["train/box_loss"][0] == 2.0


def test_long_text_loses_its_middle_and_a_line_its_points_but_not_the_last() -> None:
    assert frames.shortened("abcdefghij", 5) == "ab…ij"
    assert frames.thinned([float(n) for n in range(100)], 10)[-1] == 99.0
    assert len(frames.thinned([float(n) for n in range(100)], 10)) == 10


def test_a_time_of_another_day_has_its_date() -> None:
    now = 1_790_000_000.0
    assert len(frames.clock(now, now)) == len("12:00:00")
    assert len(frames.clock(now + 2 * 86400, now)) == len("2026-01-01 12:00:00")
