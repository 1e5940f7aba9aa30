"""Recipes read again, with the promise of their figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from automl.errors import AutoMLError
from automl.recipes import Subject, write_recipe
from automl.recipes.reading import read_recipe
from automl.records import Purpose
from automl.scores.leaderboard import verdict
from tests.builders.factories import make_row, make_spec, make_study


def subject(**changes: object) -> Subject:
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "imgsz": 64, "lr0": 0.01})
    rows = [make_row(0, 0.5), make_row(1, 0.6)]
    plain = Subject(study=make_study(spec=spec), trial=rows[1], baseline=rows[0], verdict=verdict(rows), epochs=12)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("format", "name"), [("ultralytics", "hyp.yaml"), ("json", "recipe.json")])
def test_a_recipe_keeps_its_promise_in_either_format(tmp_path: Path, format: str, name: str) -> None:
    known = read_recipe(write_recipe(subject(), tmp_path / name, format))
    promise = known.promised.promise
    assert promise.low < promise.map50_95 < promise.high
    assert (promise.map50_95, promise.epochs, promise.best) == (0.6, 12, False)
    assert known.arguments["lr0"] == 0.01
    assert known.facts["study"] == "birds"
    assert known.promised.data == "sha256:0"
    assert not known.older


def test_a_recipe_of_another_length_knows_the_length_of_its_figure(tmp_path: Path) -> None:
    known = read_recipe(write_recipe(subject(epochs=None), tmp_path / "hyp.yaml", "ultralytics"))
    assert known.arguments["epochs"] == 300
    assert known.promised.promise.epochs == 12


def test_a_recipe_with_a_production_training_promises_its_best_epoch(tmp_path: Path) -> None:
    long = make_row(5, 0.7, repeats=1, purpose=Purpose.PRODUCTION, epochs=40, best_map50_95=0.72)
    changes = {"production": long, "epochs": None, "long_scores": (0.72, 0.7)}
    promise = read_recipe(write_recipe(subject(**changes), tmp_path / "hyp.yaml", "ultralytics")).promised.promise
    assert (promise.epochs, promise.best, promise.patience) == (40, True, 50)
    assert promise.map50_95 == pytest.approx(0.71)


def without_promise(file: Path) -> Path:
    """The recipe as an earlier version wrote it."""
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("# promise: ")))
    return file


def test_a_recipe_of_an_earlier_version_is_judged_by_the_noise_that_is_known(tmp_path: Path) -> None:
    known = read_recipe(without_promise(write_recipe(subject(), tmp_path / "hyp.yaml", "ultralytics")))
    assert known.older
    assert known.promised.promise.low < 0.6 < known.promised.promise.high
    assert (known.promised.promise.epochs, known.promised.data) == (12, "sha256:0")


def test_a_recipe_of_an_earlier_version_for_another_length_is_refused(tmp_path: Path) -> None:
    file = without_promise(write_recipe(subject(epochs=None), tmp_path / "hyp.yaml", "ultralytics"))
    with pytest.raises(AutoMLError, match="earlier version and for another length"):
        read_recipe(file)


def damaged(tmp_path: Path, change: Callable[[str], str]) -> Path:
    file = write_recipe(subject(), tmp_path / "hyp.yaml", "ultralytics")
    file.write_text(change(file.read_text()))
    return file


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"low"', '"lower"'), "'promise' cannot be read"),
        (lambda text: text.replace('{"mAP50-95"', '{{"mAP50-95"'), "'promise' is not JSON"),
        (lambda text: text.split("\n\n")[0] + "\n", "holds no arguments"),
        (lambda text: f"{text}lr0: 0.2\n", "names 'lr0' twice"),
        (lambda text: f"{text}a: [\n", "is not YAML"),
        (lambda text: "lr0: 0.01\n", "is no recipe of automl's"),
        (lambda text: '{"lr0": 0.01}', "is no recipe of automl's"),
        (lambda text: "{", "is not JSON"),
    ],
)
def test_a_damaged_recipe_is_refused_by_its_name(tmp_path: Path, change: Callable[[str], str], words: str) -> None:
    file = damaged(tmp_path, change)
    with pytest.raises(AutoMLError, match=words) as caught:
        read_recipe(file)
    assert str(file) in str(caught.value)


def test_no_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="no such file"):
        read_recipe(tmp_path / "hyp.yaml")
    with pytest.raises(AutoMLError, match="is a folder"):
        read_recipe(tmp_path)


def test_a_json_recipe_has_its_promise_beside_the_facts(tmp_path: Path) -> None:
    file = write_recipe(subject(), tmp_path / "recipe.json", "json")
    assert set(json.loads(file.read_text())) == {"facts", "arguments", "promise"}
