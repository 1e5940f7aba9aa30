"""A request, checked and compiled into a spec."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.costs.points import Probe
from automl.errors import AutoMLError, BadBudget, BadData, BadSpace, BadWeights, BudgetTooSmall, NoSpace, UnknownName
from automl.files.disk import bytes_of_a_trial, check_disk
from automl.files.home import shipped
from automl.records import Slots, StudySpec
from automl.setup.compiling import compile_spec
from automl.setup.options import SearchRequest
from automl.setup.request import Checked, check
from automl.trainers.ultralytics import schema
from tests.builders.data_folder import image_bytes
from tests.builders.factories import make_prepared

CPU = Slots(count=2, device="cpu")
BOX = "0 0.5 0.5 0.05 0.05\n"
POLYGON = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.yaml of two images with a box each."""
    return make_data(tmp_path, BOX)


def make_data(folder: Path, label: str) -> Path:
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        (folder / "images" / split / f"{split}.jpg").write_bytes(image_bytes())
        (folder / "labels" / split / f"{split}.txt").write_text(label)
    file = folder / "data.yaml"
    file.write_text("train: images/train\nval: images/val\nnames: [bird]\n")
    return file


def checked(data: Path, **changes: Any) -> Checked:
    request = SearchRequest(data=data, budgets=("8cpu-h",), weights="none")
    return check(replace(request, **changes), CPU)


def names(result: Checked) -> set[str]:
    return {p.name for p in result.space.parameters}


def test_the_plan_says_what_measuring_on_unseen_images_costs_and_keeps_it(data: Path, tmp_path: Path) -> None:
    folder = data.parent / "images" / "test"
    (data.parent / "labels" / "test").mkdir()
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.jpg").write_bytes(image_bytes())
        (data.parent / "labels" / "test" / f"{number}.txt").write_text(BOX)
    data.write_text(data.read_text() + "test: images/test\n")
    prepared = make_prepared(val_s=2.0, val_images=10, startup_s=1.0)
    spec = compile_spec(checked(data), "birds", tmp_path, prepared, 5.0)
    assert (spec.unseen_s, spec.measuring_s) == (15.0, 30.0)  # 8 for a worker, 1 for its start, 6 for the images
    sentence = "At the end the defaults and the winner are measured on 30 images (test): about 30 cpu-s, within the"
    assert any(note.startswith(sentence) for note in spec.plan["notes"])
    without = compile_spec(checked(data, test=False), "birds", tmp_path, prepared, 5.0)
    assert without.measuring_s == 0.0
    assert not any("measured on" in note for note in without.plan["notes"])
    assert spec.plan["shares"]["confirmation"] - without.plan["shares"]["confirmation"] == pytest.approx(30.0)


def test_a_plain_request_searches_the_shipped_space_on_all_variants(data: Path) -> None:
    result = checked(data)
    assert (result.models, result.imgsz) == (("yolov5s", "yolov5n", "yolov5m", "yolov5l", "yolov5x"), (640,))
    assert result.automatic == ("yolov5n@640", "yolov5m@640", "yolov5l@640", "yolov5x@640")
    assert result.fixed == {"model": "yolov5s", "imgsz": 640, "amp": True}
    assert {"optimizer", "lr0", "lr0@AdamW", "mosaic"} <= names(result)


def test_what_cannot_matter_is_left_out_and_said(data: Path) -> None:
    result = checked(data)
    assert not {"copy_paste", "freeze"} & names(result)
    assert "freeze is not searched: without weights it would freeze random layers." in result.notes
    assert any(note.startswith("copy_paste is not searched: copy-paste needs polygons") for note in result.notes)


def test_copy_paste_is_searched_on_polygons(tmp_path: Path) -> None:
    assert "copy_paste" in names(checked(make_data(tmp_path, POLYGON)))


def test_training_from_scratch_is_said(data: Path) -> None:
    assert any("pretrained weights usually give more than any search" in note for note in checked(data).notes)


