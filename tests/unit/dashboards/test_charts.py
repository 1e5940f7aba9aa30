from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
import pytest

from automl.scores.halving import RungTrust
from automl.scores.leaderboard import Verdict
from automl.scores.trust import estimates
from dashboards import charts, frames
from tests.builders.factories import make_epoch_row, make_row

CURVES = pd.DataFrame({"trial": ["0", "0", "0", "3"], "epoch": [1, 2, 3, 1], "map50_95": [0.1, float("nan"), 0.2, 0.3]})


def spec(chart: Any) -> dict[str, Any]:
    """The chart as the browser gets it; altair raises for an invalid one."""
    document: dict[str, Any] = json.loads(chart.to_json())
    return document


def titles(document: Any) -> list[str]:
    """All axis titles."""
    if isinstance(document, dict):
        own = [
            document[axis]["title"]
            for axis in ("x", "y")
            if isinstance(document.get(axis), dict) and document[axis].get("title")
        ]
        return own + [title for value in document.values() for title in titles(value)]
    if isinstance(document, list):
        return [title for value in document for title in titles(value)]
    return []


def test_the_best_so_far_is_drawn_against_cost_with_the_defaults_as_a_line() -> None:
    frame = pd.DataFrame({"spent": [1.0, 2.0], "map50_95": [0.4, 0.5], "trial": [0, 1]})
    document = spec(charts.best_chart(frame, 0.4, "gpu-h"))
    assert "spent (gpu-h)" in titles(document)
    assert "the defaults' first run 0.400" in json.dumps(document)
    assert "defaults" not in json.dumps(spec(charts.best_chart(frame, None, "gpu-h")))


@pytest.mark.parametrize(("best", "baseline"), [(0.47, 0.39), (0.4, 0.4), (0.3, None), (0.02, 0.4)])
def test_the_best_so_far_is_drawn_where_the_best_and_the_defaults_lie(best: float, baseline: float | None) -> None:
    frame = pd.DataFrame({"spent": [1.0, 2.0], "map50_95": [0.01, best], "trial": [1, 2]})
    document = json.dumps(spec(charts.best_chart(frame, baseline, "gpu-h")))
    (low, high), *others = [json.loads(domain) for domain in re.findall(r'"domain": (\[[^]]*\])', document)]
    assert [low, high] == others[0]
    known = [best] if baseline is None else [best, baseline]
    assert 0.0 <= low < min(known)
    assert max(known) < high
    assert high - low <= max(2 * (max(known) - min(known)), 0.04)  # the first trial's .01 does not squeeze them


def test_intervals_are_drawn_best_first_and_the_defaults_in_their_colour() -> None:
    runs = {0: (0.40, 0.41), 3: (0.48, 0.49), 5: (0.30,)}
    verdict = Verdict(winner=3, estimates=estimates(runs), cost_s=1.0)
    frame = frames.intervals_frame(verdict)
    assert list(frame["what"]) == ["trial 3", "defaults", "trial 5"]
    assert (frame["low"] < frame["mean"]).all()
    assert (frame["mean"] < frame["high"]).all()
    assert list(frame["seeds"]) == [2, 2, 1]
    document = spec(charts.intervals_chart(frame))
    scale = document["layer"][0]["encoding"]["color"]["scale"]
    assert scale == {"domain": list(frame["what"]), "range": [charts.BLUE, charts.ORANGE, charts.BLUE]}


def test_curves_keep_a_colour_a_trial_and_leave_out_nan() -> None:
    document = spec(charts.curves_chart(CURVES, (3, 9), ["0", "3"]))
    data = [len(rows) for rows in document["datasets"].values()]
    assert sorted(data) == [2, 2, 3]  # rungs, ends, finite points
    assert charts.BLUE in json.dumps(document)
    assert titles(document)[:2] == ["epoch", "mAP50-95 on val"]


