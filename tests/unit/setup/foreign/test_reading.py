"""Reading what other tools left: every form, its translation and its notes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from automl.errors import AutoMLError
from automl.setup.foreign import Reading, read_source
from automl.setup.foreign.understood import MOST
from automl.trainers.surrogate import DEFAULTS
from automl.trainers.ultralytics import schema
from tests.unit.setup.foreign import samples

KNOWN = schema.defaults()


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    return folder


def read(folder: Path, name: str, text: str) -> Reading:
    return read_source(written(folder, {name: text}) / name, KNOWN)


def recipes(reading: Reading) -> list[tuple[float | None, dict[str, Any]]]:
    return [(recipe.score, dict(recipe.params)) for recipe in reading.recipes]


def test_an_evolution_of_yolov5_is_read_on_ultralytics_scale(tmp_path: Path) -> None:
    reading = read(tmp_path, "evolve.csv", samples.EVOLVE)
    best = {"optimizer": "SGD", "lr0": 0.00812, "momentum": 0.94512, "box": 6.6165, "cls": 0.52301, "hsv_h": 0.01622}
    assert recipes(reading)[0] == (0.22456, pytest.approx(best))
    assert recipes(reading)[1][1]["box"] == 7.5
    assert reading.notes == (
        "evolve.csv, an evolution of YOLOv5: 2 recipes with lr0, momentum, box, cls and hsv_h are read.",
        "1 recipe has no score and is left out of evolve.csv.",
        "box of evolve.csv is translated from YOLOv5's scale to Ultralytics', 150 times as high: 0.04411 becomes 6.6165.",
        "evolve.csv names no optimizer and is taken to be trained with SGD, YOLOv5's default.",
        "obj, anchor_t and anchors of evolve.csv are left out: only classic YOLOv5 and its relatives have them.",
        "cls_pw of evolve.csv is left out: it weighs positives in YOLOv5 and classes in Ultralytics.",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (" ", ""),
        ("\n", "\r\n"),
        ("metrics/mAP_0.5:0.95", "metrics/mAP_0.5:0.95(B)"),  # of yolov5/segment
        ("   metrics/precision", "\ufeffmetrics/precision"),
    ],
)
def test_an_evolution_reads_alike_however_it_is_written(tmp_path: Path, before: str, after: str) -> None:
    plain = recipes(read(tmp_path, "evolve.csv", samples.EVOLVE))
    assert recipes(read(tmp_path, "other.csv", samples.EVOLVE.replace(before, after))) == plain


@pytest.mark.parametrize("text", [samples.YOLOV5, samples.YOLOV7])
def test_a_classic_recipe_is_translated_whoever_of_the_family_wrote_it(tmp_path: Path, text: str) -> None:
    reading = read(tmp_path, "hyp.yaml", text)
    expected = {"optimizer": "SGD", "lr0": 0.012, "lrf": 0.01, "momentum": 0.94, "box": 9.0, "cls": 0.5, "hsv_h": 0.015}
    assert recipes(reading) == [(None, expected)]
    assert any("0.06 becomes 9.0" in note for note in reading.notes)
    assert any("cls_pw of hyp.yaml is left out" in note for note in reading.notes)


def test_a_recipe_of_yolov9_keeps_its_box_gain(tmp_path: Path) -> None:
    reading = read(tmp_path, "hyp.yaml", samples.YOLOV9)
    assert reading.recipes[0].params["box"] == 7.0
    assert "cls_pw" not in reading.recipes[0].params
    assert "box of hyp.yaml is on Ultralytics' scale already and is not translated." in reading.notes


def test_one_low_value_is_no_reason_to_translate(tmp_path: Path) -> None:
    rows = recipes(read(tmp_path, "tune_results.csv", samples.OLD_TUNING))
    assert [params["box"] for _, params in rows] == [0.11, 0.06]
    (complete,) = read(tmp_path, "args.yaml", samples.ARGUMENTS).recipes
    assert (complete.params["box"], complete.params["cls_pw"]) == (0.9, 0.1)
    (mixed,) = read(tmp_path, "hyp.yaml", "box: 0.05\ndfl: 1.5\n").recipes
    assert mixed.params["box"] == 0.05


@pytest.mark.parametrize(("added", "box"), [("dfl: 1.5\n", 0.05), ("obj: 1.0\n", 7.5)])
def test_what_no_key_tells_is_left_out_with_advice_that_works(tmp_path: Path, added: str, box: float) -> None:
    text = "lr0: 0.01\nbox: 0.05\ncls_pw: 0.9\n"
    reading = read(tmp_path, "hyp.yaml", text)
    assert set(reading.recipes[0].params) == {"lr0"}
    assert reading.notes[-1] == (
        "box and cls_pw of hyp.yaml are left out: their meanings differ between YOLOv5 and Ultralytics, and no other key "
        "tells which is meant; add dfl: 1.5 to a recipe of Ultralytics, or obj: 1.0 to one of YOLOv5."
    )
    assert read(tmp_path, "hyp.yaml", text + added).recipes[0].params["box"] == box


def test_a_tuning_of_ultralytics_is_read_without_its_failures(tmp_path: Path) -> None:
    reading = read(tmp_path, "tune_results.ndjson", samples.TUNING)
    assert recipes(reading) == [
        (0.33, {"lr0": 0.008, "box": 8.25, "close_mosaic": 7}),
        (0.31, {"lr0": 0.01, "box": 7.5, "close_mosaic": 10}),
    ]
    assert "1 iteration of tune_results.ndjson with a failed training is left out." in reading.notes


def test_a_tuning_has_the_optimizer_of_its_trainings_where_one_of_them_is_left(tmp_path: Path) -> None:
    run = written(tmp_path / "train2", {"args.yaml": samples.ARGUMENTS.replace("SGD", "adamw")})
    line = {
        "fitness": 0.3,
        "hyperparameters": {"lr0": 0.001},
        "save_dirs": {"a": str(tmp_path / "gone"), "b": str(run)},
    }
    reading = read(tmp_path, "tune_results.ndjson", json.dumps(line))
    assert recipes(reading) == [(0.3, {"optimizer": "AdamW", "lr0": 0.001})]


def test_arguments_of_an_ultralytics_training_are_read_and_its_run_is_left(tmp_path: Path) -> None:
    reading = read(tmp_path, "args.yaml", samples.ARGUMENTS)
    (recipe,) = reading.recipes
    assert recipe.params["lr0"] == 0.002  # YAML reads 2e-3 as text
    assert not {"model", "imgsz", "batch", "epochs", "data", "fl_gamma"} & set(recipe.params)
    assert reading.notes[0].startswith("args.yaml, the arguments of an Ultralytics training: ")
    assert "fl_gamma of args.yaml is unknown to the trainer and left out." in reading.notes
    assert reading.notes[-1] == (
        "task, mode, model, data, epochs, batch and 2 more of args.yaml are left to this search, which sets its own run."
    )


def test_what_optimizer_auto_ignored_is_not_used_and_the_advice_works(tmp_path: Path) -> None:
    text = samples.ARGUMENTS.replace("optimizer: SGD", "optimizer: auto")
    reading = read(tmp_path, "args.yaml", text)
    assert not {"optimizer", "lr0", "momentum"} & set(reading.recipes[0].params)
    assert (
        "lr0 and momentum of args.yaml are not used: its optimizer is auto, which ignores them; name one in the file, as "
        "in optimizer: SGD." in reading.notes
    )
    followed = read(tmp_path, "args.yaml", text.replace("optimizer: auto", "optimizer: SGD"))
    assert followed.recipes[0].params["lr0"] == 0.002


def test_a_list_is_left_out_where_one_value_is_searched(tmp_path: Path) -> None:
    reading = read(tmp_path, "args.yaml", "lr0: 0.01\nfreeze: [0, 1]\nscale: [0.5, 1.5]\n")
    assert set(reading.recipes[0].params) == {"lr0"}
    assert "freeze and scale of args.yaml are left out: a list, where one value is searched." in reading.notes


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("best_hyperparameters.yaml", "# 3/3 iterations complete\nlr0: 1e-2\nbox: 0.1\n", {"lr0": 0.01, "box": 0.1}),
        ("config.yaml", samples.WANDB, {"lr0": 0.001, "optimizer": "AdamW", "box": 8.0}),
        ("hyp.yaml", samples.OURS, {"optimizer": "SGD", "lr0": 0.002}),
        ("recipe.json", samples.OURS_JSON, {"optimizer": "AdamW", "lr0": 0.001}),
        ("params.json", samples.RAY_CONFIG, {"lr0": 0.006, "box": 12.5, "close_mosaic": 9}),
        ("opt.yaml", samples.NESTED_OPT, {"optimizer": "SGD", "lr0": 0.012, "box": 9.0}),
        ("mlflow.csv", "run_id,params.lr0,params.cos_lr\n7f,0.01,True\n", {"lr0": 0.01, "cos_lr": True}),
    ],
)
def test_a_single_recipe_is_read_from_every_form(
    tmp_path: Path, name: str, text: str, expected: dict[str, Any]
) -> None:
    (recipe,) = read(tmp_path, name, text).recipes
    assert {key: recipe.params[key] for key in expected} == expected


def test_a_study_of_optuna_is_read_without_trials_that_did_not_complete(tmp_path: Path) -> None:
    reading = read(tmp_path, "trials.csv", samples.OPTUNA)
    assert recipes(reading) == [
        (0.52, {"box": 9.5, "cos_lr": False}),
        (0.41, {"box": 8.5, "cos_lr": True, "lr0": 0.0009, "optimizer": "AdamW"}),
    ]
    assert reading.notes[1:-1] == (
        "Trials of trials.csv are ranked by value, the highest first.",
        "Trials of trials.csv that did not complete are left out: 1 PRUNED and 1 FAIL.",
    )


@pytest.mark.parametrize(("name", "text"), [("result.json", samples.RAY_RESULT), ("grid.csv", samples.RAY_TABLE)])
def test_a_trial_of_ray_tune_counts_once_with_its_best_result(tmp_path: Path, name: str, text: str) -> None:
    assert recipes(read(tmp_path, name, text))[0] == (0.3, {"lr0": 0.006, "box": 12.5, "close_mosaic": 9})


# -- files that belong together --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "named", "score", "rate"),
    [
        ({"args.yaml": samples.ARGUMENTS, "results.csv": samples.CURVE}, "results.csv", 0.31, 0.002),
        ({"hyp.yaml": samples.YOLOV5, "results.csv": samples.OLD_CURVE}, "results.csv", 0.25, 0.012),
        ({"opt.yaml": samples.NESTED_OPT, "results.csv": samples.OLD_CURVE}, "results.csv", 0.25, 0.012),
        ({"params.json": samples.RAY_CONFIG, "progress.csv": samples.RAY_PROGRESS}, "progress.csv", 0.3, 0.006),
        ({"params.json": samples.RAY_CONFIG, "result.json": samples.RAY_RESULT}, "params.json", 0.3, 0.006),
    ],
)
def test_a_curve_leads_to_the_recipe_beside_it(
    tmp_path: Path, files: dict[str, str], named: str, score: float, rate: float
) -> None:
    reading = read_source(written(tmp_path, files) / named, KNOWN)
    assert [(recipe.score, recipe.params["lr0"]) for recipe in reading.recipes] == [(score, rate)]
    assert f"Its best mAP50-95 in {named if named.endswith('csv') else 'result.json'} is {score:.3f}." in reading.notes


@pytest.mark.parametrize("text", [samples.CURVE, samples.OLD_CURVE, samples.RAY_PROGRESS])
def test_a_curve_alone_names_the_files_that_hold_its_recipe(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        AutoMLError, match=r"curve of one training and no recipe.* args\.yaml .*hyp\.yaml.*params\.json"
    ):
        read(tmp_path, "results.csv", text)


def test_a_recipe_of_yolov5_takes_its_optimizer_from_the_arguments_of_its_training(tmp_path: Path) -> None:
    folder = written(tmp_path, {"hyp.yaml": samples.YOLOV5, "opt.yaml": samples.OPT})
    for named in ("hyp.yaml", "opt.yaml"):
        (recipe,) = read_source(folder / named, KNOWN).recipes
        assert (recipe.params["optimizer"], recipe.params["cos_lr"], recipe.params["lr0"]) == ("AdamW", False, 0.012)
    assert (
        "optimizer and cos_lr of that training are read from opt.yaml beside it."
        in read_source(folder / "hyp.yaml", KNOWN).notes
    )
    evolution = written(tmp_path / "evolve", {"evolve.csv": samples.EVOLVE, "opt.yaml": samples.OPT}) / "evolve.csv"
    assert {recipe.params["optimizer"] for recipe in read_source(evolution, KNOWN).recipes} == {"AdamW"}


def test_the_arguments_of_a_yolov5_training_find_their_recipe_in_its_checkout(tmp_path: Path) -> None:
    checkout = written(
        tmp_path / "yolov5", {"data/hyps/hyp.scratch-low.yaml": samples.YOLOV5, "runs/exp/opt.yaml": samples.OPT}
    )
    (recipe,) = read_source(checkout / "runs" / "exp" / "opt.yaml", KNOWN).recipes
    assert recipe.params["box"] == 9.0
    with pytest.raises(AutoMLError, match=r"it names data/hyps/hyp\.scratch-low\.yaml, which is not there: name that"):
        read(tmp_path / "alone", "opt.yaml", samples.OPT)


@pytest.mark.parametrize(
    ("files", "taken", "rate"),
    [
        ({"args.yaml": samples.ARGUMENTS, "results.csv": samples.CURVE, "weights/best.pt": ""}, "args.yaml", 0.002),
        ({"tune_results.csv": samples.OLD_TUNING, "best_hyperparameters.yaml": "lr0: 1\n"}, "tune_results.csv", 0.0021),
        ({"evolve.csv": samples.EVOLVE, "hyp_evolve.yaml": samples.YOLOV5}, "evolve.csv", 0.00812),
        ({"hyp.yaml": samples.YOLOV5, "opt.yaml": samples.OPT}, "hyp.yaml", 0.012),
        ({"files/config.yaml": samples.WANDB, "files/output.log": ""}, "files/config.yaml", 0.001),
    ],
)
def test_of_a_folder_the_richest_file_is_read_and_said(
    tmp_path: Path, files: dict[str, str], taken: str, rate: float
) -> None:
    reading = read_source(written(tmp_path / "run", files), KNOWN)
    assert reading.recipes[0].params["lr0"] == rate
    assert f"{taken} is what was read of the folder {tmp_path / 'run'}." in reading.notes


def experiment(folder: Path) -> Path:
    state = {"config": json.loads(samples.RAY_CONFIG), "storage": {"_type": "CLOUDPICKLE_FALLBACK", "value": "80"}}
    last = {"last_result": {"metrics/mAP50-95(B)": 0.2}}
    files = {
        "tune_6a_1/params.json": samples.RAY_CONFIG,
        "tune_6a_1/result.json": samples.RAY_RESULT,
        "tune_6a_2/params.json": '{"lr0": 0.009, "box": 10.0}',
        "tune_6a_2/result.json": "",
        "experiment_state-2026-11-28_15-21-44.json": json.dumps(
            {"trial_data": [[json.dumps(state), json.dumps(last)]]}
        ),
    }
    return written(folder, files)


def test_an_experiment_of_ray_tune_is_read_trial_by_trial(tmp_path: Path) -> None:
    folder = experiment(tmp_path / "tune")
    reading = read_source(folder, KNOWN)
    assert recipes(reading) == [(0.3, {"lr0": 0.006, "box": 12.5, "close_mosaic": 9})]
    assert "1 recipe has no score and is left out of tune." in reading.notes
    state = next(folder.glob("experiment_state*"))
    assert recipes(read_source(state, KNOWN)) == recipes(reading)
    alone = written(tmp_path / "alone", {state.name: state.read_text()}) / state.name
    assert recipes(read_source(alone, KNOWN)) == [(0.2, {"lr0": 0.006, "box": 12.5, "close_mosaic": 9})]


def test_a_folder_of_runs_names_them_and_any_other_says_what_is_looked_for(tmp_path: Path) -> None:
    written(tmp_path / "runs", {"train/args.yaml": samples.ARGUMENTS, "train2/args.yaml": samples.ARGUMENTS})
    with pytest.raises(AutoMLError, match=r"is a folder of runs; name the one to begin with: .*train and .*train2\."):
        read_source(tmp_path / "runs", KNOWN)
    followed = read_source(tmp_path / "runs" / "train2", KNOWN)
    assert followed.recipes[0].params["lr0"] == 0.002
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        AutoMLError, match=r"is a folder without a recipe; looked for evolve\.csv, tune_results\.ndjson"
    ):
        read_source(tmp_path / "empty", KNOWN)
    written(tmp_path / "birds", {"data.yaml": "", "trials/00000/log.txt": ""})
    with pytest.raises(AutoMLError, match="is the folder of a study; write the study's name instead"):
        read_source(tmp_path / "birds", KNOWN)


# -- values ----------------------------------------------------------------------------------------


def test_empty_cells_and_nan_are_absent_values(tmp_path: Path) -> None:
    reading = read(tmp_path, "table.csv", "fitness,lr0,cos_lr,box\n0.5,,true,nan\n0.4,1e-3,FALSE,NaN\n")
    assert recipes(reading) == [(0.5, {"cos_lr": True}), (0.4, {"lr0": 0.001, "cos_lr": False})]
    assert reading.notes[-1] == (
        "lr0 of table.csv is empty in some recipes; this search's own values stand in for them."
    )
    alone = read(tmp_path, "hyp.yaml", "lr0: .nan\nbox: 7.0\nfreeze: null\ndfl: 1.5\n")
    assert "lr0 of hyp.yaml is empty there; this search's own values stand in for them." in alone.notes


def test_a_training_for_another_task_is_said(tmp_path: Path) -> None:
    reading = read(tmp_path, "args.yaml", samples.ARGUMENTS.replace("task: detect", "task: segment"))
    assert "args.yaml is of a training for the task segment, not for detection." in reading.notes


def test_a_table_without_scores_is_taken_in_its_order_and_says_so(tmp_path: Path) -> None:
    reading = read(tmp_path, "table.csv", "lr0,dfl\n0.03,1.5\n0.01,1.6\n")
    assert [score for score, _ in recipes(reading)] == [None, None]
    assert reading.recipes[0].params["lr0"] == 0.03
    assert reading.notes[0].endswith("2 recipes with lr0 and dfl are read, without scores, the first ones first.")


def test_of_ten_thousand_rows_the_best_are_considered(tmp_path: Path) -> None:
    rows = "".join(f"{number / 10000},0.01,{7 + number / 10000}\n" for number in range(10000))
    reading = read(tmp_path, "tune_results.csv", "fitness,lr0,box\n" + rows)
    assert (len(reading.recipes), reading.recipes[0].score) == (MOST, 0.9999)
    assert f"the best {MOST} of 10000 recipes with" in reading.notes[0]


def test_the_surrogate_takes_its_own_arguments_and_no_schema_is_looked_for(tmp_path: Path) -> None:
    file = written(tmp_path, {"hyp.yaml": "lr0: 0.005\nx0: 0.7\nbox: 0.05\n"}) / "hyp.yaml"
    reading = read_source(file, DEFAULTS)
    assert recipes(reading) == [(None, {"lr0": 0.005, "x0": 0.7})]
    assert "box of hyp.yaml is unknown to the trainer and left out." in reading.notes
