from __future__ import annotations

import math
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from automl import service
from automl.errors import AutoMLError, StudyConflict
from automl.records import Purpose
from automl.records import TrialState as State
from automl.store import read
from automl.store.address import default_url
from automl.store.engine import open_store
from automl.trackers import optuna_tables
from automl.trackers.optuna import _STATES
from tests.builders.exported import DEFAULTS, RUNNING, Study, large
from tests.builders.pages import curve
from tests.builders.ports import free_port

KINDS = ("database", "journal")


def place_of(kind: str, folder: Path) -> str:
    return f"sqlite:///{folder / 'optuna.db'}" if kind == "database" else str(folder / "optuna.log")


def load(place: str, name: str = "birds") -> optuna.Study:
    """A study as Optuna itself reads it."""
    storage: Any = place if "://" in place else JournalStorage(JournalFileBackend(place))
    return optuna.load_study(study_name=name, storage=storage)


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, done: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished study, exported into each kind of storage."""
    place = place_of(request.param, tmp_path_factory.mktemp("optuna"))
    service.export_to("birds", "optuna", place, home=done)
    return place


def test_optunas_best_trial_is_the_best_whole_training_of_the_search(place: str) -> None:
    study = load(place)
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE
    assert study.best_trial.user_attrs["trial"] == RUNNING
    assert study.best_value == pytest.approx(0.598, abs=1e-3)
    assert study.user_attrs["winner_optuna_number"] == study.best_trial.number


def test_states_are_those_of_optuna(place: str) -> None:
    states = {trial.user_attrs["trial"]: trial.state for trial in load(place).trials}
    assert states == {
        **{0: TrialState.COMPLETE, 1: TrialState.COMPLETE, 2: TrialState.PRUNED, 3: TrialState.FAIL},
        **{6: TrialState.PRUNED, 7: TrialState.RUNNING, 8: TrialState.COMPLETE, 9: TrialState.COMPLETE},
    }
    assert [trial.number for trial in load(place).trials] == list(range(8))


def test_a_trial_has_its_curve_its_times_and_its_origin(place: str, done: Path) -> None:
    trial = load(place).trials[1]
    row = read.trial(open_store(default_url(done), create=False), "birds", 1)
    assert trial.intermediate_values == pytest.approx(dict(enumerate(curve(0.55), 1)))
    assert trial.value == row.score
    assert trial.datetime_start == datetime.fromtimestamp(float(row.started_at or 0))
    assert trial.duration is not None
    assert trial.duration.total_seconds() == pytest.approx(720)
    attributes = {"trial": 1, "purpose": "search", "origin": "tpe", "seed": 1, "slot_s": 720.0, "state": "completed"}
    assert attributes.items() <= trial.user_attrs.items()
    assert (trial.user_attrs["model"], trial.user_attrs["imgsz"]) == ("yolov5n", 64)
    assert load(place).trials[0].user_attrs["defaults"]


def test_a_conditional_dimension_is_a_parameter_only_where_it_is_active(place: str) -> None:
    trials = load(place).trials
    assert trials[1].params == {
        "optimizer": "AdamW",
        "lr0": 0.002,
        "lr0@AdamW": 0.002,
        "momentum": 0.937,
        "close_mosaic": 5,
    }
    assert "lr0@AdamW" not in trials[0].params
    assert trials[0].distributions["lr0"] == optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)


def test_a_value_outside_the_range_is_kept_and_so_is_an_argument_outside_the_space(place: str) -> None:
    trial = next(trial for trial in load(place).trials if trial.user_attrs["trial"] == 6)
    assert trial.params["lr0"] == 0.5
    assert trial.distributions["lr0"].high == 0.5  # type: ignore[attr-defined]
    assert trial.user_attrs["other_arguments"] == {"mixup": 0.1}


def test_an_epoch_that_is_not_a_number_stays_one(place: str) -> None:
    trial = next(trial for trial in load(place).trials if trial.user_attrs["trial"] == 3)
    assert trial.intermediate_values[1] == pytest.approx(0.1)
    assert math.isnan(trial.intermediate_values[2])


def test_repeats_and_production_are_studies_of_their_own(place: str) -> None:
    (repeat,) = load(place, "birds repeats").trials
    (production,) = load(place, "birds production").trials
    assert (repeat.user_attrs["purpose"], repeat.user_attrs["repeats_trial"]) == ("confirmation", 1)
    assert (production.user_attrs["purpose"], production.value) == ("production", pytest.approx(0.7))


def test_the_study_has_its_answer_and_the_figures_on_unseen_images(place: str) -> None:
    attributes = load(place).user_attrs
    assert attributes["winner"] == RUNNING
    assert attributes["answer, difference"].startswith("+0.")
    assert attributes["trial 1, test/mAP50-95"] == 0.5
    assert attributes["defaults_optuna_number"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_running_study_is_brought_up_to_date_without_duplicates(kind: str, growing: Study, tmp_path: Path) -> None:
    place = place_of(kind, tmp_path)
    service.export_to("birds", "optuna", place, home=tmp_path)
    first = load(place).trials
    assert first[-1].state is TrialState.RUNNING
    assert len(first[-1].intermediate_values) == 4
    service.export_to("birds", "optuna", place, home=tmp_path)
    assert repr(load(place).trials) == repr(first)  # one of the values is NaN, which equals nothing
    growing.finish()
    for _ in range(2):
        service.export_to("birds", "optuna", place, home=tmp_path)
        trials = load(place).trials
        assert [trial.user_attrs["trial"] for trial in trials] == [0, 1, 2, 3, 6, 7, 8, 9]
        assert repr(trials[:5]) == repr(first[:5])
        assert (trials[6].state, trials[6].user_attrs["state"]) == (TrialState.COMPLETE, "completed")
        assert len(trials[6].intermediate_values) == 12


def test_the_rows_written_at_once_are_those_that_optuna_would_write(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(file: str) -> dict[str, list[Any]]:
        with sqlite3.connect(tmp_path / file) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            tables = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
        connection.close()
        return {name: sorted(map(_without_key, content), key=repr) for name, content in tables.items()}

    service.export_to("birds", "optuna", f"sqlite:///{tmp_path / 'quick.db'}", home=done)
    monkeypatch.setattr(optuna_tables, "check_names", lambda *names: ["optuna lacks something"])
    service.export_to("birds", "optuna", f"sqlite:///{tmp_path / 'slow.db'}", home=done)
    assert rows("quick.db") == rows("slow.db")


def _without_key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row without the key that the database gave it; keys of trials are the same in both."""
    return row[1:]


