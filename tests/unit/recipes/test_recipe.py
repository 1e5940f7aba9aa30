"""Facts and arguments of a recipe."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.data import read_dataset, write_resolved
from automl.errors import AutoMLError
from automl.recipes import FORMATS, Subject, beginning, check_place, recipe_text, subject_of, write_recipe
from automl.records import Purpose, Slots, Start, TrialRow, VariantWeights
from automl.scores.leaderboard import verdict
from automl.store import read
from tests.builders.data_folder import Make
from tests.builders.factories import make_evaluation, make_row, make_spec, make_study
from tests.builders.overviews import make_overview
from tests.builders.pages import page_study


def repeat(number: int, of: int, score: float) -> TrialRow:
    return make_row(number, score, repeats=of, purpose=Purpose.CONFIRMATION, seed=1)


def facts(folder: Path, rows: list[TrialRow], trial: int) -> dict[str, Any]:
    """Facts of the recipe of that trial."""
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "imgsz": 64, "lr0": 0.01})
    subject = Subject(study=make_study(spec=spec), trial=rows[trial], baseline=rows[0], verdict=verdict(rows))
    document: dict[str, Any] = json.loads(write_recipe(subject, folder / "recipe.json", "json").read_text())["facts"]
    return document


def test_a_winners_recipe_says_what_was_observed_and_what_is_expected(tmp_path: Path) -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6), repeat(2, 0, 0.5), repeat(3, 1, 0.58), repeat(4, 1, 0.58)]
    known = facts(tmp_path, rows, 1)
    assert known["verdict"].startswith("Trial 1 is better, proven with a chance of ")
    assert known["seeds"].startswith("0.600, 0.580 and 0.580, mean 0.587 (mAP50-95 on val, 3 seeds); expected gain +0.")
    assert known["seeds"].endswith("% sure")


def test_the_defaults_recipe_says_that_no_difference_was_found(tmp_path: Path) -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.51), repeat(2, 0, 0.51), repeat(3, 1, 0.49)]
    known = facts(tmp_path, rows, 0)
    assert known["verdict"].startswith("No difference found between trial 1 and the defaults")
    assert known["seeds"] == "0.500 and 0.510, mean 0.505 (mAP50-95 on val, 2 seeds)"


def test_a_recipe_says_the_score_beside_the_best_epoch(tmp_path: Path) -> None:
    known = facts(tmp_path, [make_row(0, 0.5), make_row(1, 0.55, best_map50_95=0.6)], 1)
    assert known["mAP50-95 on val"] == "0.6000 at epoch 12, one seed"
    assert known["score"].startswith("0.5500 mAP50-95, the mean of a trial's last 2 epochs")
    assert known["score against the defaults"] == "+0.0500 (0.5000), one seed each"


def test_the_recipe_of_a_trial_without_repeats_says_so(tmp_path: Path) -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6), make_row(2, 0.59), repeat(3, 0, 0.5), repeat(4, 1, 0.505)]
    assert facts(tmp_path, rows, 2)["seeds"] == "no seed repeats of this trial: its score is one seed's"
    assert "verdict" not in facts(tmp_path, rows[:1], 0)


def test_the_header_says_what_unseen_images_can_tell_of_the_gain(tmp_path: Path) -> None:
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "imgsz": 64}, unseen="test")
    base = make_evaluation(0, 0.468, low=0.43, high=0.505)
    best = make_evaluation(1, 0.48, low=0.441, high=0.518, gain=0.012, gain_low=-0.008, gain_high=0.031, chance=0.84)
    trials = {"trial": make_row(1, 0.6), "baseline": make_row(0, 0.5)}
    subject = Subject(study=make_study(spec=spec), **trials, evaluations=(base, best))
    text = recipe_text(subject, tmp_path / "hyp.yaml", "ultralytics")
    assert (
        "# mAP50-95 on test: 0.4800 [0.4410, 0.5180] on 72 unseen images, +0.0120 [-0.0080, +0.0310] against the "
        "defaults, 84% chance of a gain: these images cannot tell them apart\n"
    ) in text
    assert "# mAP50-95 on test, defaults: 0.4680 [0.4300, 0.5050] on 72 unseen images\n" in text
    assert "# intervals on test: 90 %, over the images; the seeds of trainings differ too\n" in text


SEARCHED = {
    "parameters": {
        "warmup_epochs": {"log": [0.2, 4.0], "default": 3.0},
        "close_mosaic": {"int": [0, 10], "default": 10},
    }
}


def longer(folder: Path, row: TrialRow, epochs: int | None, train: int = 0) -> dict[str, Any]:
    """Document of the recipe for that many epochs."""
    defaults = {"warmup_epochs": 3.0, "close_mosaic": 10, "lr0": 0.01}
    fixed = {"model": "yolov5n", "imgsz": 64}
    spec = make_spec(
        trainer="ultralytics", fixed=fixed, space=SEARCHED, given=(Start("defaults", defaults),), train=train
    )
    subject = Subject(study=make_study(spec=spec), trial=row, baseline=make_row(0), epochs=epochs)
    document: dict[str, Any] = json.loads(write_recipe(subject, folder / "recipe.json", "json").read_text())
    return document


def test_a_longer_training_keeps_the_shares_of_warm_up_and_closing(tmp_path: Path) -> None:
    row = make_row(1, params={"warmup_epochs": 1.5, "close_mosaic": 3, "lr0": 0.02})
    document = longer(tmp_path, row, 300)
    assert document["arguments"]["epochs"] == document["arguments"]["patience"] == 300
    assert (document["arguments"]["warmup_epochs"], document["arguments"]["close_mosaic"]) == (37.5, 75)
    assert document["arguments"]["lr0"] == 0.02
    assert document["facts"]["epochs"].startswith(
        "300, as asked for; searched with 12; warmup_epochs and close_mosaic keep their share of it, every other "
    )
    assert longer(tmp_path, row, 12)["arguments"]["close_mosaic"] == 3


def test_a_recipe_is_for_production_unless_epochs_are_asked_for(tmp_path: Path) -> None:
    row = make_row(1, params={"warmup_epochs": 1.5, "close_mosaic": 3})
    for train, epochs in ((0, 300), (90, 90), (8, 12)):
        document = longer(tmp_path, row, None, train=train)
        assert document["arguments"]["epochs"] == epochs
        assert document["arguments"]["close_mosaic"] == round(3 * epochs / 12)
        assert epochs == 12 or document["arguments"]["patience"] == 50
        assert epochs == 12 or document["facts"]["epochs"].startswith(f"{epochs}, for production; searched with 12; ")


def test_a_longer_training_leaves_at_the_default_what_the_trial_has_from_it(tmp_path: Path) -> None:
    document = longer(tmp_path, make_row(1, params={"warmup_epochs": 1.5, "close_mosaic": 10}), 300)
    assert (document["arguments"]["warmup_epochs"], document["arguments"]["close_mosaic"]) == (37.5, 10)
    assert document["facts"]["epochs"] == (
        "300, as asked for; searched with 12; warmup_epochs keeps its share of it, every other argument is the trial's"
    )
    document = longer(tmp_path, make_row(1, params={"warmup_epochs": 3.0, "close_mosaic": 10, "lr0": 0.02}), 300)
    assert (document["arguments"]["warmup_epochs"], document["arguments"]["close_mosaic"]) == (3.0, 10)
    assert document["facts"]["epochs"].endswith("searched with 12; every other argument is the trial's")
    short = longer(tmp_path, make_row(1, epochs=8, params={"warmup_epochs": 1.5, "close_mosaic": 8}), 300)
    assert short["arguments"]["close_mosaic"] == 8  # the default, as far as the horizon let it be


def test_the_defaults_stay_what_they_are_at_any_length(tmp_path: Path) -> None:
    row = make_row(0, params={"warmup_epochs": 3.0, "close_mosaic": 10})
    for trial in (row, replace(row, number=7, repeats=0)):  # with other seeds too
        values = longer(tmp_path, trial, 300)["arguments"]
        assert (values["epochs"], values["warmup_epochs"], values["close_mosaic"]) == (300, 3.0, 10)


@pytest.mark.parametrize("format", FORMATS)
def test_a_recipe_replaces_one_of_its_kind_and_nothing_else(tmp_path: Path, format: str) -> None:
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "imgsz": 64})
    subject = Subject(study=make_study(spec=spec), trial=make_row(0), baseline=make_row(0))
    mine = tmp_path / "mine.yaml"
    mine.write_text("lr0: 0.01\n")
    with pytest.raises(AutoMLError, match=r"mine\.yaml exists and is no recipe of automl's"):
        check_place(mine, format)
    assert mine.read_text() == "lr0: 0.01\n"
    file = check_place(tmp_path / "new" / "hyp.yaml", format)
    assert not file.exists()
    for _ in range(2):
        assert write_recipe(subject, file, format) == file


@pytest.mark.parametrize(("keys", "own"), [({}, True), ({"path": "."}, False)])
def test_a_recipe_outlives_the_folder_of_its_study(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, str], own: bool
) -> None:
    """It names the user's data.yaml where Ultralytics reads the same data from it, else one beside itself."""
    file, directory, home = make(**keys), tmp_path / "study", tmp_path / "home"
    dataset = read_dataset(file)
    write_resolved(dataset, directory / "data.yaml")
    home.mkdir()
    monkeypatch.chdir(home)
    fixed = {"model": "yolov5n", "imgsz": 64}
    spec = make_spec(trainer="ultralytics", fixed=fixed, data=str(file), directory=str(directory))
    subject = Subject(study=make_study(spec=spec), trial=make_row(0), baseline=None)
    recipe = write_recipe(subject, Path("hyp.yaml"), "ultralytics")
    shutil.rmtree(directory)
    data = Path(yaml.safe_load(recipe.read_text())["data"])
    assert data == (file if own else home / "hyp-data.yaml")
    assert read_dataset(data).splits == dataset.splits
    assert str(directory) not in recipe.read_text()


