"""The spec of a study, compiled from a checked request."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.costs.points import Probe
from automl.errors import AutoMLError, BudgetTooSmall, NoSpace
from automl.files.disk import bytes_of_a_trial, check_disk
from automl.files.home import shipped
from automl.records import StudySpec
from automl.setup.compiling import compile_spec
from automl.setup.request import Checked
from automl.trainers.ultralytics import schema
from tests.builders.factories import make_prepared
from tests.builders.requests import CPU, checked, make_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.yaml of two images with a box each."""
    return make_data(tmp_path)


def spec_of(result: Checked, **changes: Any) -> Any:
    defaults = {**schema.defaults(), "optimizer": "AdamW", "lr0": 0.002}
    return compile_spec(result, "birds", Path("/runs"), make_prepared(defaults=defaults, **changes), probe_s=30.0)


def origins(result: Checked, defaults: dict[str, Any] | None = None) -> list[str]:
    """Who proposed the trials that run first, for a training of 24 minutes."""
    defaults = defaults or {**schema.defaults(), "optimizer": "AdamW", "lr0": 0.002}
    spec = compile_spec(result, "birds", Path("/runs"), make_prepared(defaults=defaults), 0.0)
    return [origin for origin, _ in spec.given]


def test_the_baseline_runs_first_and_then_known_good_recipes(data: Path) -> None:
    spec = spec_of(checked(data, recipe_only=True))
    assert [origin for origin, _ in spec.given] == [
        *("defaults", "scratch-low", "scratch-med+high", "VOC", "Objects365"),
    ]
    (_, defaults), (_, low), *_ = spec.given
    assert (defaults["optimizer"], defaults["lr0"]) == ("AdamW", 0.002)
    assert (low["optimizer"], low["lr0"], low["box"], low["cls_pw"]) == ("SGD", 0.01, 7.5, 0.0)
    assert any("Known-good recipes after the defaults: scratch-low, " in note for note in spec.plan["notes"])


def test_a_small_budget_tries_two_recipes_and_a_smaller_one_none(data: Path) -> None:
    assert origins(checked(data, epochs=40)) == ["defaults", "scratch-low", "scratch-med+high"]
    assert origins(checked(data, epochs=60)) == ["defaults"]


def test_no_portfolio_leaves_the_recipes_out(data: Path) -> None:
    assert origins(checked(data, recipe_only=True, portfolio=False)) == ["defaults"]


def test_known_good_recipes_keep_what_the_user_set(data: Path) -> None:
    result = checked(data, fixed={"box": 3.0}, recipe_only=True)
    spec = compile_spec(result, "birds", Path("/runs"), make_prepared(defaults={**schema.defaults(), "box": 3.0}), 0.0)
    assert len(spec.given) == 5
    assert {params["box"] for _, params in spec.given} == {3.0}
    assert spec.fixed["box"] == 3.0


@pytest.mark.parametrize(("budget", "confirm", "repeats"), [("40trials", 3, 4), ("9trials", 3, 0), ("40trials", 0, 0)])
def test_repeats_are_kept_from_the_search(data: Path, budget: str, confirm: int, repeats: int) -> None:
    spec = spec_of(checked(data, budgets=(budget,), confirm=confirm))
    assert (spec.confirm, spec.reserve_trials) == (confirm, repeats)
    training_s = spec.plan["points"][0]["training_s"]
    assert spec.reserve_s == pytest.approx(repeats * training_s)
    assert spec.plan["shares"]["confirmation"] == pytest.approx(spec.reserve_s)
    assert spec.plan["trials"] <= int(budget.removesuffix("trials")) - repeats


def test_a_negative_number_of_repeats_is_refused(data: Path) -> None:
    with pytest.raises(AutoMLError, match="--confirm -1: write the number of best trials with seed repeats"):
        checked(data, confirm=-1)


def test_horizon_and_rungs_follow_from_budget_and_warmup(data: Path) -> None:
    spec = spec_of(checked(data, recipe_only=True))
    assert spec.epochs == 23  # 8 hours of minutes for 20 trainings with their start
    assert spec.rungs == (5, 15)


