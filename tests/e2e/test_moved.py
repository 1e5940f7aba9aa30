"""A study whose project, and then whose home and data set, are moved while it is interrupted. Real trainings."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from automl.records import AttemptRow, StudyState
from automl.store import read
from automl.store.engine import open_store
from dashboards.files import kept_file, tail
from tests.builders.cli import ONE_SLOT, TINY, Place, ctrl_c, held, wait_for
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
NAME = "wheat"
SEARCH = ("search", *TINY, *ONE_SLOT, "--name", NAME, "--epochs", "12", "--budget", "2trials", "--quiet")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Moved:
    """The study after its moves."""

    place: Place
    before: Path  # the project's folder at the beginning
    data: Path  # the data set's present data.yaml
    refused: Done  # a resume without the data set
    wrong: Done  # a resume with another data set
    resumed: Done
    attempts: list[AttemptRow]  # of trial 0


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Moved:
    root = tmp_path_factory.mktemp("moves")
    before, project, last = root / "project", root / "elsewhere" / "project", root / "last"
    draw_data(before)
    _until_interrupted(Place(before), *SEARCH)
    project.parent.mkdir()
    before.rename(project)  # the whole project: data set, network and home
    _until_interrupted(Place(project), "resume", NAME, "--quiet")
    last.mkdir()
    (project / "runs").rename(last / "runs")
    project.rename(root / "data")  # and the network goes altogether
    (root / "data" / "network.yaml").unlink()
    draw_data(root / "other", seed=1)
    place, data = Place(last), root / "data" / "data.yaml"
    refused = place.run("resume", NAME)
    wrong = place.run("resume", NAME, "--data", root / "other" / "data.yaml")
    resumed = place.run("resume", NAME, "--quiet", "--data", data)
    return Moved(place, before, data, refused, wrong, resumed, place.attempts(NAME, 0))


def _until_interrupted(place: Place, *words: str) -> None:
    """Run a command until trial 0 has reported two more epochs, then interrupt it as a terminal does."""
    known = len(place.epochs(NAME))
    with place.start(*words) as process:
        wait_for("two epochs", lambda: len(place.epochs(NAME)) >= known + 2, process)
        with held(place.worker(NAME, process)):
            ctrl_c(process)
            wait_for("the pause", lambda: any("again ends at once" in note for note in place.notes(NAME)), process)
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 130, stdout + stderr


def test_a_data_set_that_is_gone_is_asked_for_in_a_sentence(moved: Moved) -> None:
    assert moved.refused.returncode == 2
    assert "data.yaml: no such file" in moved.refused.stderr
    assert f"name its data.yaml: automl resume {NAME} --data FILE" in moved.refused.stderr
    assert "Traceback" not in moved.refused.stderr


def test_another_data_set_is_not_taken_for_it(moved: Moved) -> None:
    assert moved.wrong.returncode == 2
    assert f"is not the data set of study '{NAME}'" in moved.wrong.stderr


def test_each_session_goes_on_from_the_snapshot_of_the_one_before(moved: Moved) -> None:
    assert (moved.resumed.returncode, moved.resumed.stderr) == (0, "")
    assert moved.place.study(NAME).state is StudyState.FINISHED
    first = [attempt.first_epoch for attempt in moved.attempts]
    assert len(first) == 3
    assert first[0] == 1
    assert all(epoch is not None and epoch >= 3 for epoch in first[1:])
    epochs = [row.epoch for row in moved.place.epochs(NAME) if row.trial == 0]
    assert epochs == list(range(1, 13))


@pytest.mark.parametrize("words", [("show", NAME), ("show", NAME, "--details"), ("status", NAME), ("studies",)])
def test_everything_reads_at_the_new_place(moved: Moved, words: tuple[str, ...]) -> None:
    done = moved.place.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert NAME in done.stdout
    assert f"{moved.before}/" not in done.stdout


def test_the_card_names_weights_that_are_there(moved: Moved) -> None:
    line = re.search(r"^model +(.+best\.pt)$", moved.place.run("show", NAME).stdout, re.MULTILINE)
    assert line is not None
    assert Path(line[1]).is_file()
    assert Path(line[1]).is_relative_to(moved.place.home)


def test_the_row_names_the_files_by_their_place_in_the_home(moved: Moved) -> None:
    engine = open_store(f"sqlite:///{moved.place.home / 'automl.db'}", create=False)
    assert {Path(row.path).parts[0] for row in read.artifacts(engine, NAME)} == {"trials"}
    with engine.connect() as connection:
        text = connection.exec_driver_sql("SELECT spec FROM automl_studies").scalar_one()
    assert json.loads(text)["directory"] == f"studies/{NAME}"
    engine.dispose()


def test_weights_and_logs_are_on_the_page(moved: Moved) -> None:
    engine = open_store(
        f"sqlite:///{moved.place.home / 'automl.db'}", create=False, read_only=True, home=moved.place.home
    )
    study = read.study(engine, NAME)
    files = {row.kind: kept_file(row, study) for row in read.artifacts(engine, NAME, 0)}
    assert {"best", "last", "log"} <= files.keys()
    assert None not in files.values()
    assert files["log"] is not None
    assert "epoch 12/12" in tail(files["log"])
    engine.dispose()


def test_the_exported_recipe_names_files_that_are_there(moved: Moved) -> None:
    done = moved.place.run("export", NAME, "-o", "out/hyp.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    recipe = yaml.safe_load((moved.place.folder / "out" / "hyp.yaml").read_text())
    assert recipe["data"] == str(moved.data)
    assert Path(recipe["model"]).is_file()


@pytest.mark.long
def test_a_new_search_starts_with_the_moved_study(moved: Moved) -> None:
    words = ("--data", moved.data, "--models", "yolov5n", "--imgsz", "64", "--batch", "4", "--weights", "none")
    done = moved.place.run("search", *words, "--budget", "40trials", "--epochs", "12", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"of '{NAME}'" in done.stdout + done.stderr