def test_what_the_user_sets_is_not_searched(data: Path) -> None:
    result = checked(data, fixed={"box": 7.0}, batch=8)
    assert "box" not in names(result)
    assert result.fixed["box"] == 7.0
    assert result.fixed["batch"] == 8
    assert "box is not searched: it is set on the command line." in result.notes


def test_with_a_set_optimizer_its_learning_rate_is_still_searched(data: Path) -> None:
    result = checked(data, fixed={"optimizer": "SGD"})
    lr0 = next(p for p in result.space.parameters if p.name == "lr0")
    assert lr0.when == ()
    assert "lr0@AdamW" not in names(result)


def test_with_a_set_auto_optimizer_nothing_that_it_overrides_is_searched(data: Path) -> None:
    assert not {"lr0", "lr0@AdamW", "momentum", "warmup_bias_lr"} & names(checked(data, fixed={"optimizer": "auto"}))


def test_without_mosaic_nothing_that_needs_it_is_searched(data: Path) -> None:
    assert not {"mosaic", "close_mosaic", "mixup", "cutmix"} & names(checked(data, fixed={"mosaic": 0.0}))


def test_several_models_become_one_joint_dimension(data: Path) -> None:
    result = checked(data, models=("yolov5n", "yolov5s"), imgsz=(320, 640))
    assert result.space.parameters[0].choices == ("yolov5n@320", "yolov5n@640", "yolov5s@320", "yolov5s@640")
    assert (result.fixed["model"], result.fixed["imgsz"]) == ("yolov5n", 320)


def test_a_space_of_the_user_is_read_and_its_fixed_arguments_kept(data: Path) -> None:
    file = data.with_name("space.yaml")
    file.write_text("fixed: {optimizer: AdamW}\nparameters:\n  lr0: {log: [0.0002, 0.02]}\n")
    result = checked(data, space=file, models=("yolov5s",), imgsz=(640,))
    assert names(result) == {"lr0"}
    assert result.space.fixed["optimizer"] == "AdamW"
    assert "optimizer" not in result.fixed  # the baseline stays what changing nothing gives


