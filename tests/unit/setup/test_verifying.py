"""Verification of a study of the surrogate: which seeds, which end, what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from automl import verify
from automl.data import fingerprint, read_dataset
from automl.errors import AutoMLError, DataChanged, StudyConflict
from automl.recipes import Promised
from automl.records import StudySpec, TrainJob, Trial
from automl.records.document import DocumentKind
from automl.records.verification import Verification
from automl.scores.promise import Promise
from automl.setup.halves import Place
from automl.setup.verified import Asked
from automl.setup.verifying import is_file, next_seeds
from automl.setup.verifying import verify as train_again
from automl.store import documents
from automl.store.engine import open_store
from automl.trainers.surrogate import SurrogateTrainer
from tests.builders.data_folder import Make
from tests.builders.factories import make_spec
from tests.builders.pages import Filler

PLACE = Place(device="cpu", threads=1)


def scores_of(seed: int) -> list[float]:
    job = TrainJob(data="", weights=None, fixed={}, directory="", cache="", device="cpu", threads=1)
    trial = Trial(number=seed, params={}, epochs=12, seed=seed)
    return [metrics.map50_95 for metrics in SurrogateTrainer().run(trial, job)]


def asked(low: float, high: float) -> Asked:
    promise = Promise(map50_95=(low + high) / 2, low=low, high=high, epochs=12)
    return Asked(
        name="trial 1",
        promised=Promised(promise=promise, seeds=(0, 4)),
        write_data=lambda target: target,
        params={},
        fixed={},
        trainer="surrogate",
    )


def test_a_figure_that_holds_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    end = scores_of(5)[-1]
    held = train_again(asked(end - 0.1, end + 0.1), 1, PLACE, tmp_path, lambda text: None)
    broken = train_again(asked(end + 0.1, end + 0.2), 1, PLACE, tmp_path, lambda text: None)
    assert (held.holds, broken.holds) == (True, False)
    assert held.seeds == (5,)
    assert held.slot_s > 0
    assert not (tmp_path / "verifications").exists()


def test_seeds_that_were_trained_are_not_trained_again() -> None:
    assert next_seeds(asked(0, 1), 3) == [5, 6, 7]
    assert next_seeds(replace(asked(0, 1), promised=replace(asked(0, 1).promised, seeds=()), seed=7), 1) == [8]


def test_a_second_call_takes_what_an_interrupted_one_has_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def interrupted(text: str) -> None:
        said.append(text)
        if text.startswith("Seed 6, epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_again(asked(0, 1), 2, PLACE, tmp_path, interrupted)
    assert said[-1].startswith("Interrupted.")
    again: list[str] = []
    record = train_again(asked(0, 1), 2, PLACE, tmp_path, again.append)
    assert any(text.endswith("trained by an earlier call.") for text in again)
    assert record.seeds == (5, 6)


def study(home: Path, data: Path) -> tuple[Engine, StudySpec]:
    home.mkdir(exist_ok=True)
    engine = open_store(f"sqlite:///{home / 'automl.db'}")
    spec = make_spec(directory=str(home / "birds"), data=str(data), data_fingerprint=fingerprint(read_dataset(data)))
    filler = Filler(engine, spec)
    for number in (0, 1):
        filler.trial(number, scores_of(number), params=dict(spec.fixed))
    filler.close()
    return engine, spec


def test_a_studys_verification_is_kept_and_the_next_has_other_seeds(make: Make, tmp_path: Path) -> None:
    home = tmp_path / "home"
    engine, _ = study(home, make())
    first = verify("birds", seeds=1, device="cpu", home=home, progress=False)
    second = verify("birds", seeds=2, device="cpu", home=home, progress=False)
    assert first.study == "birds"
    assert not set(first.seeds) & set(second.seeds)
    kept = documents.records(engine, "birds", DocumentKind.VERIFICATION, Verification)
    assert [record.seeds for record in kept.records] == [second.seeds, first.seeds]
    assert "versions differ" in " ".join(first.notes)


def test_other_data_are_refused_before_anything_is_trained(make: Make, tmp_path: Path) -> None:
    data, home = make(), tmp_path / "home"
    study(home, data)
    label = next((data.parent).rglob("labels/**/*.txt"))
    label.write_text("1 0.5 0.5 0.1 0.1\n")
    with pytest.raises(StudyConflict, match="has changed since study 'birds' began"):
        verify("birds", home=home, device="cpu", progress=False)


def recipe(folder: Path, own: Path, digest: str, **changes: object) -> Path:
    """A recipe from scratch, as it is exported."""
    promise = {"mAP50-95": 0.5, "low": 0.4, "high": 0.6, "epochs": 2, "seeds": [0], "data": digest}
    arguments = {"model": "yolov5n.yaml", "data": str(own), "epochs": 2, "pretrained": False, "lr0": 0.01, **changes}
    facts = {"study": "birds", "weights": "none (from scratch)"}
    file = folder / "recipe.json"
    file.write_text(json.dumps({"facts": facts, "arguments": arguments, "promise": promise}))
    return file


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr0": "fast"}, "lr0 is a number from 0 to 1, and 'fast' is not"),
        ({"lr7": 0.1}, "'lr7' is no argument of the installed ultralytics"),
        ({"model": None}, "'model' is missing"),
        ({"model": "/nowhere/net.yaml"}, "its network /nowhere/net.yaml is not there"),
        ({"pretrained": "init.pt"}, "began from scratch, and 'pretrained' names weights"),
        ({"seed": "one"}, "'seed' is 'one'"),
        ({"data": "/nowhere/data.yaml"}, "no such file. If the data set of"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(
    make: Make, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    data = make()
    file = recipe(tmp_path, data, fingerprint(read_dataset(data)), **changes)
    with pytest.raises(AutoMLError, match=words):
        verify(file, device="cpu", home=tmp_path / "home", progress=False)


def test_a_recipe_of_other_data_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(DataChanged, match="is not the data set of"):
        verify(recipe(tmp_path, make(), "sha256:1"), device="cpu", home=tmp_path / "home", progress=False)


@pytest.mark.parametrize("seeds", [0, -1, 1000])
def test_a_number_of_trainings_that_verifies_nothing_is_refused(tmp_path: Path, seeds: int) -> None:
    with pytest.raises(AutoMLError, match="--seeds"):
        verify("birds", seeds=seeds, home=tmp_path, progress=False)


@pytest.mark.parametrize(
    ("recipe", "known"),
    [("hyp.yaml", True), ("a/b", True), ("recipe.json", True), ("birds", False), (None, False), ("v1.2", False)],
)
def test_a_file_is_told_from_the_name_of_a_study(recipe: str | None, known: bool) -> None:
    assert is_file(recipe) is known
