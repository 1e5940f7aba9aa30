"""Figures of real trainings in docstrings and in the plan, computed from the recorded curves."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from automl.costs import plan, points
from automl.scores import trust
from automl.scores.halving import final, rank_correlation, smoothed

CURVES = Path(__file__).parents[3].parent / "shared" / "data" / "yolo-curves" / "bccd-yolov5n.jsonl"
pytestmark = pytest.mark.skipif(not CURVES.exists(), reason="shared/data/yolo-curves is not beside the checkout")
DEFAULTS = '{"optimizer": "SGD"}'  # what `auto` stands for there, with its own lr0 and momentum

Curve = list[float]
Ranked = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Recorded:
    """Trainings of yolov5n on BCCD with a horizon of 12 or 42 epochs."""

    imgsz: int
    horizon: int
    hyp: str
    seed: int
    cpu_s: float
    scores: Curve  # mAP50-95 by epoch


@pytest.fixture(scope="module")
def recorded() -> list[Recorded]:
    """Every training in the file."""
    documents = [json.loads(line) for line in CURVES.read_text().splitlines()]
    return [
        Recorded(
            imgsz=document["imgsz"],
            horizon=document["horizon"],
            hyp=json.dumps(document["hyp"], sort_keys=True),
            seed=document["seed"],
            cpu_s=document["cpu_s"],
            scores=[epoch["map50_95"] for epoch in document["epochs"]],
        )
        for document in documents
    ]


def curves(recorded: list[Recorded], horizon: int) -> list[Curve]:
    return [run.scores for run in recorded if (run.imgsz, run.horizon) == (160, horizon)]


def of_defaults(recorded: list[Recorded], imgsz: int, horizon: int) -> list[Recorded]:
    """The defaults' trainings, by seed."""
    runs = [run for run in recorded if (run.imgsz, run.horizon, run.hyp) == (imgsz, horizon, DEFAULTS)]
    return sorted(runs, key=lambda run: run.seed)


def last(scores: Sequence[float]) -> float:
    return scores[-1]


@pytest.mark.parametrize(
    ("horizon", "count", "window", "below"), [(12, 35, 5, 0.046), (12, 35, 2, 0.009), (42, 13, 5, 0.001)]
)
def test_how_far_the_last_epochs_lie_below_the_end(
    recorded: list[Recorded], horizon: int, count: int, window: int, below: float
) -> None:
    """halving.last_epochs"""
    rows = curves(recorded, horizon)
    mean = sum(last(scores) - smoothed(scores, window) for scores in rows) / len(rows)
    assert (len(rows), round(mean, 3)) == (count, below)


def test_five_epochs_rank_trainings_better_than_one(recorded: list[Recorded]) -> None:
    """halving.smoothed"""
    rows = curves(recorded, 12)
    ends = [max(scores) for scores in rows]
    five, one = (rank_correlation([smoothed(scores[:5], window) for scores in rows], ends) for window in (5, 1))
    assert (round(five or 0, 2), round(one or 0, 2)) == (0.55, 0.35)


def test_two_seeds_of_one_recipe_differ_by_what_the_prior_says(recorded: list[Recorded]) -> None:
    """trust.SEED_SD: the difference of two runs has twice the variance of one."""
    gaps = []
    for horizon in (12, 42):
        first, second = of_defaults(recorded, 160, horizon)
        gaps.append(abs(last(first.scores) - last(second.scores)))
    assert [round(gap, 3) for gap in gaps] == [0.013, trust.SEED_GAP]
    assert math.sqrt(sum(gap**2 / 2 for gap in gaps) / 2) == pytest.approx(trust.SEED_SD, abs=2e-4)


def test_what_a_short_training_says_of_a_long_one(recorded: list[Recorded]) -> None:
    """The plan's warning, at plan.MEASURED_SHARE of the horizon and at a third of it."""
    both = {(run.hyp, run.seed): run.scores for run in recorded if (run.imgsz, run.horizon) == (160, 12)}
    long = [run for run in recorded if (run.imgsz, run.horizon) == (160, 42) and (run.hyp, run.seed) in both]
    whole = rank_correlation([last(both[run.hyp, run.seed]) for run in long], [last(run.scores) for run in long])
    assert (len(long), round(whole or 0, 2), plan.MEASURED_SHARE) == (13, 0.64, 12 / 42)
    measures: tuple[Ranked, ...] = (smoothed, max, last)
    ends: tuple[Ranked, ...] = (lambda scores: final(scores, 42), max, last)
    thirds = [
        rank_correlation([early(run.scores[:14]) for run in long], [end(run.scores) for run in long]) or 0.0
        for early in measures
        for end in ends
    ]
    assert (round(min(thirds), 1), round(max(thirds), 1)) == (0.4, 0.8)
    (warning,) = plan._warnings(points.Point(name="", role="baseline", trainings=20.0), 12)
    assert (
        "like those of 42 with .64 (1 would be the same order; n=13), the first third of the 42 with .4 to .8"
        in warning
    )


def test_what_more_epochs_and_more_pixels_bought(recorded: list[Recorded]) -> None:
    """points.compare and points.NEAR_END"""
    short, long, large = (of_defaults(recorded, *kind)[0] for kind in ((160, 12), (160, 42), (320, 12)))
    assert [round(max(run.scores), 2) for run in (short, long, large)] == [0.41, 0.55, 0.56]
    assert [round(run.cpu_s / short.cpu_s, 1) for run in (long, large)] == [3.8, 3.5]
