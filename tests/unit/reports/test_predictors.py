"""Predictors of a training's end, on curves with a known answer."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from automl.cli import app
from automl.errors import BadData, NothingToCompare, UnknownName
from automl.records import TrialState
from automl.reports import predictors
from automl.reports.predictors import (
    LOSS_PREDICTORS,
    REFERENCE,
    SCORE_PREDICTORS,
    epochs_seen,
    linear_in_log,
    power_law,
    predict_table,
    trend,
    weighted,
)
from automl.reports.recorded import Training, from_file, from_store, stored
from tests.builders.factories import make_epoch_row, make_metrics, make_row

CURVES = Path(__file__).parents[3].parent / "shared" / "data" / "yolo-curves" / "bccd-yolov5n.jsonl"


def training(scores: list[float], box: list[float] | None = None, gain: float = 7.5) -> Training:
    epochs = [
        make_metrics(
            number,
            score,
            map50=score,
            losses={} if box is None else losses(box[number - 1]),
        )
        for number, score in enumerate(scores, start=1)
    ]
    return Training(group=("", 160, len(scores)), epochs=tuple(epochs), gains={"box": gain, "cls": 1.0, "dfl": 1.0})


def losses(val: float) -> dict[str, float]:
    return {
        f"{split}/{part}_loss": val if split == "val" else 1.0
        for split in ("train", "val")
        for part in ("box", "cls", "dfl")
    }


def rho(table: list[predictors.Correlation], name: str, fraction: float, trainings: str = "all") -> float:
    return next(row.rho for row in table if (row.trainings, row.predictor, row.fraction) == (trainings, name, fraction))


def test_curves_that_never_cross_are_ranked_perfectly_from_the_first_epoch() -> None:
    group = [training([level * epoch for epoch in range(1, 13)]) for level in (0.01, 0.02, 0.03, 0.05, 0.08)]
    table = predict_table(group, resamples=20, fractions=(1 / 12, 0.5))
    assert [row.rho for row in table if row.predictor == REFERENCE] == pytest.approx([1.0, 1.0])
    assert rho(table, "mAP50-95, power law to the end", 0.5) == pytest.approx(1.0)


def test_curves_that_cross_are_ranked_by_their_slope_and_not_by_their_mean() -> None:
    group = [training([0.5 - 0.05 * slope + 0.01 * slope * epoch for epoch in range(12)]) for slope in range(1, 7)]
    table = predict_table(group, end="last3", resamples=20, fractions=(0.25,))
    assert rho(table, REFERENCE, 0.25) == pytest.approx(-1.0)
    assert rho(table, "mAP50-95, line in log-epoch to the end", 0.25) == pytest.approx(-1.0)  # it flattens: too short
    assert [trend([0.5 - 0.05 * s + 0.01 * s * e for e in range(3)], 9) for s in (1, 2)] == [
        pytest.approx(0.56),
        pytest.approx(0.62),
    ]


def test_noisy_curves_are_ranked_better_by_a_mean_than_by_the_last_epoch() -> None:
    generator = random.Random(0)
    group = [
        training([0.01 * n + generator.gauss(0, 0.15) for _ in range(20)] + [0.01 * n + 1] * 10) for n in range(40)
    ]
    table = predict_table(group, resamples=50, fractions=(0.5,))
    mean, last = rho(table, "mAP50-95, mean of all", 0.5), rho(table, "mAP50-95, last", 0.5)
    assert mean > last + 0.15
    better = next(row for row in table if row.predictor == "mAP50-95, mean of all")
    assert better.low < better.rho < better.high
    assert better.gain == pytest.approx(better.rho - rho(table, REFERENCE, 0.5))
    assert better.wins > 0.8


def test_a_predictor_sees_nothing_after_its_fraction() -> None:
    generator = random.Random(1)
    firsts = [[generator.random() for _ in range(6)] for _ in range(6)]
    one, other = (
        [training(first + [generator.random() for _ in range(6)], box=first * 2) for first in firsts] for _ in range(2)
    )
    for name, predict in {**SCORE_PREDICTORS, **LOSS_PREDICTORS}.items():
        assert predict(one, 6) == predict(other, 6), name


def test_a_loss_is_divided_by_its_gain_and_a_lower_one_ranks_higher() -> None:
    strong, weak = training([0.1] * 4, box=[2.0] * 4, gain=2.0), training([0.1] * 4, box=[1.5] * 4, gain=0.5)
    assert LOSS_PREDICTORS["- val box, mean of last 5"]([strong, weak], 2) == [-1.0, -3.0]


def test_losses_are_judged_on_the_trainings_that_have_them() -> None:
    with_losses = [training([0.1 * n] * 6, box=[9.0 - n] * 6) for n in range(1, 7)]
    table = predict_table([*with_losses, *(training([0.3 - 0.01 * n] * 6) for n in range(5))], resamples=20)
    assert {row.trainings: row.n for row in table} == {"all": 11, "with losses": 6}
    assert rho(table, "- val box, last", 0.5, "with losses") == pytest.approx(1.0)
    assert rho(table, "- train box, mean of last 5", 0.5, "with losses") == 0.0  # all alike: it ranks nothing


def test_groups_are_ranked_apart_and_pooled_by_their_size() -> None:
    rising = [training([0.1 * n] * 4) for n in range(6)]
    falling = [training([0.1 * n] * 2 + [1 - 0.1 * n] * 6) for n in range(10)]
    table = predict_table([*rising, *falling], end="last3", resamples=20, fractions=(0.25,))
    by_group = {row.group: row for row in table if row.predictor == "mAP50-95, last"}
    assert {name: (row.n, round(row.rho, 6)) for name, row in by_group.items()} == {
        "160 px x 4": (6, 1.0),
        "160 px x 8": (10, -1.0),
        "pooled": (16, (6 - 10) / 16),
    }


def test_extrapolations_read_their_own_law_at_the_horizon() -> None:
    assert power_law([0.5 - 0.4 * epoch**-0.7 for epoch in range(1, 9)], 100) == pytest.approx(0.5 - 0.4 * 100**-0.7)
    assert linear_in_log([0.1 + 0.05 * math.log(epoch) for epoch in range(1, 9)], 50) == pytest.approx(
        0.1 + 0.05 * math.log(50)
    )
    assert power_law([0.3, 0.2, 0.1], 10) == pytest.approx(0.2)  # falling: the level that it has
    assert weighted([0.0, 1.0], lambda epoch: 1 / epoch) == pytest.approx(1 / 3)


def test_the_window_shrinks_as_the_end_comes() -> None:
    predict = SCORE_PREDICTORS["mAP50-95, mean of as many as are left"]
    group = [training([float(epoch) for epoch in range(1, 13)])]
    assert [predict(group, seen) for seen in (4, 8, 11)] == [[2.5], [6.5], [11.0]]


@pytest.mark.parametrize(
    ("horizon", "fraction", "epochs"), [(12, 1 / 3, 4), (42, 1 / 4, 10), (5, 1 / 6, 1), (12, 5 / 6, 10)]
)
def test_a_fraction_is_whole_epochs_and_at_least_one(horizon: int, fraction: float, epochs: int) -> None:
    assert epochs_seen(horizon, fraction) == epochs


def test_too_few_trainings_and_unknown_ends_are_refused() -> None:
    with pytest.raises(NothingToCompare, match="4 finished trainings are too few"):
        predict_table([training([0.1 * n] * 3) for n in range(4)])
    with pytest.raises(UnknownName, match="best, last3"):
        predict_table([training([0.1 * n] * 3) for n in range(5)], end="middle")


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "curves.jsonl"
    good = {"imgsz": 64, "horizon": 1, "epochs": [{"map50": 0.2, "map50_95": 0.1}]}
    file.write_text(json.dumps(good) + "\n\n" + json.dumps({"imgsz": 64}) + "\n")
    with pytest.raises(BadData, match=r"curves.jsonl:3: .*horizon|curves.jsonl:3: .*epochs"):
        from_file(file)
    with pytest.raises(BadData, match="cannot be read"):
        from_file(tmp_path / "none.jsonl")


def test_stored_trials_become_trainings_and_unfinished_ones_are_left_out() -> None:
    rows = [make_row(n, epochs=2, params={"model": "yolov5n.yaml", "imgsz": 64, "box": 2.0}) for n in range(2)]
    epochs = [
        make_epoch_row(0, 1, 0.1, 1.0),
        make_epoch_row(0, 1, 0.15, 2.0),
        make_epoch_row(0, 2, 0.3, 3.0),
        make_epoch_row(1, 1, 0.2, 1.0),
    ]
    (only,) = stored(rows, epochs)
    assert only.group == ("yolov5n", 64, 2)
    assert [epoch.map50_95 for epoch in only.epochs] == [0.15, 0.3]  # the last report of an epoch counts
    assert only.gains["box"] == 2.0
    assert rows[0].state is TrialState.COMPLETED


def test_the_command_needs_one_source() -> None:
    done = CliRunner().invoke(app, ["predictors"])
    assert done.exit_code == 2


@pytest.mark.skipif(not CURVES.exists(), reason="shared/data/yolo-curves is not beside the checkout")
def test_no_formula_ranks_yolo_trainings_far_better_than_the_mean_of_the_last_five() -> None:
    table = predict_table(from_file(CURVES), resamples=100, fractions=(1 / 3,))
    twelve = {row.predictor: row for row in table if (row.trainings, row.group) == ("all", "160 px x 12")}
    assert twelve[REFERENCE].n == 35
    assert 0.5 < twelve[REFERENCE].rho < 0.7
    assert max(row.gain for row in twelve.values()) < 0.05
    assert twelve["mAP50-95, power law to the end"].gain_high < 0.05 < -twelve["mAP50-95, last"].gain


def test_a_study_without_a_finished_trial_says_so(tmp_path: Path) -> None:
    from automl.store import write
    from automl.store.address import default_url
    from automl.store.engine import open_store
    from tests.builders.factories import make_spec

    url = default_url(tmp_path)
    write.begin_study(open_store(url), make_spec(), at=0.0, host="here", pid=1)
    with pytest.raises(NothingToCompare, match="no trial of study 'birds'"):
        from_store("birds", url)
