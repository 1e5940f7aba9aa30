from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from automl import service
from automl.errors import AutoMLError, StudyConflict
from automl.records import StudyState, TrialState
from automl.store import read
from automl.store.address import default_url
from automl.store.engine import open_store
from automl.trackers.mlflow import _STATUS, _STUDY_STATUS
from tests.builders.exported import EVIL, RUNNING, Study, finished
from tests.builders.ports import free_port

KINDS = ("database", "folder")
SCORE = "metrics/mAP50-95B"


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client of the tests read folders, as its user would have to."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")


def place_of(kind: str, folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}" if kind == "database" else (folder / "mlruns").as_uri()


def runs_of(place: str, name: str = "birds") -> dict[str, Any]:
    """Runs of an experiment by automl's number of the trial, as MLflow's own client reads them."""
    client = MlflowClient(tracking_uri=place)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    runs = {run.data.tags["automl.trial"]: run for run in found}
    assert len(runs) == len(found)
    return runs


def history(place: str, run: Any, metric: str = SCORE) -> list[tuple[int, int, float]]:
    """Step, POSIX milliseconds and value of each point."""
    points = MlflowClient(tracking_uri=place).get_metric_history(run.info.run_id, metric)
    return sorted((point.step, point.timestamp, point.value) for point in points)


