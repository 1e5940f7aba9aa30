"""Trials and epochs as DataFrames."""

from __future__ import annotations

from automl.records import Purpose, TrialState
from automl.reports.lists import Curves
from tests.builders.factories import make_epoch_row, make_row
from tests.builders.overviews import make_report

REPORT = make_report(
    make_row(1, 0.55, params={"lr0": 0.02, "optimizer": "SGD"}),
    make_row(0, 0.5),
    make_row(2, None, state=TrialState.FAILED, best_map50_95=None, best_epoch=None),
    make_row(3, 0.5, repeats=1),
)


def test_a_report_is_a_row_a_trial_in_the_order_of_the_leaderboard() -> None:
    frame = REPORT.to_dataframe()
    assert frame["number"].tolist() == [1, 0, 2, 3]
    assert frame["state"].tolist() == ["completed", "completed", "failed", "completed"]
    assert frame["purpose"].tolist() == ["search", "baseline", "search", "confirmation"]
    assert type(frame["state"][0]) is str
    assert frame["slot_s"].tolist() == [720.0] * 4
    assert frame["score"].isna().tolist() == [False, False, True, False]
    assert frame["gain"].round(3).tolist()[0] == 0.05
    assert frame["best_epoch"].isna().tolist() == [False, False, True, False]
    assert frame["repeats"].tolist()[3] == 1


def test_parameters_are_columns_with_a_prefix() -> None:
    frame = REPORT.to_dataframe()
    assert frame["params_lr0"].tolist() == [0.02, 0.01, 0.01, 0.01]
    assert frame["params_optimizer"].isna().tolist() == [False, True, True, True]


def test_a_report_without_trials_is_an_empty_frame() -> None:
    frame = make_report().to_dataframe()
    assert len(frame) == 0
    assert {"number", "score", "slot_s"} <= set(frame.columns)


def test_curves_are_a_row_an_epoch_with_its_losses() -> None:
    first = make_epoch_row(0, 1, 0.3, 60.0, losses={"train/box_loss": 2.0})
    second = make_epoch_row(0, 2, 0.4, 120.0, losses={"train/box_loss": 1.0, "val/cls_loss": 3.0})
    frame = Curves([first, second]).to_dataframe()
    assert frame["epoch"].tolist() == [1, 2]
    assert frame["map50_95"].tolist() == [0.3, 0.4]
    assert frame["train/box_loss"].tolist() == [2.0, 1.0]
    assert frame["val/cls_loss"].isna().tolist() == [True, False]
    assert len(Curves().to_dataframe()) == 0


def test_every_purpose_and_state_is_a_plain_text() -> None:
    rows = [make_row(number, 0.5, purpose=purpose) for number, purpose in enumerate(Purpose)]
    assert make_report(*rows).to_dataframe()["purpose"].tolist() == [purpose.value for purpose in Purpose]
