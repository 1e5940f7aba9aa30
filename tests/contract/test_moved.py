"""Studies whose home has moved, on SQLite in the home and on Postgres: read, exported and shown as before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from sqlalchemy import update

from automl import service
from automl.errors import AutoMLError, BadData, NoSpace
from automl.files import folders
from automl.files.pictures import PICTURES
from automl.records import StudyState
from automl.store import read
from automl.store.engine import open_store, writing
from automl.store.tables import artifacts, studies
from dashboards.files import kept_file, pictures, tail
from tests.builders.factories import make_spec
from tests.builders.pages import Filler, curve
from tests.builders.train_tiny import draw_data

FILES = ("best.pt", "last.pt", "log.txt")


@dataclass(frozen=True)
class Kept:
    """A study with its files; `db` is None for an SQLite database in the home."""

    home: Path
    db: str | None

    def in_home(self, home: Path) -> Kept:
        return Kept(home, self.db)


def _as_an_earlier_version_wrote(url: str, home: Path) -> None:
    """Give the rows absolute paths, as every earlier version wrote them."""
    engine = open_store(url)
    directory = home / "studies" / "birds"
    with writing(engine) as connection:
        document = connection.execute(studies.select()).one().spec
        document = {key: value for key, value in document.items() if key not in ("home", "key")}
        connection.execute(update(studies).values(spec={**document, "directory": str(directory)}))
        for row in connection.execute(artifacts.select()).all():
            match = (artifacts.c.trial == row.trial) & (artifacts.c.kind == row.kind)
            connection.execute(update(artifacts).where(match).values(path=str(directory / row.path)))
    engine.dispose()


@pytest.fixture(params=["now", "earlier"])
def rows(request: pytest.FixtureRequest) -> str:
    """The version that wrote the rows."""
    version: str = request.param
    return version


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest, rows: str, tmp_path: Path) -> Kept:
    """A finished study of Ultralytics with weights, logs and pictures, and a data set beside its home."""
    project = tmp_path / "project"
    home, directory = project / "runs", project / "runs" / "studies" / "birds"
    data = draw_data(project)
    directory.mkdir(parents=True)
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{home / 'automl.db'}"
    engine = open_store(url, home=home)
    fixed = {"model": "yolov5n", "imgsz": 64, "lr0": 0.01}
    filler = Filler(engine, make_spec(trainer="ultralytics", fixed=fixed, data=str(data), directory=str(directory)))
    for number, top in enumerate((0.4, 0.6)):
        filler.trial(number, curve(top), params={"lr0": 0.01 * (number + 1)})
        folder = folders.trial(directory, number)
        (folder / "pictures").mkdir(parents=True)
        for name in (*FILES, *(f"pictures/{picture}" for picture in PICTURES)):
            (folder / name).write_text(f"{name} of {number}")
        for name in FILES:
            place = (folder / name).relative_to(directory).as_posix()
            filler.recorder.artifact(number, name.partition(".")[0], place, 1)
    filler.close()
    engine.dispose()
    if rows == "earlier":
        _as_an_earlier_version_wrote(url, home)
    return Kept(home, url if request.param == "postgres" else None)


def _renamed(kept: Kept, tmp_path: Path) -> Kept:
    return kept.in_home(kept.home.rename(kept.home.with_name("studies of birds")))


def _elsewhere(kept: Kept, tmp_path: Path) -> Kept:
    (tmp_path / "disk").mkdir()
    return kept.in_home(kept.home.rename(tmp_path / "disk" / "home"))


def _with_the_project(kept: Kept, tmp_path: Path) -> Kept:
    project = kept.home.parent.rename(tmp_path / "other project")
    return kept.in_home(project / "runs")


def _copied_and_lost(kept: Kept, tmp_path: Path) -> Kept:
    shutil.copytree(kept.home, tmp_path / "copy")
    shutil.rmtree(kept.home)
    return kept.in_home(tmp_path / "copy")


Move = Callable[[Kept, Path], Kept]
MOVES = [_renamed, _elsewhere, _with_the_project, _copied_and_lost]


@pytest.mark.parametrize("move", MOVES)
def test_a_moved_study_is_shown_with_its_files(kept: Kept, move: Move, tmp_path: Path) -> None:
    now = move(kept, tmp_path)
    report = service.show("birds", home=now.home, db=now.db)
    assert report.study.spec.directory == str(now.home / "studies" / "birds")
    assert Path(report.study.spec.data).is_file()
    assert service.status("birds", home=now.home, db=now.db).study == report.study
    assert [row.name for row in service.studies(home=now.home, db=now.db)] == ["birds"]
    url = now.db or f"sqlite:///{now.home / 'automl.db'}"
    engine = open_store(url, create=False, read_only=True, home=now.home)
    files = [kept_file(row, report.study) for row in read.artifacts(engine, "birds", 1)]
    engine.dispose()
    assert [file.name for file in files if file is not None] == ["best.pt", "last.pt", "log.txt"]
    assert set(pictures(report.study, 1)) == set(PICTURES)
    assert tail(folders.trial(report.study.spec.directory, 1) / "log.txt") == "log.txt of 1"


@pytest.mark.parametrize("move", MOVES)
def test_a_moved_study_is_exported(kept: Kept, move: Move, tmp_path: Path) -> None:
    now = move(kept, tmp_path)
    file = service.export("birds", tmp_path / "out" / "hyp.yaml", home=now.home, db=now.db)
    recipe = yaml.safe_load(file.read_text())
    assert recipe["lr0"] == 0.02
    assert Path(recipe["data"]).is_file()


def test_a_database_elsewhere_is_no_hindrance(kept: Kept, tmp_path: Path) -> None:
    if kept.db is not None:
        pytest.skip("SQLite alone")
    home = kept.home.rename(tmp_path / "home")
    url = f"sqlite:///{home / 'automl.db'}"
    study = service.show("birds", home=tmp_path / "another home", db=url).study
    assert study.spec.directory == str(home / "studies" / "birds")  # beside the database


def test_a_study_of_another_folder_is_found_from_anywhere(kept: Kept, tmp_path: Path) -> None:
    url = kept.db or f"sqlite:///{kept.home / 'automl.db'}"
    study = service.show("birds", home=tmp_path / "where the user is now", db=url).study
    assert study.spec.directory == str(kept.home / "studies" / "birds")


def test_a_copy_is_a_study_of_its_own(kept: Kept, tmp_path: Path) -> None:
    if kept.db is not None:
        pytest.skip("on Postgres both homes would have one study")
    shutil.copytree(kept.home, tmp_path / "copy")
    service.delete("birds", home=tmp_path / "copy")
    assert not (tmp_path / "copy" / "studies" / "birds").exists()
    assert (kept.home / "studies" / "birds" / "trials" / "00001" / "best.pt").is_file()
    assert service.show("birds", home=kept.home).study.trials == 2


def test_without_its_files_a_study_is_read_and_exported_all_the_same(kept: Kept, tmp_path: Path) -> None:
    shutil.rmtree(kept.home / "studies")
    shutil.rmtree(kept.home.parent / "images")
    (kept.home.parent / "data.yaml").unlink()
    assert service.show("birds", home=kept.home, db=kept.db).winner is not None
    assert len(service.overviews(home=kept.home, db=kept.db)) == 1
    file = service.export("birds", tmp_path / "hyp.yaml", home=kept.home, db=kept.db)
    assert yaml.safe_load(file.read_text())["lr0"] == 0.02


def _interrupt(kept: Kept) -> None:
    url = kept.db or f"sqlite:///{kept.home / 'automl.db'}"
    engine = open_store(url, home=kept.home)
    with writing(engine) as connection:
        connection.execute(update(studies).values(state=StudyState.INTERRUPTED))
    engine.dispose()


def test_a_resume_without_the_folder_names_both_places(kept: Kept, tmp_path: Path) -> None:
    _interrupt(kept)
    url = kept.db or f"sqlite:///{kept.home / 'automl.db'}"
    engine = open_store(url)
    from automl.data.dataset import fingerprint, read_dataset

    with writing(engine) as connection:
        document = connection.execute(studies.select()).one().spec
        data = fingerprint(read_dataset(kept.home.parent / "data.yaml"))
        connection.execute(update(studies).values(spec={**document, "data_fingerprint": data}))
    engine.dispose()
    shutil.rmtree(kept.home / "studies")
    if kept.db is None:
        kept = kept.in_home(kept.home.rename(kept.home.with_name("moved")))
        here = kept.home
    else:
        here = tmp_path / "here"
    with pytest.raises(NoSpace) as caught:
        service.resume("birds", home=here, db=kept.db)
    assert f"{here / 'studies' / 'birds'} is gone" in str(caught.value)
    assert f"{kept.home.with_name('runs') / 'studies' / 'birds'}, where it was, is gone too" in str(caught.value)


def test_a_resume_without_the_data_set_says_how_to_name_it(kept: Kept) -> None:
    _interrupt(kept)
    (kept.home.parent / "data.yaml").unlink()
    with pytest.raises(
        BadData, match=r"no such file.*has moved, name its data\.yaml: automl resume birds.* --data FILE"
    ):
        service.resume("birds", home=kept.home, db=kept.db)


def test_a_confirmation_without_the_data_set_says_how_to_name_it(kept: Kept) -> None:
    (kept.home.parent / "data.yaml").unlink()
    with pytest.raises(AutoMLError, match=r"has moved, name its data\.yaml: automl confirm birds.* --data FILE"):
        service.confirm("birds", home=kept.home, db=kept.db)


def test_new_rows_name_no_place_but_the_home_and_the_users_own(kept: Kept, rows: str) -> None:
    if rows == "earlier":
        pytest.skip("rows of this version alone")
    engine = open_store(kept.db or f"sqlite:///{kept.home / 'automl.db'}")
    with engine.connect() as connection:
        document = connection.execute(studies.select()).one().spec
        paths = {row.path for row in connection.execute(artifacts.select())}
    engine.dispose()
    assert (document["directory"], document["home"]) == ("studies/birds", str(kept.home))
    assert document["data"] == str(kept.home.parent / "data.yaml")
    assert paths == {f"trials/0000{number}/{name}" for number in (0, 1) for name in FILES}
    assert str(kept.home) not in json.dumps({key: value for key, value in document.items() if key != "home"})
