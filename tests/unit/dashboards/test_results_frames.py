"""Frames, charts and words of results about trained networks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from automl.records.ensemble import Combination, CombinationKind
from dashboards import results_charts as charts
from dashboards import results_frames as frames
from dashboards import results_words as words
from tests.builders.results import make_diagnosis, make_ensemble, make_latency, make_member, make_soup, make_way

SINGLE = CombinationKind.SINGLE


def spec(chart: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(chart.to_json())
    return document


def test_the_front_is_of_what_nothing_faster_beats() -> None:
    frame = frames.front_frame(make_ensemble())
    assert list(frame["latency_ms"]) == [8.0, 8.1, 15.5, 22.0, 38.0]
    assert list(frame["front"]) == [True, False, True, False, True]
    assert list(frame["kind"]) == ["single", "single", "pair", "single with TTA", "three or more"]


def test_ways_of_another_device_and_without_a_latency_are_no_points() -> None:
    elsewhere = make_way(SINGLE, make_member(4), score=0.5, ms=1.0)
    elsewhere = Combination(
        kind=SINGLE,
        members=elsewhere.members,
        figures=elsewhere.figures,
        latency=make_latency("trial 4", 4, 1.0, device="another"),
    )
    unmeasured = Combination(kind=SINGLE, members=(make_member(5),), figures=elsewhere.figures)
    frame = frames.front_frame(make_ensemble(others=(elsewhere, unmeasured)))
    assert list(frame["way"]) == ["trial 3", "trial 3 + trial 6", "trial 3 + trial 6 + trial 9 with TTA"]


def test_without_a_latency_there_is_no_front() -> None:
    bare = Combination(kind=SINGLE, members=(make_member(3),))
    assert not len(frames.front_frame(make_ensemble(chosen=bare, best_member=bare, front=(), others=())))


def test_the_front_tells_the_kinds_apart_and_names_its_points() -> None:
    document = spec(charts.front_chart(frames.front_frame(make_ensemble())))
    domain = document["layer"][1]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["single", "single with TTA", "pair", "three or more"]
    assert [layer["mark"]["align"] for layer in document["layer"][2:]] == ["left", "right"]


def test_a_latency_takes_the_score_of_its_engine_before_that_of_the_training() -> None:
    records = [make_latency("trial 3", 3, 8.0), make_latency("trial 3", 3, 5.0, engine="onnx", map50_95=0.4)]
    records += [make_latency("ensemble", None, 30.0), make_latency("trial 9", 9, 1.0, device="another")]
    frame = frames.latency_frame(records, {3: 0.5}, "AMD EPYC")
    assert list(zip(frame["engine"], frame["map50_95"], frame["front"], strict=True)) == [
        ("onnx fp32", 0.4, True),
        ("torch fp32", 0.5, True),
    ]
    assert spec(charts.latency_chart(frame))["layer"][1]["encoding"]["color"]["scale"]["domain"] == [
        "onnx fp32",
        "torch fp32",
    ]


def test_no_network_with_a_score_leaves_an_empty_frame() -> None:
    assert not len(frames.latency_frame([make_latency("ensemble", None, 30.0)], {}, "AMD EPYC"))


def test_classes_that_lose_come_first() -> None:
    assert list(frames.classes_frame(make_ensemble(), "test")["class"]) == ["wren *", "robin"]
    assert not len(frames.classes_frame(make_ensemble(), "nowhere"))
    assert frames.splits_with_classes(make_ensemble()) == ["other half of val", "test"]


def test_the_half_that_chose_judges_nothing() -> None:
    result = make_ensemble()
    judged = words.judging(result.chosen)
    assert judged is not None
    assert judged.on == "other half of val"
    assert "that chose" not in words.outcome(result)


@pytest.mark.parametrize(
    ("kind", "members", "group"),
    [
        (CombinationKind.SINGLE, 1, "single"),
        (CombinationKind.TTA, 1, "single with TTA"),
        (CombinationKind.ENSEMBLE, 2, "pair"),
        (CombinationKind.ENSEMBLE, 5, "three or more"),
        (CombinationKind.SOUP, 3, "soup"),
    ],
)
def test_a_way_belongs_to_one_group(kind: CombinationKind, members: int, group: str) -> None:
    assert words.group_of(Combination(kind=kind, members=(make_member(1),) * members)) == group


def test_a_latency_is_compared_on_one_device_only() -> None:
    base = make_latency("trial 3", 3, 8.0)
    assert words.cost_words(make_latency("ensemble", None, 20.0), base) == "20.0 ms (2.5x)"
    assert words.cost_words(make_latency("ensemble", None, 20.0, device="another"), base) == "20.0 ms"
    assert words.cost_words(None, base) == "not measured"


def test_a_result_is_named_by_kind_and_size() -> None:
    assert words.result_name(make_ensemble(), "today") == "Ensemble of 3, today"
    assert words.result_name(make_soup(), "today") == "Soup of 2, today"


def test_the_surest_symptoms_come_first() -> None:
    made = [make_diagnosis(3, confidence=0.5), make_diagnosis(1), make_diagnosis(0, confidence=0.9)]
    assert [row.trial for row in words.worst(made, 2)] == [0, 1]