def test_without_the_studys_folder_a_recipe_names_the_users_data(make: Make, tmp_path: Path) -> None:
    spec = make_spec(
        **{"trainer": "ultralytics", "fixed": {"model": "yolov5n"}, "holdout": 0.3},
        **{"data": str(make(path=".")), "directory": str(tmp_path / "gone")},
    )
    subject = Subject(study=make_study(spec=spec), trial=make_row(0), baseline=None)
    document = json.loads(write_recipe(subject, tmp_path / "recipe.json", "json").read_text())
    assert document["arguments"]["data"] == str(tmp_path / "data.yaml")
    assert document["facts"]["held back"] == "30% of val"


def test_a_production_training_has_the_recipe_of_its_trial(tmp_path: Path) -> None:
    _, engine, filler = page_study(tmp_path, "birds")
    filler.trial(0, [0.4] * 12)
    filler.trial(1, [0.5] * 12)
    for number in (2, 3):
        filler.trial(number, [0.6] * 20, repeats=1, purpose=Purpose.PRODUCTION, epochs=20)
    filler.close()
    study, rows = read.study(engine, "birds"), read.trials(engine, "birds")
    overview = replace(make_overview(study=study), baseline=rows[0], production=rows[3])
    subjects = [subject_of(engine, overview, row) for row in rows]
    assert [subject.trial.number for subject in subjects] == [0, 1, 1, 1]
    assert [subject.production for subject in subjects] == [rows[3], rows[3], rows[2], rows[3]]
    assert [subject.length for subject in subjects] == [300, 20, 20, 20]
    engine.dispose()


