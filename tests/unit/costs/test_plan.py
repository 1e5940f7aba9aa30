"""The budget compiler: shares, expected trials, warnings, and what the rest of a budget pays."""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.costs.budget import Budget, parse_all
from automl.costs.plan import Course, Plan, draw_up, rest
from automl.costs.points import Point, full_trainings
from automl.costs.shares import Reserved
from automl.records import Slots

CPU = Slots(count=2, device="cpu")


def budgets(*texts: str) -> tuple[Budget, ...]:
    return parse_all(texts, "cpu")


@pytest.mark.parametrize(
    ("texts", "paid"),
    [(("1cpu-h",), 6.0), (("1h",), 12.0), (("5trials",), 5.0), (("1cpu-h", "1h", "5trials"), 5.0)],
)
def test_the_tightest_budget_says_how_many_trainings_are_paid(texts: tuple[str, ...], paid: float) -> None:
    assert full_trainings(budgets(*texts), 600.0, CPU) == paid


@given(st.floats(0.1, 1e6), st.sampled_from(["1cpu-s", "1gpu-h", "1min"]))
def test_a_budget_that_is_offered_can_be_read_and_suffices(needed_s: float, text: str) -> None:
    budget = Budget.parse(Budget.parse(text).at_least(needed_s))
    assert budget.device == Budget.parse(text).device
    assert (budget.limit_s or 0.0) >= needed_s


def point(name: str = "n@64", role: str = "baseline", training_s: float = 120.0, startup_s: float = 0.0) -> Point:
    """A training of 12 epochs; `training_s` is without its start-up."""
    whole_s = training_s + startup_s
    return Point(name=name, role=role, epoch_s=training_s / 12, training_s=whole_s, trainings=3600.0 / whole_s)


def course(**changes: Any) -> Course:
    """Twelve epochs of ten seconds with rungs at 3 and 9."""
    return Course(**{"epochs": 12, "rungs": (3, 9), "epoch_s": 10.0, **changes})


def plan(*texts: str, points: tuple[Point, ...] | None = None, epochs: int = 12, **reserve: Any) -> Plan:
    """A plan with rungs at 3 and 9, of 12 epochs by default."""
    return draw_up(points or (point(),), budgets(*texts), CPU, epochs=epochs, rungs=(3, 9), reserve=Reserved(**reserve))


amounts = st.floats(0.01, 1e5)
texts = st.lists(
    st.one_of(
        st.integers(1, 10**5).map(lambda s: f"{s}cpu-s"),
        st.integers(1, 10**5).map(lambda s: f"{s}s"),
        st.integers(1, 500).map(lambda n: f"{n}trials"),
    ),
    min_size=1,
    max_size=3,
)


@given(
    texts=texts,
    trainings=st.lists(amounts, min_size=1, max_size=3),
    slots=st.integers(1, 64),
    probe_s=st.floats(0.0, 1e4),
    repeats_s=st.floats(0.0, 1e4),
    production_s=st.floats(0.0, 1e4),
    startup_s=st.floats(0.0, 100.0),
    rungs=st.sampled_from([(), (3,), (3, 9)]),
)
def test_no_plan_is_over_budget(
    texts: list[str],
    trainings: list[float],
    slots: int,
    probe_s: float,
    repeats_s: float,
    production_s: float,
    startup_s: float,
    rungs: tuple[int, ...],
) -> None:
    points = tuple(point(f"n@{i}", "compared" if i else "baseline", s, startup_s) for i, s in enumerate(trainings))
    result = draw_up(
        points,
        budgets(*texts),
        Slots(count=slots, device="cpu"),
        epochs=12,
        rungs=rungs,
        reserve=Reserved(probe_s=probe_s, repeats_s=repeats_s, production_s=production_s),
    )
    parsed = budgets(*texts)
    assert all(share >= 0 for share in result.shares.values())
    total_s = sum(result.shares.values())
    for budget in parsed:
        if budget.slot_s is not None:
            assert total_s <= max(budget.slot_s, probe_s) * (1 + 1e-9)
        if budget.wall_s is not None:
            assert total_s - probe_s <= slots * budget.wall_s * (1 + 1e-9)
            assert result.wall_s <= budget.wall_s
        if budget.trials is not None:
            assert result.trials <= max(budget.trials, len(points))
    reached = [trials for _, trials in result.reach]
    assert reached == sorted(reached, reverse=True)


