from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from automl import service
from automl.errors import StudyConflict
from automl.records import Notice
from automl.store import read
from automl.trackers.csv import EPOCHS, EVALUATIONS, TRIALS
from tests.builders.exported import EVIL, RUNNING, Study
from tests.builders.pages import BEGAN

NAMES = ("trials.csv", "epochs.csv", "evaluations.csv")


@pytest.fixture(scope="module")
def tables(done: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an export."""
    folder = tmp_path_factory.mktemp("csv")
    exported = service.export_to("birds", "csv", folder, home=done)
    assert (exported.trials, exported.epochs) == (10, 90)
    return folder


def test_pandas_reads_a_line_for_each_trial_epoch_and_evaluation(tables: Path) -> None:
    trials, epochs, evaluations = (pd.read_csv(tables / name) for name in NAMES)
    assert list(trials["trial"]) == list(range(10))
    assert len(epochs) == 90
    assert list(evaluations["trial"]) == [0, 1]
    assert trials["score_map50_95"].dtype == epochs["map50_95"].dtype == "float64"
    assert trials.set_index("trial").loc[1, "param_lr0"] == 0.002
    assert trials.set_index("trial").loc[4, "repeats_trial"] == 1


def test_the_first_columns_are_the_documented_ones(tables: Path) -> None:
    headers = {name: list(pd.read_csv(tables / name, nrows=0).columns) for name in NAMES}
    params = [f"param_{key}" for key in ("close_mosaic", "lr0", "mixup", "momentum", "optimizer")]
    assert headers["trials.csv"] == [*TRIALS, *params]
    assert headers["epochs.csv"] == [*EPOCHS, "loss_train/box_loss", "loss_val/box_loss"]
    assert headers["evaluations.csv"] == [*EVALUATIONS]
    manual = (Path(__file__).parents[3] / "docs" / "manual.md").read_text(encoding="utf-8")
    assert [column for column in TRIALS if f"`{column}`" not in manual] == []


def test_every_column_is_explained_in_the_document(tables: Path) -> None:
    document = json.loads((tables / "study.json").read_text(encoding="utf-8"))
    for name in NAMES:
        columns = set(pd.read_csv(tables / name, nrows=0).columns)
        explained = set(document["tables"][name])
        assert {column for column in columns - explained if not column.startswith("loss_")} == set()
    assert document["study"]["winner"] == RUNNING
    assert "answer, difference" in document["study"]


def test_unknown_figures_are_empty_and_times_are_dates(tables: Path) -> None:
    trials = pd.read_csv(tables / "trials.csv", parse_dates=["started_at_utc"]).set_index("trial")
    assert trials["started_at_utc"][0] == pd.Timestamp(BEGAN, unit="s")
    assert pd.isna(trials["score_map50_95"][7])
    text = (tables / "epochs.csv").read_text(encoding="utf-8-sig")
    assert "nan" not in text.lower()


def test_excel_sees_the_encoding_and_text_with_line_breaks_is_one_cell(tables: Path) -> None:
    assert (tables / "trials.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tables / "trials.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[3]["error"] == "Traceback\n  é=1"


def test_no_cell_is_a_formula(tables: Path) -> None:
    for name in NAMES:
        with (tables / name).open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t")] == []
    assert pd.read_csv(tables / "trials.csv")["origin"][5] == f"'{EVIL}"


def test_a_second_export_brings_a_running_study_up_to_date(growing: Study, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    service.export_to("birds", "csv", folder, home=tmp_path)
    assert pd.read_csv(folder / "trials.csv").set_index("trial")["state"][RUNNING] == "running"
    growing.finish()
    service.export_to("birds", "csv", folder, home=tmp_path)
    trials, epochs = (pd.read_csv(folder / name) for name in NAMES[:2])
    assert trials.set_index("trial")["state"][RUNNING] == "completed"
    assert len(epochs) == len(read.epochs(growing.engine, "birds"))
    assert not epochs.duplicated(["trial", "epoch"]).any()
    assert sorted(file.name for file in folder.iterdir()) == sorted([*NAMES, "study.json"])


@pytest.mark.parametrize("name", [*NAMES, "study.json"])
def test_tables_that_automl_did_not_write_are_left_alone(name: str, done: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine\n")
    with pytest.raises(StudyConflict, match="which automl did not write"):
        service.export_to("birds", "csv", tmp_path, home=done)
    assert (tmp_path / name).read_text() == "mine\n"


def test_a_listener_hears_of_the_progress(done: Path, tmp_path: Path) -> None:
    notices: list[Notice] = []
    service.export_to("birds", "csv", tmp_path, home=done, listener=notices.append)
    assert notices[-1].kind == "exported"
    assert notices[-1].values == {"trials": 10, "of": 10}


def test_other_files_of_the_folder_stay(done: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine\n")
    service.export_to("birds", "csv", tmp_path, home=done)
    assert (tmp_path / "notes.txt").read_text() == "mine\n"