def arguments_of(folder: Path, applied: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """Arguments of trial 1's recipe."""
    study = make_study(spec=make_spec(**{"trainer": "ultralytics", "fixed": {"model": "yolov5n"}, **spec}))
    subject = Subject(study=study, trial=replace(make_row(1, 0.6), applied=applied), baseline=make_row(0, 0.5))
    text = recipe_text(subject, folder / "hyp.yaml", "json")
    arguments: dict[str, Any] = json.loads(text)["arguments"]
    return arguments


def test_a_recipe_names_the_precision(tmp_path: Path) -> None:
    fixed = {"model": "yolov5n", "amp": "bf16"}
    assert arguments_of(tmp_path, {"amp": "bf16"}, fixed=fixed)["amp"] == "bf16"
    assert arguments_of(tmp_path, {"amp": True}, fixed={**fixed, "amp": True})["amp"] is True


def test_a_recipe_of_an_earlier_version_has_the_precision_of_its_gpu_and_none_of_a_cpu(tmp_path: Path) -> None:
    assert "amp" not in arguments_of(tmp_path, {"amp": False})
    assert arguments_of(tmp_path, {"amp": "bf16"}, slots=Slots(count=1, device="gpu"))["amp"] == "bf16"


def test_a_recipe_names_the_weights_of_its_own_variant(tmp_path: Path) -> None:
    weights = (VariantWeights("yolov5n", "/w/n.pt", "aa"), VariantWeights("yolov5s", "/w/s.pt", "bb"))
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "amp": True}, weights_of=weights)
    study, small = make_study(spec=spec), make_row(2, 0.6, params={"model": "yolov5s"})
    for trial, file in ((make_row(1, 0.5), "/w/n.pt sha256:aa"), (small, "/w/s.pt sha256:bb")):
        text = recipe_text(Subject(study=study, trial=trial, baseline=None), tmp_path / "hyp.yaml", "json")
        assert json.loads(text)["facts"]["weights"] == file
    start = beginning(study, small)
    assert start is not None
    assert (start.model, start.weights, start.as_yolo) == ("yolov5s", "/w/s.pt", True)