@given(st.floats(1.0, 500.0), st.floats(0.0, 100.0), st.integers(1, 40))
def test_the_expected_trials_spend_the_search_share_but_for_one_training(
    training_s: float, startup_s: float, hours: int
) -> None:
    result = plan(f"{hours}cpu-h", points=(point(training_s=training_s, startup_s=startup_s),))
    before, cost_s = 0, startup_s * result.reach[0][1]
    for level, trials in result.reach:
        cost_s += (level - before) * training_s / 12 * trials
        before = level
    one_s = training_s + startup_s
    assert result.shares["search"] - 1.1 * one_s <= cost_s <= result.shares["search"] + 0.2 * one_s


def test_early_trials_survive_a_rung_more_often_than_one_in_three() -> None:
    reach = dict(course(rungs=(4,)).reach(3))
    assert reach[4] == 3
    assert reach[12] == pytest.approx(1 + 1 / 2 + 1 / 3)
    many = dict(course(rungs=(4,)).reach(3000))
    assert many[12] == pytest.approx(1000, rel=0.02)


@given(
    trials=st.integers(0, 2000),
    epoch_s=st.floats(0.1, 100.0),
    startup_s=st.floats(0.0, 60.0),
    rungs=st.sampled_from([(), (3,), (3, 9)]),
)
def test_what_is_affordable_is_the_most_that_costs_no_more(
    trials: int, epoch_s: float, startup_s: float, rungs: tuple[int, ...]
) -> None:
    way = course(rungs=rungs, epoch_s=epoch_s, startup_s=startup_s)
    assert trials * (startup_s + (rungs or (12,))[0] * epoch_s) <= way.cost_s(trials) * (1 + 1e-9)
    assert way.cost_s(trials) <= trials * (startup_s + 12 * epoch_s) * (1 + 1e-9)
    most = way.affordable(way.cost_s(trials), 5000)
    assert way.cost_s(most) <= way.cost_s(trials) < way.cost_s(most + 1)
    assert way.affordable(way.cost_s(trials), 7) == min(7, most)


def test_the_shares_name_every_purpose() -> None:
    points = (point(), point("n@128", "compared", 240.0))
    result = plan("1cpu-h", points=points, probe_s=10.0, repeats_s=360.0)
    assert result.shares == {
        "probe": 10.0,
        "baseline": 120.0,
        "points": 240.0,
        "confirmation": 360.0,
        "search": pytest.approx(3600 - 10 - 120 - 240 - 360),
    }
    assert result.budget_s == 3600
    assert result.wall_s == pytest.approx((3600 - 10) / 2)


def test_a_trial_count_alone_gives_no_budget_but_an_end() -> None:
    result = plan("5trials")
    assert result.budget_s is None
    assert result.trials == 5
    assert 4 * 120 * 3 / 12 < result.shares["search"] <= 4 * 120


@pytest.mark.parametrize(
    ("trainings", "text"), [(3.0, "too few for a search"), (9.0, "expect little"), (30.0, None), (10.0, None)]
)
def test_few_trainings_are_a_warning(trainings: float, text: str | None) -> None:
    result = plan("1cpu-h", points=(point(training_s=3600 / trainings),), epochs=100)
    assert bool(result.warnings) == (text is not None)
    assert text is None or text in result.warnings[0]


@pytest.mark.parametrize(("epochs", "warned"), [(12, True), (85, True), (86, False), (300, False)])
def test_a_horizon_far_below_production_is_a_warning_with_figures(epochs: int, warned: bool) -> None:
    warnings = plan("1cpu-h", epochs=epochs).warnings
    assert bool(warnings) == warned
    assert not warned or f"{epochs} epochs is {epochs / 300:.0%} of a production training's 300" in warnings[0]
    assert not warned or "Compare at production length with --train 300" in warnings[0]
    planned = plan("1cpu-h", epochs=epochs, production_s=10.0, production_epochs=3 * epochs).warnings
    assert not planned  # a third of its length was measured