@pytest.fixture(scope="module")
def places(done: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A finished study, exported into each kind of storage."""
    folder = tmp_path_factory.mktemp("mlflow")
    places = {kind: place_of(kind, folder) for kind in KINDS}
    for place in places.values():
        service.export_to("birds", "mlflow", place, home=done)
    return places


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, places: dict[str, str]) -> str:
    """Each of them."""
    return places[request.param]


def test_every_trial_is_a_run_below_that_of_the_study(place: str) -> None:
    runs = runs_of(place)
    study = runs.pop("study")
    assert sorted(runs, key=int) == [str(number) for number in range(10)]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {study.info.run_id}
    assert runs["4"].info.run_name == "trial-00004-repeats-1"
    assert study.info.run_name == "birds"
    assert "**difference** +0." in study.data.tags["mlflow.note.content"]
    assert study.data.tags["automl.winner"] == str(RUNNING)


def test_figures_have_steps_and_times_of_the_training(place: str, done: Path) -> None:
    stored = read.epochs(open_store(default_url(done), create=False), "birds", 1)
    points = history(place, runs_of(place)["1"])
    assert points == [(row.epoch, int(row.reported_at * 1000), row.map50_95) for row in stored]
    figures = runs_of(place)["1"].data.metrics
    assert {"metrics/mAP50B", "metrics/recallB", "train/box_loss", "automl/score", "test/mAP50-95", "test/gain"} <= set(
        figures
    )


def test_a_run_has_all_arguments_and_the_facts_of_its_trial(place: str) -> None:
    run = runs_of(place)["1"]
    assert {"lr0": "0.002", "optimizer": "AdamW", "model": "yolov5n", "imgsz": "64"}.items() <= run.data.params.items()
    assert {
        "automl.purpose": "search",
        "automl.seed": "1",
        "automl.state": "completed",
    }.items() <= run.data.tags.items()
    assert runs_of(place)["5"].data.tags["automl.origin"] == EVIL
    assert runs_of(place)["5"].data.tags["automl.purpose"] == "production"


def test_runs_have_the_states_and_times_of_their_trials(place: str, done: Path) -> None:
    runs = runs_of(place)
    status = {key: run.info.status for key, run in runs.items()}
    assert status == {
        **dict.fromkeys(("study", "0", "1", "4", "5", "8", "9"), "FINISHED"),
        **{"2": "KILLED", "3": "FAILED", "6": "KILLED", "7": "SCHEDULED"},
    }
    row = read.trial(open_store(default_url(done), create=False), "birds", 1)
    assert (runs["1"].info.start_time, runs["1"].info.end_time) == (
        int(float(row.started_at or 0) * 1000),
        int(float(row.ended_at or 0) * 1000),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_running_study_is_brought_up_to_date_without_duplicates(kind: str, growing: Study, tmp_path: Path) -> None:
    place = place_of(kind, tmp_path)
    for _ in range(2):
        service.export_to("birds", "mlflow", place, home=tmp_path)
        run = runs_of(place)[str(RUNNING)]
        assert (run.info.status, len(history(place, run))) == ("RUNNING", 4)
    growing.finish()
    for _ in range(2):
        service.export_to("birds", "mlflow", place, home=tmp_path)
        runs = runs_of(place)
        points = history(place, runs[str(RUNNING)])
        assert [step for step, _, _ in points] == list(range(1, 13))
        assert runs[str(RUNNING)].info.status == runs["study"].info.status == "FINISHED"
        assert len(history(place, runs["1"], "test/mAP50-95")) == len(history(place, runs["1"], "automl/score")) == 1
        assert len(history(place, runs["study"], "automl/best_score")) <= 2


def test_the_winners_recipe_is_an_artifact_beside_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(tmp_path, trainer="ultralytics")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    place = f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    exported = service.export_to("birds", "mlflow", place, home=tmp_path)
    assert exported.notes == ()
    client = MlflowClient(tracking_uri=place)
    file = client.download_artifacts(runs_of(place)["study"].info.run_id, "hyp.yaml")
    assert "momentum: 0.9\n" in Path(file).read_text()
    assert len(list((tmp_path / "new" / "mlruns" / "birds").rglob("hyp.yaml"))) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_study_without_recipes_is_exported_with_a_note(done: Path, tmp_path: Path) -> None:
    exported = service.export_to("birds", "mlflow", f"sqlite:///{tmp_path / 'mlflow.db'}", home=done)
    assert exported.notes == (
        "no hyp.yaml is written: the trainer 'surrogate' trains no network, so its trials have no recipe.",
    )


def test_an_experiment_of_that_name_that_is_not_automls_is_left_alone(done: Path, tmp_path: Path) -> None:
    place = place_of("folder", tmp_path)
    client = MlflowClient(tracking_uri=place)
    key = client.create_experiment("birds")
    with pytest.raises(StudyConflict, match="which automl did not write"):
        service.export_to("birds", "mlflow", place, home=done)
    assert len(client.search_runs([key])) == 0


def test_an_experiment_that_was_deleted_is_refused_with_the_way_out(done: Path, tmp_path: Path) -> None:
    place = place_of("folder", tmp_path)
    service.export_to("birds", "mlflow", place, home=done)
    client = MlflowClient(tracking_uri=place)
    experiment = client.get_experiment_by_name("birds")
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)
    with pytest.raises(StudyConflict, match="Restore it, remove it for good with `mlflow gc`"):
        service.export_to("birds", "mlflow", place, home=done)


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:secret@127.0.0.1:{port}",
        "postgresql://me:secret@127.0.0.1:{port}/db",
        "no-such-thing://me:secret@host",
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence_without_the_password(uri: str, done: Path) -> None:
    uri, began = uri.format(port=free_port()), time.monotonic()
    with pytest.raises(AutoMLError) as raised:
        service.export_to("birds", "mlflow", uri, home=done)
    message = str(raised.value)
    assert message.startswith("--to mlflow ")
    assert message.endswith("write into a new file: sqlite:///FILE.")
    assert "secret" not in message
    assert "\n" not in message
    assert time.monotonic() - began < 60


def test_the_process_is_left_as_it_was(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    variables, level = dict(os.environ), logging.getLogger("alembic").level
    service.export_to("birds", "mlflow", place_of("folder", tmp_path), home=done)
    assert dict(os.environ) == variables
    assert logging.getLogger("alembic").level == level


def test_every_state_has_one_of_mlflow() -> None:
    assert set(_STATUS) == set(TrialState)
    assert set(_STUDY_STATUS) == set(StudyState)
