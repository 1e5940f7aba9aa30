"""What a production training costs, what it leaves, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.costs.budget import parse_all
from automl.costs.shares import PRODUCTION_AT_MOST, ProductionShare, affordable, without_production
from automl.costs.shares import production as production_share
from automl.errors import BudgetTooSmall
from automl.policy.production import PATIENCE, longer
from automl.recipes import Subject, write_recipe
from automl.records import Purpose, Slots, TrialRow, TrialState
from automl.scores.words import production_text, unseen_verdict_text
from tests.builders.factories import make_evaluation, make_prepared, make_row, make_spec, make_study

CPU = Slots(count=2, device="cpu")


def made(**changes: object) -> TrialRow:
    """The production training of trial 3."""
    row = make_row(9, 0.61, purpose=Purpose.PRODUCTION, origin="production", repeats=3, epochs=300, done_epochs=300)
    return replace(row, **{"best_epoch": 290, "slot_s": 18000.0, "seed": 0, **changes})  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from(["1cpu-h", "30cpu-min", "2h", "20min", "9trials"]), min_size=1, max_size=3),
    st.floats(0.5, 900.0),
    st.integers(1, 1000),
)
def test_it_never_takes_more_than_half_of_a_budget(texts: list[str], epoch_s: float, wanted: int) -> None:
    budgets = parse_all(texts, "cpu")
    epochs, cost_s = affordable(budgets, epoch_s, wanted)
    assert 0 <= epochs <= wanted
    assert epochs * epoch_s <= cost_s
    for budget, left in zip(budgets, without_production(budgets, cost_s), strict=True):
        for has, leaves in ((budget.slot_s, left.slot_s), (budget.wall_s, left.wall_s)):
            assert (has is None) == (leaves is None)
            assert has is None or leaves is None or leaves >= PRODUCTION_AT_MOST * has * (1 - 1e-9)
        assert budget.trials is None or left.trials == budget.trials - 1


def foreseen(*texts: str, wanted: int = 300, horizon: int = 40, epoch_s: float = 60.0) -> ProductionShare:
    """Of a baseline whose epochs take a minute."""
    return production_share(
        parse_all(texts, "cpu"),
        CPU,
        make_prepared(),
        most=wanted,
        horizon=horizon,
        epoch_s=epoch_s,
        besides_s=0.0,
    )


def test_the_plan_says_what_it_costs_and_where_it_is_shortened() -> None:
    whole = foreseen("40cpu-h")
    assert (whole.epochs, whole.cost_s) == (300, pytest.approx(1.05 * 300 * 60))
    assert whole.notes == (
        "At the end the winner trains for up to 300 epochs (--train), on one slot: about 5.25 cpu-h.",
    )
    short = foreseen("8cpu-h")
    assert short.epochs == 228
    assert "up to 228 epochs (--train), which half of the budget pays, instead of 300, on one slot" in short.notes[0]
    assert foreseen("8cpu-h", wanted=0) == ProductionShare()
    assert foreseen("8cpu-h", epoch_s=240.0).epochs == 57  # at the dearest point that may be chosen


@pytest.mark.parametrize(("budget", "enough"), [("60cpu-min", "84cpu-min"), ("60min", "84min")])
def test_a_budget_too_small_for_both_is_refused_with_one_that_suffices(budget: str, enough: str) -> None:
    with pytest.raises(BudgetTooSmall, match=f"--train 300: half of it pays 28 epochs.*at least {enough}, lower"):
        foreseen(budget)
    foreseen(enough)


def test_of_two_budgets_the_one_that_is_too_small_is_named() -> None:
    with pytest.raises(BudgetTooSmall, match="the budget '30min' cannot pay for --train 300: half of it pays 14 "):
        foreseen("40cpu-h", "30min")


def test_a_single_trial_leaves_nothing_to_search_with() -> None:
    with pytest.raises(BudgetTooSmall, match=r"--train takes one of its trials\. Raise --budget to at least 2trials"):
        without_production(parse_all(["1trials"], "cpu"), 10.0)


def test_only_what_the_sampler_moved_keeps_its_share_of_the_epochs() -> None:
    space = {"parameters": {"warmup_epochs": {"uniform": [0.0, 5.0], "default": 3.0}}}
    defaults = {"warmup_epochs": 3.0}
    spec = make_spec(space=space, fixed={}, given=(("defaults", defaults),))
    assert longer(spec, 3, {"warmup_epochs": 1.2}, 12, 120) == {"warmup_epochs": 12.0}
    assert longer(spec, 3, defaults, 12, 120) == {}
    assert longer(spec, 0, {"warmup_epochs": 1.2}, 12, 120) == {}


def test_the_defaults_change_to_what_auto_stands_for_at_that_length() -> None:
    beyond = ((769, {"optimizer": "SGD", "lr0": 0.01, "momentum": 0.9}), (10**6, {"optimizer": "AdamW"}))
    spec = make_spec(beyond=beyond, given=(("defaults", {}), ("defaults@m", {}), ("scratch-low", {})))
    given = {"optimizer": "AdamW", "lr0": 0.002, "momentum": 0.9}
    assert longer(spec, 0, given, 12, 300) == {}
    assert longer(spec, 0, given, 12, 800) == {"optimizer": "SGD", "lr0": 0.01}
    assert longer(spec, 1, given, 12, 800) == {}
    assert longer(spec, 2, given, 12, 800) == {}


def test_what_it_reached_is_told_with_cost_and_images() -> None:
    measured = make_evaluation(9, 0.58, low=0.55, high=0.61)
    assert production_text(made(), "gpu", [measured]) == (
        "Production (trial 9): trial 3 trained for 300 of 300 epochs, 5.00 gpu-h: best epoch 0.610 on val (epoch 290, "
        "one seed), 0.580 [0.550, 0.610] on 72 unseen images (test)."
    )
    assert production_text(made(state=TrialState.RUNNING, done_epochs=7), "cpu").endswith(
        "so far: best epoch 0.610 on val."
    )
    assert production_text(made(repeats=0, state=TrialState.FAILED, reason="out of memory"), "cpu") == (
        "Production (trial 9): the defaults trained for 300 of 300 epochs, 5.00 cpu-h: best epoch 0.610 on val (epoch 290, "
        "one seed). It failed: out of memory."
    )
    early = made(done_epochs=191, reason="no epoch was better than epoch 141 for 50 epochs")
    assert production_text(early, "cpu").endswith(
        "; it ended there, since no epoch was better than epoch 141 for 50 epochs."
    )
    assert production_text(made(state=TrialState.CUT, reason="the wall time is over"), "cpu").endswith(
        "It was cut: the wall time is over."
    )


def test_its_figure_on_unseen_images_is_no_match_for_the_defaults() -> None:
    rows = [make_evaluation(0, 0.4), make_evaluation(9, 0.58)]
    assert unseen_verdict_text(rows, made(repeats=0)) == ""
    assert "trial 9" in unseen_verdict_text(rows)


def test_the_winners_recipe_repeats_its_production_training(tmp_path: Path) -> None:
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "imgsz": 64})
    subject = Subject(study=make_study(spec=spec), trial=make_row(3), baseline=make_row(0), production=made())

    def written(subject: Subject) -> dict[str, dict[str, object]]:
        text = write_recipe(subject, tmp_path / "recipe.json", "json").read_text()
        found: dict[str, dict[str, object]] = json.loads(text)
        return found

    found = written(subject)
    assert (found["arguments"]["epochs"], found["arguments"]["patience"]) == (300, PATIENCE)
    assert str(found["facts"]["epochs"]).startswith("300, as its production training had; searched with 12;")
    assert str(found["facts"]["production"]).startswith("Production (trial 9): trial 3 trained for 300 of 300 epochs")
    other = written(replace(subject, trial=make_row(4)))
    assert (other["arguments"]["epochs"], other["facts"].get("production")) == (12, None)
    diverged = written(replace(subject, production=made(state=TrialState.FAILED)))
    assert (diverged["arguments"]["epochs"], diverged["facts"].get("production")) == (12, None)
    asked = written(replace(subject, epochs=100))
    assert (asked["arguments"]["epochs"], asked["arguments"]["patience"]) == (100, 100)