@given(epoch_s=st.floats(0.1, 100.0), left_s=st.floats(0.0, 1e5), slots=st.integers(1, 8))
def test_what_is_left_is_never_planned_twice(epoch_s: float, left_s: float, slots: int) -> None:
    more, wall_s = rest(course(epoch_s=epoch_s), left_s=left_s, wall_left_s=float("inf"), slots=slots)
    assert 3 * epoch_s * more <= left_s * (1 + 1e-9)
    assert wall_s <= left_s / slots * (1 + 1e-9)


def test_the_rest_of_a_trial_count_ends_when_those_have_run() -> None:
    more, wall_s = rest(course(rungs=()), left_s=1e6, wall_left_s=1e6, slots=2, most=4)
    assert (more, wall_s) == (4, 4 * 120 / 2)


def test_measuring_has_its_place_in_the_shares() -> None:
    plain, more = (plan("1cpu-h", measuring_s=seconds) for seconds in (0.0, 20.0))
    assert more.shares["confirmation"] == plain.shares["confirmation"] + 20.0
    assert more.shares["search"] == pytest.approx(plain.shares["search"] - 20.0)


@pytest.mark.parametrize("texts", [("1cpu-h",), ("30trials",), ("1h", "30trials")])
def test_a_plan_is_the_same_after_its_document_was_json(texts: tuple[str, ...]) -> None:
    points = [
        Point(name="a@64", role="baseline", epoch_s=10.0, training_s=120.0, trainings=math.inf),
        Point(name="b@96", role="compared", epoch_s=20.0, training_s=240.0, trainings=15.0, batch=16),
    ]
    plan = draw_up(points, budgets(*texts), CPU, epochs=12, rungs=(3, 9), reserve=Reserved())
    assert Plan.from_document(plan.document()) == plan
    assert Plan.from_document(json.loads(json.dumps(plan.document()).replace("Infinity", "null"))) == plan


def test_a_plan_shows_itself_in_a_few_lines_and_as_a_table_of_points() -> None:
    points = (
        Point(name="<b>@64", role="baseline", epoch_s=45.0, training_s=540.0, trainings=6.7, batch=16),
        Point(name="c@128", role="compared", epoch_s=90.0, training_s=1080.0, trainings=3.3, batch=8),
    )
    plan = draw_up(points, budgets("1cpu-h"), CPU, epochs=12, rungs=(3,), reserve=Reserved())
    first, *lines = repr(plan).splitlines()
    assert first == "<Plan: 1cpu-h, 2 operating points>"
    assert [line.strip() for line in lines] == plan.brief()
    html = plan._repr_html_()
    assert "&lt;b&gt;@64" in html
    assert "9.0 cpu-min" in html
    assert all(escape(sentence) in html for sentence in plan.sentences())


def test_the_points_of_a_plan_are_a_dataframe() -> None:
    points = (Point(name="a@64", role="baseline", training_s=540.0, batch=16), Point(name="c@128", role="left out"))
    frame = draw_up(points, budgets("1cpu-h"), CPU, epochs=12, rungs=(3,), reserve=Reserved()).to_dataframe()
    assert frame["name"].tolist() == ["a@64", "c@128"]
    assert frame["training_s"].tolist() == [540.0, 0.0]
    assert frame["batch"].isna().tolist() == [False, True]


def test_a_plan_without_a_time_says_no_end() -> None:
    plan = draw_up(
        (Point(name="a@64", role="baseline", epoch_s=1.0, training_s=9.0),),
        budgets("1cpu-h"),
        CPU,
        epochs=9,
        rungs=(3,),
        reserve=Reserved(),
    )
    assert ", ends " not in plan.brief()[-1]
    assert ", ends " in plan.brief(0.0)[-1]
