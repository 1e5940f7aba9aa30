"""The report on a study as a file: its place, what is drawn where data or weights are gone, and the zip file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import automl
from automl import report
from automl.errors import AutoMLError, NoSpace, StudyConflict
from automl.reports.study_content import content_of
from automl.reports.study_html import MARK
from automl.setup.report_files import COMMENT, results_csv
from automl.setup.reporting import check_place, environment, page_of
from automl.store import bulk
from automl.store.checks import keep
from automl.store.engine import open_store
from tests.builders.data_reports import data_report, finding, places
from tests.builders.factories import make_row, make_study
from tests.builders.reported import NAME, stored


def silent(text: str) -> None:
    """Hear nothing."""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("report.pdf", "ends in .html or .zip"),
        ("report", "ends in .html or .zip"),
        ("report.html.gz", "ends in .html or .zip"),
        ("none/report.html", "does not exist"),
        ("none/report.zip", "does not exist"),
        (".", "a folder. Name a file in it"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(AutoMLError, match=sentence):
        check_place(tmp_path / name)


@pytest.mark.parametrize("name", ["report.html", "report.htm", "REPORT.HTML", "report.zip", "a b é.zip"])
def test_a_new_file_may_be_written(tmp_path: Path, name: str) -> None:
    assert check_place(tmp_path / name) == tmp_path / name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["report.html", "report.zip"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("my notes")
    with pytest.raises(AutoMLError, match="exists and is none of automl's"):
        check_place(file)
    assert file.read_text() == "my notes"


def test_an_archive_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "report.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("report.html", MARK)
    with pytest.raises(AutoMLError, match="exists and is none of automl's"):
        check_place(file)


def test_a_damaged_archive_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "report.zip"
    file.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(AutoMLError, match="exists and is none of automl's"):
        check_place(file)


@pytest.mark.parametrize("name", ["report.html", "report.zip"])
def test_an_empty_file_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert check_place(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize("name", ["report.html", "report.zip"])
def test_an_earlier_report_is_replaced(tmp_path: Path, name: str) -> None:
    stored(tmp_path / "home")
    first = report(NAME, tmp_path / name, home=tmp_path / "home")
    assert report(NAME, first, home=tmp_path / "home") == tmp_path / name


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target.html").touch()
    (tmp_path / "report.html").symlink_to(tmp_path / "target.html")
    with pytest.raises(AutoMLError, match="a link"):
        check_place(tmp_path / "report.html")


def test_a_wrong_place_is_refused_before_a_study_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="ends in"):
        report("nothing", tmp_path / "a.pdf", home=tmp_path)


def test_a_study_without_a_score_writes_nothing(tmp_path: Path) -> None:
    bulk.write_study(open_store(f"sqlite:///{tmp_path / 'automl.db'}"), make_study(), [make_row(0, None)])
    with pytest.raises(StudyConflict):
        report(make_study().name, tmp_path / "report.html", home=tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_data_that_are_gone_are_told(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    page = page_of(engine, row, predict=True, say=silent)
    assert page.networks == page.photos == ()
    assert len(page.missing) == 1
    assert page.missing[0].startswith("Pictures of the data and of predictions are left out:")


def test_what_is_missing_has_a_command(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    commands = [command for _, command in page_of(engine, row, predict=True, say=silent).further]
    assert f"automl check --data {row.spec.data}" in commands
    assert {command.split()[1] for command in commands} <= set(automl.__all__)


def test_a_trainer_without_networks_has_no_recipe(tmp_path: Path) -> None:
    engine, row = stored(tmp_path, trainer="surrogate")
    page = page_of(engine, row, predict=True, say=silent)
    assert page.recipes == {}
    assert "trains no network" in page.recipe_words
    assert page.missing == page.further == ()


def test_the_recipes_are_those_of_the_winner_and_of_the_defaults(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    page = page_of(engine, row, predict=True, say=silent)
    assert sorted(page.recipes) == ["hyp-defaults.yaml", "hyp.yaml", "recipe.json"]
    assert json.loads(page.recipes["recipe.json"])["arguments"]["model"] == "yolov5s.yaml"
    assert f"automl export {NAME} -o hyp.yaml" in page.recipe_words


def test_the_environment_names_no_machine(tmp_path: Path) -> None:
    import platform

    _, row = stored(tmp_path)
    text = " ".join(line.text for line in environment(row))
    assert "ultralytics 8.4" in text
    assert not platform.node() or platform.node() not in text


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The zip file of a study whose data were checked, in a home folder of somebody else."""
    home = tmp_path_factory.mktemp("archive")
    engine, row = stored(home, data="/home/ann/cells/data.yaml")
    check = data_report(finding(places=places(3)), data=row.spec.data, names=("a",), splits={"train": {"images": 3}})
    keep(engine, check)
    return zipfile.ZipFile(report(NAME, home / "report.zip", home=home))


def test_the_zip_file_has_all_parts(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    parts = ["report.html", "hyp.yaml", "hyp-defaults.yaml", "recipe.json", "environment.txt", "results-defaults.csv"]
    assert set(parts) <= set(names)
    assert {"results-winner.csv", "results-best-found.csv"} & set(names)
    assert {"data-check.html", "data-check.json", "pictures/best-so-far.png"} <= set(names)
    assert archive.comment == COMMENT
    assert archive.testzip() is None


def test_no_part_of_the_zip_file_has_a_home_folder(archive: zipfile.ZipFile) -> None:
    for name in archive.namelist():
        assert b"/home/ann" not in archive.read(name), name
    assert "~/cells/data.yaml" in archive.read("hyp.yaml").decode()


def test_pictures_of_the_zip_file_can_be_opened(archive: zipfile.ZipFile) -> None:
    pictures = [name for name in archive.namelist() if name.startswith("pictures/")]
    assert len(pictures) > 4
    for name in pictures:
        Image.open(io.BytesIO(archive.read(name))).load()


def test_results_have_the_columns_of_ultralytics(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    training = content_of(engine, row).trainings[0]
    rows = list(csv.DictReader(io.StringIO(results_csv(training))))
    assert list(rows[0]) == [
        *("epoch", "time", "train/box_loss", "train/cls_loss", "train/dfl_loss"),
        *("metrics/precision(B)", "metrics/recall(B)", "metrics/mAP50(B)", "metrics/mAP50-95(B)"),
        *("val/box_loss", "val/cls_loss", "val/dfl_loss"),
    ]
    assert [int(line["epoch"]) for line in rows] == [epoch.epoch for epoch in training.epochs]
    assert float(rows[-1]["metrics/mAP50-95(B)"]) == pytest.approx(training.epochs[-1].map50_95, rel=1e-4)
    assert float(rows[1]["time"]) == pytest.approx(2 * float(rows[0]["time"]))


def test_a_full_disk_is_told_after_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path)

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NoSpace, match="No space left") as failed:
        report(NAME, tmp_path / "report.html", home=tmp_path)
    assert failed.value.begun
    assert [file.name for file in tmp_path.iterdir() if "report" in file.name] == []