@pytest.mark.parametrize(
    ("budgets", "changes", "epochs", "train", "alone"),
    [
        (("110cpu-h",), {}, 300, 0, False),  # twenty trainings of five hours
        (("40cpu-h",), {}, 88, 300, False),
        (("8cpu-h",), {}, 300, 0, True),
        (("3cpu-h",), {}, 179, 0, True),
        (("40cpu-h",), {"recipe_only": True}, 119, 0, False),
        (("40cpu-h",), {"epochs": 50}, 50, 300, False),
        (("8cpu-h",), {"epochs": 20}, 20, 0, False),
        (("12cpu-h",), {"train": 60}, 40, 60, False),
        (("8cpu-h",), {"train": 60}, 60, 0, True),
        (("8cpu-h",), {"train": 15}, 15, 0, False),
        (("8cpu-h",), {"trainer": "surrogate", "epochs": 20}, 20, 0, False),
        (("12trials",), {"epochs": 20}, 20, 0, False),
        (("12trials",), {"epochs": 20, "train": 100}, 20, 100, False),
    ],
)
def test_a_budget_is_divided_between_production_and_a_search(
    data: Path, budgets: tuple[str, ...], changes: dict[str, Any], epochs: int, train: int, alone: bool
) -> None:
    spec = spec_of(checked(data, budgets=budgets, **changes))
    assert (spec.epochs, spec.train, spec.compare) == (epochs, train, train > 0)
    assert bool(spec.defaults_alone) is alone
    assert spec.plan["production"] == train
    again = StudySpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert (again.train, again.compare, again.defaults_alone) == (spec.train, spec.compare, spec.defaults_alone)


def test_the_search_plans_with_what_production_leaves(data: Path) -> None:
    spec = spec_of(checked(data, budgets=("40cpu-h",)))
    shares, total_s = spec.plan["shares"], 40 * 3600
    assert shares["production"] == pytest.approx(2 * 1.05 * 300 * 60)
    assert sum(shares.values()) <= total_s
    assert spec.plan["answer"].startswith("The defaults and the best recipe found train for up to 300 epochs each")
    assert "--train 300" not in " ".join(spec.plan["warnings"])


def test_the_defaults_alone_are_the_only_trial_and_the_reason_is_kept(data: Path) -> None:
    spec = spec_of(checked(data))
    assert [origin for origin, _ in spec.given] == ["defaults"]
    assert (spec.plan["trials"], spec.reserve_trials) == (1, 0)
    assert "8cpu-h pays one training of 300 epochs" in spec.defaults_alone
    assert spec.plan["answer"] == spec.defaults_alone
    assert not any("recipes" in note for note in spec.plan["notes"])


def test_production_and_its_absence_contradict_each_other(data: Path) -> None:
    with pytest.raises(AutoMLError, match="--train and --recipe-only contradict each other: drop one"):
        checked(data, train=100, recipe_only=True)


def test_a_production_training_is_priced_at_the_dearest_point_that_may_be_chosen(data: Path) -> None:
    result = checked(data, models=("yolov5n", "yolov5s"), imgsz=(64,), budgets=("80cpu-h",), train=100, epochs=40)
    defaults = {**schema.defaults(), "optimizer": "AdamW", "lr0": 0.002}
    near = make_prepared(defaults=defaults, horizon=40, switch_epochs=60, elsewhere={**defaults, "optimizer": "SGD"})
    probes = [
        Probe(point="yolov5n@64", prepared=near),
        Probe(point="yolov5s@64", prepared=replace(near, train_s=230.0, switch_epochs=None)),
    ]
    spec = compile_spec(result, "birds", Path("/runs"), near, 0.0, probes)
    assert [name for name, _ in spec.points] == ["yolov5n@64", "yolov5s@64"]
    assert spec.plan["shares"]["production"] == pytest.approx(2 * 1.05 * 100 * 240)
    (switch, beyond), (never, same) = spec.beyond
    assert (switch, beyond["optimizer"]) == (60, "SGD")
    assert (never, same["optimizer"]) == (10**6, "AdamW")
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict()))).beyond == spec.beyond


