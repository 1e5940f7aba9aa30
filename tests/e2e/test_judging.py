"""Labels judged by the models of a real, small study."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from automl.data import read_dataset
from automl.errors import BadWeights
from automl.setup.judging import judge
from tests.builders.searches import NAME, Searched

pytestmark = [pytest.mark.slow, pytest.mark.ray]  # the study's


def digests(folder: Path) -> dict[Path, str]:
    files = (file for kind in ("images", "labels") for file in (folder / kind).rglob("*"))
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def test_a_study_judges_val_and_its_halves_judge_train(searched: Searched) -> None:
    place = searched.place
    dataset = read_dataset(place.folder / "data.yaml")
    before, lines = digests(place.folder), list[str]()
    judgement = judge(dataset, NAME, home=place.home, budget=["20cpu-min"], device="cpu", say=lines.append)
    assert "Val was judged by trial 0 of the study" in judgement.judged
    assert "Train was judged by two half-trained models" in judgement.judged
    assert judgement.slot_s > 0
    assert all(0 <= suspect.score <= 1 for suspect in judgement.suspects)
    assert digests(place.folder) == before
    assert not list(place.home.glob(".check-*"))


def test_without_a_budget_train_is_not_judged(searched: Searched) -> None:
    place = searched.place
    dataset = read_dataset(place.folder / "data.yaml")
    weights = next(iter(sorted(place.home.glob("studies/*/trials/00000/best.pt"))))
    judgement = judge(dataset, weights, home=place.home, device="cpu")
    assert "Train was not judged: the model was trained on it. Add --budget" in judgement.judged
    assert "Val was judged by" in judgement.judged
    assert {suspect.split for suspect in judgement.suspects} <= {"val"}


def test_a_budget_that_does_not_pay_for_two_models_is_said_with_one_that_does(searched: Searched) -> None:
    place = searched.place
    dataset = read_dataset(place.folder / "data.yaml")
    judgement = judge(dataset, NAME, home=place.home, budget=["1cpu-s"], splits=["train"], device="cpu")
    assert "Train was not judged: 1cpu-s does not pay for two half-trained models: give at least" in judgement.judged
    assert judgement.suspects == ()


def test_a_model_of_other_classes_is_refused_before_anything_is_trained(searched: Searched, tmp_path: Path) -> None:
    place = searched.place
    images = place.folder / "images"
    other = tmp_path / "data.yaml"
    other.write_text(f"train: {images / 'train'}\nval: {images / 'val'}\nnames: [square, star]\n")
    with pytest.raises(BadWeights, match="lacks star of the classes"):
        judge(read_dataset(other), NAME, home=place.home, budget=["20cpu-min"], device="cpu")


def test_the_command_judges_prices_and_lists_and_keeps_its_report(searched: Searched, tmp_path: Path) -> None:
    place, listing = searched.place, tmp_path / "suspects.csv"
    done = place.run("check", "--data", "data.yaml", "--baseline", NAME, "--price", "--fix-list", listing)
    assert done.returncode == 0, done.stderr
    assert "Val was judged by trial 0 of the study" in done.stdout
    assert "Train was not judged" in done.stdout
    assert "Nothing was priced: train was not judged" in done.stdout
    assert listing.read_text(encoding="utf-8-sig").startswith("rank,kind,score,")
    with closing(sqlite3.connect(place.home / "automl.db")) as database:
        query = "SELECT data, study_id IS NOT NULL FROM automl_checks ORDER BY study_id IS NOT NULL"
        kept = database.execute(query).fetchall()
    assert [bool(own) for _, own in kept] == [False, True], "that of the command, and that of the search's start"