def test_a_table_with_another_column_is_written_by_optuna_itself(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {**optuna_tables._COLUMNS, "TrialModel": ("trial_id", "number", "study_id", "state")}
    monkeypatch.setattr(optuna_tables, "_COLUMNS", columns)
    place = f"sqlite:///{tmp_path / 'x.db'}"
    service.export_to("birds", "optuna", place, home=done)
    assert len(load(place).trials) == 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_with_trials_of_another_tool_is_refused(kind: str, done: Path, tmp_path: Path) -> None:
    place = place_of(kind, tmp_path)
    service.export_to("birds", "optuna", place, home=done)
    load(place).add_trial(optuna.trial.create_trial(value=0.9))
    with pytest.raises(StudyConflict, match="has trials that automl did not write"):
        service.export_to("birds", "optuna", place, home=done)
    assert len(load(place).trials) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_of_that_name_by_another_tool_is_refused(kind: str, done: Path, tmp_path: Path) -> None:
    place = place_of(kind, tmp_path)
    storage: Any = place if "://" in place else JournalStorage(JournalFileBackend(place))
    optuna.create_study(study_name="birds", storage=storage)
    with pytest.raises(StudyConflict, match="which automl did not write"):
        service.export_to("birds", "optuna", place, home=done)
    assert load(place).user_attrs == {}


def test_other_studies_of_a_storage_stay(done: Path, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path / 'new' / 'x.db'}"
    (tmp_path / "new").mkdir()
    optuna.create_study(study_name="mine", storage=place).add_trial(optuna.trial.create_trial(value=0.9))
    service.export_to("birds", "optuna", place, home=done)
    assert load(place, "mine").best_value == 0.9
    assert len(load(place).trials) == 8


def test_a_file_that_is_no_journal_is_refused_and_left_alone(done: Path, tmp_path: Path) -> None:
    file = tmp_path / "notes.log"
    file.write_text("mine\n")
    with pytest.raises(StudyConflict, match="is no journal of Optuna"):
        service.export_to("birds", "optuna", file, home=done)
    assert file.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:secret@127.0.0.1:{port}/db", "refused"),
        ("oracle+nothing://me:secret@host/db", ""),
        ("no-such-database://me:secret@host/db", ""),
        ("://", ""),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence_without_the_password(url: str, words: str, done: Path) -> None:
    url = url.format(port=free_port())
    with pytest.raises(AutoMLError) as raised:
        service.export_to("birds", "optuna", url, home=done)
    message = str(raised.value)
    assert message.startswith("--to optuna ")
    assert words in message
    assert message.endswith("write into a new file: sqlite:///FILE.")
    assert "secret" not in message
    assert "\n" not in message


@pytest.mark.postgres
def test_a_study_is_exported_to_postgres(done: Path, postgres_url: str) -> None:
    exported = service.export_to("birds", "optuna", postgres_url, home=done)
    postgres_url = postgres_url.replace("postgresql://", "postgresql+psycopg2://")
    assert load(postgres_url).best_trial.user_attrs["trial"] == RUNNING
    assert exported.trials == 10
    service.export_to("birds", "optuna", postgres_url, home=done)
    assert len(load(postgres_url).trials) == 8


def test_importances_of_optuna_are_those_of_the_search(tmp_path: Path) -> None:
    large(tmp_path, trials=60, epochs=3)
    place = f"sqlite:///{tmp_path / 'x.db'}"
    service.export_to("birds", "optuna", place, home=tmp_path)
    importances = optuna.importance.get_param_importances(load(place))
    assert set(importances) <= {"optimizer", "lr0", "lr0@AdamW", "momentum", "close_mosaic"}
    assert sum(importances.values()) == pytest.approx(1)


def test_models_and_sizes_are_the_joint_dimension_of_the_search(tmp_path: Path) -> None:
    points = {"choice": ["yolov5n@64", "yolov5s@96"], "default": "yolov5n@64"}
    study = Study(tmp_path, space={"parameters": {"model@imgsz": points}})
    study.filler.trial(0, curve(0.4), params={"model": "yolov5n", "imgsz": 64})
    study.filler.trial(1, curve(0.5), params={"model": "yolov5s", "imgsz": 96}, purpose=Purpose.POINTS)
    study.filler.trial(2, curve(0.6), params={"model": "yolov5m", "imgsz": 96})
    study.filler.close()
    place = f"sqlite:///{tmp_path / 'x.db'}"
    service.export_to("birds", "optuna", place, home=tmp_path)
    trials = load(place).trials
    assert [trial.params for trial in trials] == [{"model@imgsz": "yolov5n@64"}, {"model@imgsz": "yolov5s@96"}, {}]
    assert trials[2].user_attrs["other_arguments"] == {"model": "yolov5m", "imgsz": 96}
    assert "other_arguments" not in trials[1].user_attrs


def test_a_study_without_any_trial_is_exported(tmp_path: Path) -> None:
    study = Study(tmp_path)
    study.filler.close(None)
    place = f"sqlite:///{tmp_path / 'x.db'}"
    assert service.export_to("birds", "optuna", place, home=tmp_path).trials == 0
    assert load(place).trials == []
    study.filler.trial(0, curve(0.4), params=DEFAULTS)
    study.filler.close(None)
    service.export_to("birds", "optuna", place, home=tmp_path)
    assert load(place).best_value == pytest.approx(0.4, abs=0.01)


def test_every_state_of_a_trial_has_one_of_optuna() -> None:
    assert set(_STATES) == set(State)
