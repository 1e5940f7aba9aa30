"""A request, checked and compiled into a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automl.errors import AutoMLError, BadBudget, BadData, BadSpace, BadWeights, UnknownName
from automl.setup.compiling import compile_spec
from automl.setup.request import Checked
from tests.builders.data_folder import image_bytes
from tests.builders.factories import make_prepared
from tests.builders.requests import BOX, checked, make_data

POLYGON = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.yaml of two images with a box each."""
    return make_data(tmp_path)


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
