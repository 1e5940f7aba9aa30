"""Checks before anything is written."""

from __future__ import annotations

import importlib.util
import sqlite3
from pathlib import Path

import pytest

from automl import service
from automl.errors import AutoMLError, NoSpace, StudyConflict, UnknownName
from automl.trackers import TOOLS
from automl.trackers.contents import shown
from tests.builders.exported import Study, finished

ELSEWHERE = "sqlite:////home/automl.db"


def check(tool: str, place: str) -> None:
    from automl.trackers import check_tool

    check_tool(tool, place, ELSEWHERE)


@pytest.mark.parametrize(
    ("tool", "hint"),
    [
        ("optunna", "Did you mean optuna?"),
        ("Tensorboard", "Did you mean tensorboard?"),
        ("ml-flow", "Did you mean mlflow?"),
        ("excel", "Known: csv, mlflow, optuna, tensorboard."),
        ("sqlite:///x.db", "Known: csv, mlflow, optuna, tensorboard."),
    ],
)
def test_a_tool_that_does_not_exist_is_refused_with_the_nearest_one(tool: str, hint: str) -> None:
    with pytest.raises(AutoMLError) as raised:
        check(tool, "x")
    assert str(raised.value) == f"--to {tool}: there is no such tool. {hint}"


@pytest.mark.parametrize("place", ["", " "])
@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_place_is_an_error_with_an_example(tool: str, place: str) -> None:
    with pytest.raises(AutoMLError, match=f"--to {tool} needs a place: --to {tool} {TOOLS[tool]}"):
        check(tool, place)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_example_of_a_tool_is_accepted(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check(tool, TOOLS[tool])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("tool", "package", "install"),
    [("mlflow", "mlflow", "yolo-automl[mlflow]"), ("tensorboard", "tensorboardX", "tensorboardX")],
)
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    tool: str, package: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr("automl.trackers.tools.find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(AutoMLError) as raised:
        check(tool, TOOLS[tool])
    assert str(raised.value).endswith(f"which is not installed. Install it with: pip install '{install}'")


@pytest.mark.parametrize("tool", ["optuna", "mlflow"])
@pytest.mark.parametrize("name", ["x.db", "x.sqlite3", "X.DB"])
def test_the_file_of_a_database_without_its_url_is_refused_with_the_url(tool: str, name: str) -> None:
    with pytest.raises(AutoMLError, match=f"write a database as a URL: sqlite:///{name}"):
        check(tool, name)


@pytest.mark.parametrize("tool", ["optuna", "mlflow"])
def test_an_sqlite_file_of_any_name_without_its_url_is_refused(tool: str, tmp_path: Path) -> None:
    file = tmp_path / "studies"
    file.write_bytes(b"SQLite format 3\0" + b"\0" * 84)
    with pytest.raises(AutoMLError, match="write a database as a URL"):
        check(tool, str(file))


@pytest.mark.parametrize("tool", ["optuna", "mlflow"])
@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(tool: str, url: str) -> None:
    with pytest.raises(AutoMLError, match="ends with its process"):
        check(tool, url)


@pytest.mark.parametrize("tool", ["optuna", "mlflow"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tool: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes, longer than any header of a database")
    with pytest.raises(AutoMLError, match="is not an SQLite database"):
        check(tool, f"sqlite:///{file}")
    assert file.read_text().startswith("my notes")


@pytest.mark.parametrize("tool", ["optuna", "mlflow"])
def test_a_folder_in_place_of_a_database_is_refused(tool: str, tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match="is a folder"):
        check(tool, f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("tool", ["csv", "tensorboard"])
def test_a_file_and_a_url_in_place_of_a_folder_are_refused(tool: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NoSpace, match="this is a file"):
        check(tool, str(file))
    with pytest.raises(AutoMLError, match="takes a folder, not a URL"):
        check(tool, "sqlite:///x.db")


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        ("csv", "{}/new"),
        ("tensorboard", "{}/new"),
        ("optuna", "sqlite:///{}/new/x.db"),
        ("mlflow", "sqlite:///{}/x.db"),
    ],
)
def test_a_place_below_a_file_is_refused(tool: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NoSpace, match="cannot be written"):
        check(tool, place.format(file))


def test_redis_is_refused_without_its_password() -> None:
    with pytest.raises(AutoMLError, match="Redis is not supported") as raised:
        check("optuna", "redis://me:secret@host:6379")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("tool", ["optuna", "mlflow"])
def test_automls_own_database_is_no_place(tool: str, growing: Study, tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="automl's own database"):
        service.export_to("birds", tool, f"sqlite:///{tmp_path}/./automl.db", home=tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_study_that_does_not_exist_is_an_error_and_nothing_is_written(
    tool: str, growing: Study, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    with pytest.raises(UnknownName, match="Known: birds"):
        service.export_to("fish", tool, f"sqlite:///{place}/x.db" if "sqlite" in TOOLS[tool] else place, home=tmp_path)
    assert not place.exists()


@pytest.mark.parametrize("tool", TOOLS)
def test_another_study_of_the_same_name_is_refused_and_the_first_stays(tool: str, tmp_path: Path) -> None:
    homes = [finished(tmp_path / name) for name in ("one", "two")]
    _later(homes[1])
    place = f"sqlite:///{tmp_path}/x.db" if "sqlite" in TOOLS[tool] else str(tmp_path / "place")
    service.export_to("birds", tool, place, home=homes[0])
    with pytest.raises(StudyConflict, match=r"of another study \(birds, began 2026"):
        service.export_to("birds", tool, place, home=homes[1])
    service.export_to("birds", tool, place, home=homes[0])


def _later(home: Path) -> None:
    """Move the beginning of a study by a second."""
    with sqlite3.connect(home / "automl.db") as connection:
        connection.execute("UPDATE automl_studies SET created_at = created_at + 1")
    connection.close()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("http://me:s:e@host:5000", "http://me:***@host:5000"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("sqlite:////a/b@c.db", "sqlite:////a/b@c.db"),
        ("runs", "runs"),
    ],
)
def test_a_password_is_never_shown(place: str, text: str) -> None:
    assert shown(place) == text