def test_curves_without_a_finite_point_are_drawn_empty() -> None:
    document = spec(charts.curves_chart(CURVES.assign(map50_95=float("nan")), (3,), ["0"]))
    rows = [row for dataset in document["datasets"].values() for row in dataset]
    assert [row for row in rows if row.get("map50_95") is not None] == []
    assert rows == [{"epoch": 3}]  # the rung


@pytest.mark.parametrize(("default", "lines"), [(0.01, 1), (None, 0), (0, 0)])
def test_the_default_is_marked_where_the_scale_has_it(default: float | None, lines: int) -> None:
    rows = [make_row(1, params={"lr0": 0.02}), make_row(2, params={"lr0": 0.03})]
    document = spec(charts.slice_chart(frames.slice_frame(rows, "lr0"), "lr0", default, log=True))
    marks = [layer["mark"]["type"] for layer in document.get("layer", [document])]
    assert marks.count("rule") == lines


def test_a_choice_is_sliced_by_name() -> None:
    rows = [make_row(1, params={"o": "SGD"}), make_row(2, params={"o": "AdamW"})]
    document = spec(charts.slice_chart(frames.slice_frame(rows, "o"), "o", "SGD", log=False))
    assert document["layer"][0]["encoding"]["x"]["type"] == "nominal"


def test_the_front_leaves_out_what_is_worse_and_dearer() -> None:
    frame = pd.DataFrame(
        {"point": ["a", "b", "c"], "trial": [1, 2, 3], "map50_95": [0.4, 0.3, 0.5], "latency_ms": [1.0, 2.0, 3.0]}
    )
    document = spec(charts.pareto_chart(frame, "latency_ms", "latency (ms an image)"))
    fronts = [[row["point"] for row in rows] for rows in document["datasets"].values()]
    assert ["a", "c"] in fronts


def test_a_rung_that_stops_no_trial_has_another_colour() -> None:
    rungs = [RungTrust(level=3, following=9, correlation=0.1, trials=12, stops=False)]
    assert "stops no trial" in json.dumps(spec(charts.rungs_chart(rungs))["datasets"])


def test_the_legend_of_the_spending_names_only_what_is_there() -> None:
    spent = pd.DataFrame({"purpose": ["search"], "kind": ["spent"], "cost": [1.0]})
    assert spec(charts.spending_chart(spent, "gpu-h"))["encoding"]["color"]["scale"]["domain"] == ["spent"]


def test_production_trainings_have_the_defaults_in_their_colour_and_a_dot_at_the_best_epoch() -> None:
    epochs = [
        make_epoch_row(trial, epoch, score, 1.0)
        for trial, scores in ((3, (0.1, 0.3, 0.2)), (4, (0.2, 0.4)), (5, (0.2, 0.5)))
        for epoch, score in enumerate(scores, 1)
    ]
    frame = frames.production_frame(epochs, {3: "the defaults", 4: "trial 2", 5: "trial 2"})
    document = spec(charts.production_chart(frame))
    scale = document["layer"][0]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["the defaults", "trial 2"], "range": [charts.ORANGE, charts.BLUE]}
    dots = min(document["datasets"].values(), key=len)
    assert [(row["trial"], row["epoch"]) for row in dots] == [("3", 2), ("4", 2), ("5", 2)]


def test_production_trainings_without_a_finite_point_are_drawn_empty() -> None:
    frame = frames.production_frame([make_epoch_row(4, 1, float("nan"), 1.0)], {4: "trial 2"})
    assert spec(charts.production_chart(frame))["layer"][0]["encoding"]["color"]["scale"]["domain"] == []


def test_the_defaults_colour_is_theirs_alone() -> None:
    frame = frames.production_frame([make_epoch_row(4, 1, 0.3, 1.0)], {4: "trial 2"})
    scale = spec(charts.production_chart(frame))["layer"][0]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["trial 2"], "range": [charts.BLUE]}