def test_a_dead_key_in_a_space_of_the_user_is_an_error_with_its_line(data: Path) -> None:
    file = data.with_name("space.yaml")
    file.write_text("parameters:\n  box: {uniform: [4, 14]}\n  copy_paste: {uniform: [0.0, 0.3]}\n")
    with pytest.raises(BadSpace, match=r"space\.yaml:3: 'copy_paste' has no effect"):
        checked(data, space=file)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"trainer": "caffe"}, UnknownName, "unknown trainer 'caffe'. Known: ultralytics, surrogate"),
        ({"sampler": "grid"}, UnknownName, "unknown sampler 'grid'"),
        ({"name": "../up"}, AutoMLError, "--name '../up' cannot be a folder"),
        ({"epochs": 0}, AutoMLError, "--epochs 0 is no training"),
        ({"budgets": ("40 bananas",)}, BadBudget, "40 bananas"),
        ({"budgets": ("40gpu-h",)}, BadBudget, "Use for example 40cpu-h"),
        ({"budgets": ()}, BadBudget, "no budget given"),
        ({"weights": "absent.pt"}, BadWeights, "absent.pt"),
        ({"fixed": {"lr00": 1}}, UnknownName, "unknown parameter 'lr00'"),
        ({"fixed": {"epochs": 3}}, AutoMLError, "--epochs sets the horizon"),
        ({"models": ("yolov5q",)}, UnknownName, "unknown model 'yolov5q'"),
        ({"imgsz": (16,)}, AutoMLError, "--imgsz 16: image sizes are whole numbers of at least 32"),
        ({"imgsz": (64, 65)}, AutoMLError, "--imgsz 65: yolov5s takes multiples of 32 pixels. Use 64 or 96."),
        (
            {"models": ("yolov5n", "yolov5s6"), "imgsz": (640, 1312)},
            AutoMLError,
            "--imgsz 1312: yolov5s6 takes multiples of 64 pixels. Use 1280 or 1344.",
        ),
        ({"fixed": {"imgsz": 65}}, AutoMLError, "--imgsz 65: yolov5s takes multiples of 32"),
        ({"batch": 0}, AutoMLError, "--batch 0 is no batch. Use 1 or more, or leave it out"),
        ({"batch": -2}, AutoMLError, "--batch -2 is no batch"),
        ({"fixed": {"batch": 0}}, AutoMLError, "--batch 0 is no batch"),
        ({"seed": -1}, AutoMLError, "--seed -1: seeds are whole numbers from 0 to 2147483647."),
        ({"seed": 2**31}, AutoMLError, "--seed 2147483648: seeds are whole numbers from 0"),
        ({"models": ("yolov5s6",)}, AutoMLError, "P6 variants are made for 1280 pixels. Add --imgsz 1280."),
        ({"models": ("yolov5s6",), "imgsz": (640, 1280)}, AutoMLError, "the baseline would be yolov5s6 at 640 px"),
        ({"space": Path("absent.yaml")}, BadSpace, "cannot be read"),
        ({"trainer": "surrogate", "fixed": {"box": 1.0}}, UnknownName, "unknown parameter 'box'"),
    ],
)
def test_what_cannot_be_used_is_refused(
    data: Path, changes: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        checked(data, **changes)
    assert message in str(caught.value)


def test_a_batch_by_itself_and_sizes_that_no_p6_network_gets_are_fine(data: Path) -> None:
    assert checked(data, batch=-1).fixed["batch"] == -1
    assert checked(data, models=("yolov5n", "yolov5s6"), imgsz=(96, 1280)).imgsz == (96, 1280)


def test_a_data_set_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"absent\.yaml"):
        checked(tmp_path / "absent.yaml")


def test_a_search_of_nothing_is_refused(data: Path) -> None:
    file = data.with_name("space.yaml")
    file.write_text("parameters: {}\n")
    for named in ({}, {"models": ("yolov5s",), "imgsz": (640,)}):
        with pytest.raises(AutoMLError, match="there is nothing to search"):
            checked(data, space=file, **named)
    assert names(checked(data, space=file, models=("yolov5s", "yolov5n"))) == {"model@imgsz"}


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fixed": {"lr0": "1e"}}, r"--set lr0=1e: lr0 is a number from 0 to 1"),
        ({"fixed": {"mosaic": 2}}, r"--set mosaic=2: .* For example --set mosaic=1\.0\."),
        ({"fixed": {"classes": [3]}}, "class 3 is out of range: names has 1"),
        ({"fixed": {"lr0": "x"}, "trainer": "surrogate"}, "--set lr0=x: lr0 is a number, for example 0.01"),
    ],
)
def test_a_value_that_an_argument_cannot_have_is_refused(data: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AutoMLError, match=message):
        checked(data, **changes)


def test_images_that_cannot_be_trained_on_are_refused_unless_nothing_is_trained(data: Path) -> None:
    (data.parent / "images" / "val" / "val.jpg").write_bytes(b"<html></html>")
    with pytest.raises(BadData, match=r"val\.jpg: a web page, not an image"):
        checked(data)
    assert checked(data, trainer="surrogate").dataset.nc == 1


def test_notes_on_the_data_come_first(data: Path) -> None:
    data.write_text("train: images/train\nval: images/val\nnames: [yes]\ntest: images/gone\n")
    notes = checked(data).notes
    assert notes[0].startswith("Class names are taken as written: yes.")
    assert notes[1].startswith("Nothing is measured on unseen images: data.yaml:4: 'test: images/gone' does not exist")
    assert not any("unseen" in note for note in checked(data, test=False).notes)