def test_a_production_training_shorter_than_a_trial_is_refused(data: Path) -> None:
    with pytest.raises(AutoMLError, match="--train 20 is no production training"):
        checked(data, train=20, epochs=40)
    with pytest.raises(BudgetTooSmall, match=r"'18cpu-min' cannot pay for --train 300: .* at least 11cpu-h"):
        spec_of(checked(data, train=300, epochs=10, budgets=("18cpu-min",)))


def test_ranges_in_shares_of_the_horizon_are_epochs_in_the_spec(data: Path) -> None:
    parameters = spec_of(checked(data, epochs=100, budgets=("100cpu-h",))).space["parameters"]
    assert parameters["close_mosaic"]["int"] == [0.0, 25.0]
    assert parameters["warmup_epochs"] == {"log": [0.5, 10.0], "default": 3.0}


def test_the_surrogate_has_its_defaults_as_the_only_given_trial(data: Path) -> None:
    result = checked(data, trainer="surrogate")
    spec = compile_spec(result, "birds", Path("/runs"), make_prepared(), 0.0)
    assert [origin for origin, _ in spec.given] == ["defaults"]


def test_a_budget_below_the_baseline_is_refused_when_its_cost_is_known(data: Path) -> None:
    with pytest.raises(BudgetTooSmall, match=r"Raise --budget to at least 11cpu-min"):
        spec_of(checked(data, budgets=("5cpu-min",)))


def test_a_disk_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 100_000_000))
    with pytest.raises(NoSpace, match=r"has 0\.1 GB free, and the study needs 0\.4 GB"):
        check_disk(tmp_path, 1_000_000, CPU)


def test_a_disk_with_room_is_accepted_and_a_trials_need_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 10**12))
    check_disk(tmp_path, 1_000_000, CPU)
    assert bytes_of_a_trial(1_000_000) == 70_000_000


def test_a_shipped_file_that_is_missing_is_said() -> None:
    assert shipped("configs/spaces/scratch-low.yaml").is_file()
    with pytest.raises(AutoMLError, match="is missing from this installation"):
        shipped("configs/spaces/absent.yaml")


def test_the_baseline_is_probed_without_what_a_space_fixes(data: Path) -> None:
    file = data.with_name("space.yaml")
    file.write_text("fixed: {optimizer: SGD}\nparameters:\n  lr0: {log: [0.002, 0.05]}\n")
    result = checked(data, space=file)
    defaults = {**schema.defaults(), "optimizer": "AdamW", "lr0": 0.0011}
    spec = compile_spec(result, "birds", Path("/runs"), make_prepared(defaults=defaults), 0.0)
    assert "optimizer" not in result.fixed
    assert (spec.given[0][1]["optimizer"], spec.fixed["optimizer"]) == ("AdamW", "SGD")


def test_known_good_learning_rates_are_left_out_with_another_optimizer(data: Path) -> None:
    result = checked(data, fixed={"optimizer": "AdamW"}, recipe_only=True)
    defaults = {**schema.defaults(), "optimizer": "AdamW", "lr0": 0.002}
    spec = compile_spec(result, "birds", Path("/runs"), make_prepared(defaults=defaults), 0.0)
    assert "scratch-low" not in [origin for origin, _ in spec.given]
    assert len(spec.given) == 4
    assert {(params["optimizer"], params["lr0"]) for _, params in spec.given} == {("AdamW", 0.002)}


def test_an_automatic_batch_is_kept_as_the_number_it_became(data: Path) -> None:
    result = checked(data, batch=-1)
    spec = compile_spec(result, "birds", Path("/runs"), make_prepared(defaults={"batch": 24}), 0.0)
    assert spec.fixed["batch"] == 24
