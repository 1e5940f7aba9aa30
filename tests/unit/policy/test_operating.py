"""Which operating point a search tunes at, and that it does."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.costs.budget import limits_of
from automl.costs.plan import draw_up
from automl.costs.points import Point
from automl.costs.shares import Reserved
from automl.policy.operating import Operating, choose
from automl.records import (
    EpochMetrics,
    Params,
    PointCost,
    Purpose,
    Slots,
    Start,
    StudySpec,
    TrainJob,
    Trial,
    TrialState,
)
from automl.space import POINT
from tests.builders.factories import MemoryRecord, Played, make_metrics, make_prepared, make_spec, play

COST = {"n@64": 30.0, "n@128": 60.0, "s@128": 120.0}
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def defaults_at(point: str) -> Params:
    model, _, imgsz = point.partition("@")
    return {"model": model, "imgsz": int(imgsz), "batch": 16 if model == "n" else 8, "lr0": 0.01, "box": 7.5}


def spec_of(**changes: Any) -> StudySpec:
    """A study of three points with a portfolio entry after them; 12 epochs, rungs at 3 and 9."""
    space: Mapping[str, Any] = {
        "parameters": {
            POINT: {"choice": list(COST), "default": "n@64"},
            "lr0": {"log": [1e-4, 1e-1], "default": 0.01},
            "box": {"uniform": [4.0, 12.0], "default": 7.5, "when": {POINT: ["n@64", "s@128"]}},
        }
    }
    spec = make_spec(
        space=space,
        fixed=defaults_at("n@64"),
        given=(
            Start("defaults", defaults_at("n@64")),
            Start("defaults@n@128", defaults_at("n@128")),
            Start("defaults@s@128", defaults_at("s@128")),
            Start("portfolio", {**defaults_at("n@64"), "lr0": 0.02}),
        ),
        points=tuple(PointCost(*item) for item in COST.items()),
        epoch_s=30.0,
        budgets=("8cpu-h",),
    )
    return replace(spec, **changes)


class Pointed:
    """A trainer whose scores and costs follow from the point, with a little from lr0."""

    def __init__(self, scores: Mapping[str, float], cost: Mapping[str, float] = COST) -> None:
        self._scores, self._cost = scores, cost

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> object:
        return make_prepared()

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        values = {**spec_of().fixed, **trial.params}
        point = f"{values['model']}@{values['imgsz']}"
        assert values["batch"] == defaults_at(point)["batch"]
        end = self._scores[point] - abs(float(values["lr0"] or 0.0) - 0.01)  # type: ignore[arg-type]
        for epoch in range(trial.done_epochs + 1, trial.epochs + 1):
            yield make_metrics(epoch, max(0.0, end * epoch / 12), train_s=self._cost[point], val_s=0.0)


def points_of(played: Played) -> list[str]:
    rows = [played.record.trials[number] for number in sorted(played.record.trials)]
    return [Operating(spec_of()).of(row.params) for row in rows]


def test_the_best_point_is_chosen() -> None:
    assert choose({"n@64": 0.3, "n@128": 0.5, "s@128": 0.4}, COST, None)[0] == "n@128"


def test_within_the_noise_the_cheaper_point_is_kept() -> None:
    assert choose({"n@64": 0.3, "n@128": 0.49, "s@128": 0.5}, COST, None)[0] == "n@128"
    assert choose({"n@64": 0.3, "n@128": 0.487, "s@128": 0.5}, COST, None)[0] == "s@128"


def test_with_a_target_the_cheapest_point_that_reaches_it_is_chosen() -> None:
    assert choose({"n@64": 0.41, "n@128": 0.5, "s@128": 0.6}, COST, 0.4)[0] == "n@64"
    assert choose({"n@64": 0.41, "n@128": 0.5, "s@128": 0.6}, COST, 0.7)[0] == "s@128"


def test_the_defaults_are_compared_first_and_the_rest_is_tuned_at_the_point_that_paid(tmp_path: Path) -> None:
    played = play(spec_of(), tmp_path, Pointed({"n@64": 0.3, "n@128": 0.5, "s@128": 0.45}))
    rows = [played.record.trials[number] for number in sorted(played.record.trials)]
    assert points_of(played)[:3] == list(COST)
    assert set(points_of(played)[3:]) == {"n@128"}
    assert len(rows) > 10
    assert [row.purpose for row in rows[:4]] == [
        Purpose.BASELINE,
        Purpose.POINTS,
        Purpose.POINTS,
        Purpose.SEARCH,
    ]
    assert [row.state for row in rows[:3]] == [TrialState.COMPLETED] * 3
    assert rows[3].params["lr0"] == 0.02
    assert "box" not in rows[5].params, "a dimension that is not searched at the chosen point"
    assert any("tunes at n at 128 px, the best" in note for note in played.record.notes)


def test_what_a_point_needs_besides_its_size_goes_with_it(tmp_path: Path) -> None:
    played = play(spec_of(), tmp_path, Pointed({"n@64": 0.1, "n@128": 0.2, "s@128": 0.5}))
    assert set(points_of(played)[3:]) == {"s@128"}
    assert {played.record.trials[n].params["batch"] for n in range(3, 8)} == {8}


def test_the_search_ends_when_the_trial_to_take_home_meets_the_target(tmp_path: Path) -> None:
    played = play(spec_of(target=0.34), tmp_path, Pointed({"n@64": 0.3, "n@128": 0.42, "s@128": 0.6}))
    assert len(played.record.trials) == 3
    assert played.search.operating.chosen == "n@128", "the cheapest that reaches it"
    assert played.search.ended == "trial 2 reached mAP50-95 0.575: the target 0.34 is met"


def test_a_target_ends_a_search_of_one_point_too(tmp_path: Path) -> None:
    spec = make_spec(target=0.2)
    played = play(spec, tmp_path)
    assert played.states == [TrialState.COMPLETED]
    assert "the target 0.2 is met" in (played.search.ended or "")


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes", "evolve"])
@pytest.mark.parametrize("killed", [False, True])
def test_a_search_interrupted_anywhere_tunes_at_the_same_point(tmp_path: Path, sampler: str, killed: bool) -> None:
    spec, trainer = spec_of(sampler=sampler, budgets=("3cpu-h",)), Pointed({"n@64": 0.3, "n@128": 0.5, "s@128": 0.45})
    whole = play(spec, tmp_path, trainer)
    for epochs in (5, 20, 36, 41, 90):
        first = play(spec, tmp_path, trainer, pause_after=epochs)
        if killed:
            first.record.die()
        again = play(spec, tmp_path, trainer, record=first.record, at=first.at)
        assert again.decisions == whole.decisions
        assert again.search.operating.reason == whole.search.operating.reason


def test_the_expected_cost_of_an_epoch_follows_the_point(tmp_path: Path) -> None:
    dearer = {point: 2 * cost for point, cost in COST.items()}
    played = play(spec_of(), tmp_path, Pointed({"n@64": 0.1, "n@128": 0.2, "s@128": 0.5}, dearer))
    assert played.search.prices.ratio == pytest.approx(2.0)
    assert played.search.prices.epoch_s() == pytest.approx(240.0)
    assert played.search.prices.epoch_s(defaults_at("n@64")) == pytest.approx(60.0)


@quick
@given(
    scores=st.tuples(*[st.floats(0.05, 0.9)] * 3),
    costs=st.tuples(*[st.floats(1.0, 200.0)] * 3),
    slots=st.integers(1, 5),
    minutes=st.integers(20, 400),
)
def test_points_never_overspend_and_the_rows_hold_what_the_ledger_does(
    scores: tuple[float, ...], costs: tuple[float, ...], slots: int, minutes: int
) -> None:
    cost = dict(zip(COST, costs, strict=True))
    spec = spec_of(
        budgets=(f"{minutes}cpu-min", "80trials"),
        slots=Slots(count=slots, device="cpu"),
        points=tuple(PointCost(*item) for item in cost.items()),
    )
    record = MemoryRecord()
    with tempfile.TemporaryDirectory() as folder:
        played = play(spec, Path(folder), Pointed(dict(zip(COST, scores, strict=True)), cost), record=record)
    ledger = played.search.ledger
    assert {n: ledger.cost_s(n) for n in record.trials} == pytest.approx(
        {n: r.slot_s for n, r in record.trials.items()}
    )
    assert sum(played.spent_s.values()) == pytest.approx(ledger.spent_s())
    assert ledger.spent_s() <= minutes * 60 + slots * max(costs) + 1e-6


def planned_spec(**changes: Any) -> StudySpec:
    """The study of three points with its plan."""
    spec = spec_of(**changes)
    points = tuple(
        Point(name=name, role="compared" if n else "baseline", epoch_s=s, training_s=12 * s)
        for n, (name, s) in enumerate(COST.items())
    )
    drawn = draw_up(points, limits_of(spec), spec.slots, epochs=12, rungs=spec.rungs, reserve=Reserved())
    return replace(spec, plan=drawn.document())


def notes_of(cost: float, folder: Path) -> list[str]:
    real = {point: cost * each for point, each in COST.items()}
    played = play(planned_spec(), folder, Pointed({"n@64": 0.3, "n@128": 0.5, "s@128": 0.45}, real))
    return [note for note in played.record.notes if note.startswith("planned again")]


@pytest.mark.parametrize("cost", [0.7, 1.5])
def test_when_epochs_cost_otherwise_the_rest_is_planned_again(tmp_path: Path, cost: float) -> None:
    first, decided = notes_of(cost, tmp_path)
    assert f"an epoch costs {120 * cost:.1f} s, {cost:.2f} times what was planned" in first
    assert f"an epoch costs {60 * cost:.1f} s, {cost:.2f} times what was planned" in decided
    trials = int(first.split("about ")[1].split()[0])
    assert (trials > planned_spec().plan["trials"]) == (cost < 1)


@pytest.mark.parametrize("cost", [0.85, 1.0, 1.2])
def test_small_differences_do_not_change_the_plan_before_the_point_is_known(tmp_path: Path, cost: float) -> None:
    (note,) = notes_of(cost, tmp_path)
    played = play(planned_spec(), tmp_path, Pointed({"n@64": 0.3, "n@128": 0.5, "s@128": 0.45}))
    said = int(note.split("about ")[1].split()[0])
    assert said == pytest.approx(len(played.record.trials) / cost, rel=0.35)


def test_a_resumed_search_does_not_repeat_what_it_said(tmp_path: Path) -> None:
    trainer = Pointed({"n@64": 0.3, "n@128": 0.5, "s@128": 0.45}, {p: 2 * s for p, s in COST.items()})
    first = play(planned_spec(), tmp_path, trainer, pause_after=60)
    assert any("2.00 times" in note for note in first.record.notes)
    before = len(first.record.notes)
    play(planned_spec(), tmp_path, trainer, record=first.record, at=first.at)
    assert not [note for note in first.record.notes[before:] if "times what" in note or "tunes at" in note]
