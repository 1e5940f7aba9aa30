"""The synthetic families: their documented figures, beside recorded YOLO curves."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from automl.scores.halving import rank_correlation
from automl.space import POINT
from benchmarks.policies.curves import CurvesTask
from benchmarks.policies.families import SYNTHETIC
from benchmarks.policies.mixed import POINTS, MixedTask
from benchmarks.policies.ours import spec_of
from benchmarks.policies.tasks import Task, defaults, flat, measure
from benchmarks.policies.yolo import SPACE, YoloTask

RECORDED = Path(__file__).parents[4].parent / "shared" / "data" / "yolo-curves" / "bccd-yolov5n.jsonl"


def trainings(number: int) -> np.ndarray:
    """(35, 40) scores: 3 of the defaults, 11 flat draws, 21 near the defaults, as in the records."""
    task = YoloTask(number)
    scores = []
    for index in range(35):
        rng = random.Random(f"{number} {index}")
        near = defaults(SPACE) if index < 3 else SPACE.draw(rng, spread=0.13, share=1.0)
        scores.append(task.observe(flat(SPACE, rng) if 3 <= index < 14 else near, f"{number} {index}"))
    return np.array(scores)


def agreement(scores: np.ndarray, epochs: range) -> float:
    """Mean rank correlation of those epochs (from 1) with the last one."""
    correlations = [rank_correlation(scores[:, epoch - 1].tolist(), scores[:, -1].tolist()) for epoch in epochs]
    return float(np.mean([value for value in correlations if value is not None]))


@pytest.fixture(scope="module")
def played() -> list[np.ndarray]:
    return [trainings(number) for number in range(12)]


@pytest.mark.parametrize(
    ("epochs", "low", "high"), [(range(5, 21), 0.3, 0.5), (range(26, 29), 0.55, 0.72), (range(33, 36), 0.72, 0.86)]
)
def test_yolo_ranks_agree_with_the_final_ones_as_little_as_recorded_ones(
    played: list[np.ndarray], epochs: range, low: float, high: float
) -> None:
    assert low < np.mean([agreement(scores, epochs) for scores in played]) < high


@pytest.mark.skipif(not RECORDED.is_file(), reason=f"{RECORDED} is not here")
def test_the_recorded_curves_have_the_figures_of_the_family(played: list[np.ndarray]) -> None:
    recorded = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    short, long = (
        np.array(
            [[e["map50_95"] for e in r["epochs"]] for r in recorded if (r["imgsz"], r["horizon"]) == (160, epochs)]
        )
        for epochs in (12, 42)
    )
    assert (len(short), len(long)) == (35, 13)
    assert agreement(short, range(1, 7)) == pytest.approx(0.35, abs=0.005)
    assert agreement(long, range(5, 22)) == pytest.approx(0.39, abs=0.005)
    assert agreement(short, range(8, 9)) == pytest.approx(0.62, abs=0.005)
    assert agreement(short, range(10, 11)) == pytest.approx(0.81, abs=0.005)
    means = np.mean(played, axis=(0, 1))
    for ours, theirs in ((4, 4), (8, 8), (20, 21), (40, 42)):
        assert means[ours - 1] == pytest.approx(long.mean(axis=0)[theirs - 1], abs=0.04)


def test_yolo_epochs_dip_now_and_then_as_recorded_ones(played: list[np.ndarray]) -> None:
    falls = np.diff(np.array(played), axis=2)
    assert 0.08 < (falls < -0.03).mean() < 0.18
    assert 0.005 < (falls < -0.1).mean() < 0.025


def test_two_yolo_seeds_differ_by_as_much_as_recorded_ones() -> None:
    task = YoloTask(0)
    ends = np.array([task.observe(defaults(SPACE), str(seed))[-1] for seed in range(400)])
    assert np.abs(np.diff(ends)).mean() == pytest.approx(0.012, abs=0.003)


def test_yolo_defaults_are_strong() -> None:
    gains, steps = [], []
    for number in range(6):
        task = YoloTask(number)
        start = task.curve(defaults(SPACE)).best
        gains.append(measure(task).best - start)
        near = [SPACE.draw(random.Random(f"{number} {i}"), spread=0.13, share=1.0) for i in range(60)]
        steps += [task.curve(values).best - start for values in near]
        draws = [task.curve(flat(SPACE, random.Random(f"{number} {i}"))).best - start for i in range(60)]
        assert np.median(draws) < 2 * np.median(steps) < 0
    assert 0.01 < np.mean(gains) < 0.03
    assert -0.035 < np.median(steps) < -0.01
    assert np.quantile(steps, 0.02) > -0.12
    assert np.quantile(steps, 0.98) < 0.01


@pytest.mark.parametrize("family", SYNTHETIC)
def test_tasks_of_a_family_differ_and_repeat_themselves(family: str) -> None:
    first, second = SYNTHETIC[family](0), SYNTHETIC[family](1)
    params = defaults(first.space)
    assert (first.curve(params).scores == SYNTHETIC[family](0).curve(params).scores).all()
    assert (first.curve(params).scores != second.curve(params).scores).any()
    assert (first.observe(params, "a") == first.observe(params, "a")).all()
    assert (first.observe(params, "a") != first.observe(params, "b")).any()


@pytest.mark.parametrize("family", SYNTHETIC)
def test_every_draw_of_a_family_has_a_curve_of_its_horizon(family: str) -> None:
    task = SYNTHETIC[family](3)
    for seed in range(50):
        curve = task.curve(task.space.arguments(flat(task.space, random.Random(seed))))
        assert curve.scores.shape == curve.seconds.shape == (task.horizon,)
        assert (curve.scores >= 0).all()
        assert (curve.scores <= 1).all()
        assert (curve.seconds > 0).all()


@pytest.mark.parametrize("task", [CurvesTask(0), CurvesTask(1), MixedTask(0), MixedTask(1)], ids=lambda task: task.name)
def test_epochs_cost_from_one_to_ten_times_as_much(task: Task) -> None:
    draws = [task.space.arguments(flat(task.space, random.Random(seed))) for seed in range(300)]
    costs = [task.curve(params).seconds.mean() for params in draws]
    assert 8 < max(costs) / min(costs) < 11


@pytest.mark.parametrize("task", [CurvesTask(0), CurvesTask(5), MixedTask(0), MixedTask(5)], ids=lambda task: task.name)
def test_the_defaults_of_a_family_beat_a_median_draw_and_can_be_beaten(task: Task) -> None:
    scale = measure(task)
    assert 0.0 < scale.regret(task.curve(defaults(task.space)).best) < 1.0


def test_dead_dimensions_change_nothing() -> None:
    task = CurvesTask(2)
    start = defaults(task.space)
    dead = [
        n
        for n in start
        if (task.curve({**start, n: 0.9 if n[0] == "x" else start[n]}).scores == task.curve(start).scores).all()
    ]
    assert len([name for name in dead if name[0] == "x"]) == 4


def test_curves_cross() -> None:
    task = CurvesTask(0)
    fast, slow = (task.curve({**defaults(task.space), "lr0": lr0}).scores for lr0 in (0.1, 0.01))
    assert fast[0] > slow[0]
    assert fast[-1] < slow[-1]


def test_ours_runs_where_the_budget_pays_for_one_operating_point() -> None:
    task = MixedTask(0)
    budget_s = 3 * measure(task).training_s
    spec = spec_of(task, sampler="random", confirm=0, slots=4, budget_s=budget_s, seed=0)
    assert POINT not in spec.space["parameters"]
    start = defaults(task.space)
    unnamed = {key: value for key, value in start.items() if key not in ("model", "imgsz")}
    assert (task.curve(unnamed).scores == task.curve(start).scores).all()


def test_ours_runs_the_compared_operating_points_of_a_mixed_task_first() -> None:
    task = MixedTask(0)
    budget_s = 30 * measure(task).training_s
    spec = spec_of(task, sampler="tpe", confirm=3, slots=4, budget_s=budget_s, seed=0)
    assert spec.points[0][0] == POINTS[0]
    assert len(spec.points) == len(spec.given) == 3
    assert tuple(spec.space["parameters"][POINT]["choice"]) == tuple(name for name, _ in spec.points)
    assert [f"{params['model']}@{params['imgsz']}" for _, params in spec.given] == [name for name, _ in spec.points]
