"""Deletion, renaming and notes of studies, on SQLite and on Postgres."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from automl import service
from automl.errors import AutoMLError, StudyConflict, UnknownName
from automl.files import moved
from automl.records import StudyState, VariantWeights
from automl.reports.life import Life
from automl.store import managing, migrate, read, tables
from automl.store.engine import open_store, writing
from automl.store.probes import keep_probe
from automl.store.write import Recorder
from tests.builders.factories import make_prepared, make_spec
from tests.builders.pages import Filler, curve

CHILDREN = (tables.trials, tables.attempts, tables.epochs, tables.events, tables.artifacts, tables.evaluations)


class Home:
    """A home with studies in it, on one database."""

    def __init__(self, folder: Path, url: str, engine: Engine) -> None:
        self.folder, self.url, self.engine = folder, url, engine

    def study(self, name: str = "wheat", state: StudyState | None = StudyState.FINISHED, **changes: object) -> Path:
        """A study of two trials with files; its folder."""
        directory = self.folder / "studies" / name
        trial = directory / "trials" / "00001"
        trial.mkdir(parents=True)
        (trial / "best.pt").write_bytes(b"x" * 5000)
        (directory / "data.yaml").write_bytes(b"y" * 1000)
        (directory / "cache").mkdir()
        fields = {"data": "/data/wheat/data.yaml", "key": moved.new_key(), **changes}
        spec = make_spec(name=name, directory=str(directory), **fields)
        moved.mark(directory, spec.key)
        filler = Filler(self.engine, spec)
        filler.trial(0, curve(0.4))
        filler.trial(1, curve(0.5))
        filler.recorder.artifact(1, "best", "trials/00001/best.pt", 5000)
        filler.close(state)
        return directory

    def delete(self, name: str = "wheat") -> object:
        return service.delete(name, home=self.folder, db=self.url)

    def rename(self, old: str, new: str) -> object:
        return service.rename(old, new, home=self.folder, db=self.url)

    def names(self) -> set[str]:
        return {row.name for row in read.studies(self.engine)}

    def rows(self) -> dict[str, int]:
        with self.engine.connect() as connection:
            return {t.name: connection.scalar(select(func.count()).select_from(t)) or 0 for t in CHILDREN}


@pytest.fixture
def home(store_url: str, tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    engine = open_store(store_url, home=folder)
    return Home(folder, store_url, engine)


# -- delete -------------------------------------------------------------------------------------------


def test_a_deleted_study_leaves_no_row_and_no_file(home: Home) -> None:
    directory = home.study()
    said = service.deletion("wheat", home=home.folder, db=home.url)
    deleted = service.delete("wheat", home=home.folder, db=home.url)
    assert (said.name, said.trials, said.folder, said.notes) == ("wheat", 2, str(directory), ())
    assert said.slot_s == 24 * 60.0
    assert 6000 < said.size_bytes < 6100
    assert (deleted.name, deleted.trials, deleted.freed_bytes, deleted.notes) == ("wheat", 2, said.size_bytes, ())
    assert set(home.rows().values()) == {0}
    assert list((home.folder / "studies").iterdir()) == []
    with pytest.raises(UnknownName):
        service.show("wheat", home=home.folder, db=home.url)


def test_other_studies_and_probes_stay(home: Home) -> None:
    other = home.study("rice")
    before = home.rows()
    keep_probe(home.engine, "key", make_prepared(), at=1.0)
    home.study("wheat")
    home.delete()
    assert home.rows() == before
    assert home.names() == {"rice"}
    assert (other / "trials" / "00001" / "best.pt").is_file()
    with home.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.probes)) == 1


def test_a_running_study_is_refused_with_the_command_that_stops_it(home: Home) -> None:
    directory = home.study(state=None)
    for ask in (service.deletion, service.delete):
        with pytest.raises(StudyConflict, match=r"'wheat' is running on .* Stop it first: automl stop wheat"):
            ask("wheat", home=home.folder, db=home.url)
    with pytest.raises(StudyConflict, match="Stop it first: automl stop wheat"):
        home.rename("wheat", "rye")
    assert home.names() == {"wheat"}
    assert (directory / "data.yaml").is_file()


def test_a_study_that_is_taken_over_meanwhile_stays(home: Home) -> None:
    home.study(state=None)
    with (
        pytest.raises(StudyConflict, match="is running"),
        managing.removal(home.engine, "wheat", at=0.0),
    ):
        pytest.fail("the study runs")
    assert home.names() == {"wheat"}


def test_a_crashed_study_can_be_deleted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.study(state=None)
    monkeypatch.setattr("automl.reports.life.life_of", lambda row: Life.GONE)
    home.delete()
    assert home.names() == set()


def test_a_session_that_comes_back_finds_that_its_study_is_gone(home: Home) -> None:
    home.study()
    recorder = Recorder(home.engine, "wheat")
    home.delete()
    recorder.event("note", "still here", at=1.0)
    with pytest.raises(StudyConflict, match="taken over by another session or removed"):
        recorder.close()
    assert set(home.rows().values()) == {0}


def test_nothing_goes_where_the_folder_cannot_be_moved(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = home.study()

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(AutoMLError, match=r"cannot be removed \(Permission denied\)\. Nothing was deleted"):
        home.delete()
    monkeypatch.undo()
    assert home.names() == {"wheat"}
    assert home.rows()["automl_trials"] == 2
    assert (directory / "trials" / "00001" / "best.pt").is_file()


def test_files_of_the_user_in_the_folder_stay_and_are_named(home: Home) -> None:
    directory = home.study()
    (directory / "notes.txt").write_text("mine")
    said = service.deletion("wheat", home=home.folder, db=home.url)
    deleted = service.delete("wheat", home=home.folder, db=home.url)
    assert said.notes == (f"{directory / 'notes.txt'} is not automl's and stays.",)
    assert deleted.notes == (f"Still there: {directory / 'notes.txt'}.",)
    assert sorted(path.name for path in directory.iterdir()) == ["notes.txt"]
    assert home.names() == set()


@pytest.mark.parametrize("inside", ["", "trials"])
def test_no_link_is_followed(home: Home, tmp_path: Path, inside: str) -> None:
    directory = home.study()
    big = tmp_path / "big disk"
    place = directory / inside if inside else directory
    place.rename(big)
    place.symlink_to(big)
    files = sorted(big.rglob("*"))
    deleted = service.delete("wheat", home=home.folder, db=home.url)
    assert sorted(big.rglob("*")) == files
    assert f"Still there: {big}." in deleted.notes
    assert not os.path.lexists(directory)
    assert home.names() == set()


@pytest.mark.parametrize("kind", ["another form", "another mark"])
def test_a_folder_that_is_not_sure_to_be_the_studys_stays(home: Home, tmp_path: Path, kind: str) -> None:
    if kind == "another form":
        folder = tmp_path / "my project"
        folder.mkdir()
        Filler(home.engine, make_spec(name="wheat", directory=str(folder))).close()
    else:
        folder = home.study()
        moved.mark(folder, "another")
    (folder / "data.yaml").write_text("mine")
    deleted = service.delete("wheat", home=home.folder, db=home.url)
    assert (folder / "data.yaml").read_text() == "mine"
    assert deleted.freed_bytes == 0
    assert home.names() == set()


def test_a_study_without_a_folder_loses_its_rows(home: Home, tmp_path: Path) -> None:
    home.study().rename(tmp_path / "lost")
    deleted = service.delete("wheat", home=home.folder, db=home.url)
    assert deleted.freed_bytes == 0
    assert "only rows go" in deleted.notes[0]
    assert home.names() == set()


def test_a_removal_that_was_cut_off_is_finished(home: Home) -> None:
    directory = home.study()
    rest = directory.with_name(f".wheat.{'a' * 32}")
    (rest / "trials").mkdir(parents=True)
    (rest / "trials" / "best.pt").write_bytes(b"x" * 100)
    home.delete()
    assert list((home.folder / "studies").iterdir()) == []


def test_studies_that_need_its_weights_are_named(home: Home) -> None:
    file = home.study() / "trials" / "00001" / "best.pt"
    home.study("finer", weights_of=(VariantWeights("yolov5n", str(file), "0"),))
    said = service.deletion("wheat", home=home.folder, db=home.url)
    assert said.notes == ("Study 'finer' starts from weights of it and could not be resumed.",)


def test_an_unknown_name_comes_with_close_ones(home: Home) -> None:
    home.study("wheat")
    for ask in (service.deletion, service.delete):
        with pytest.raises(UnknownName, match=r"unknown study 'weat'.*Did you mean wheat\?"):
            ask("weat", home=home.folder, db=home.url)
    with pytest.raises(UnknownName, match="Did you mean wheat"):
        service.note("weat", "text", home=home.folder, db=home.url)
    with pytest.raises(UnknownName, match="Did you mean wheat"):
        home.rename("weat", "rye")


# -- rename -------------------------------------------------------------------------------------------


def test_a_renamed_study_has_its_folder_and_its_files(home: Home) -> None:
    old = home.study()
    row = service.rename("wheat", "rye", home=home.folder, db=home.url)
    new = home.folder / "studies" / "rye"
    assert (row.name, row.spec.name, row.spec.directory) == ("rye", "rye", str(new))
    assert (new / "trials" / "00001" / "best.pt").is_file()
    assert not old.exists()
    assert service.show("rye", home=home.folder, db=home.url).study.trials == 2
    with pytest.raises(UnknownName):
        service.show("wheat", home=home.folder, db=home.url)


def test_a_renamed_study_can_move_and_be_renamed_again(home: Home, tmp_path: Path) -> None:
    home.study()
    home.rename("wheat", "rye")
    elsewhere = home.folder.rename(tmp_path / "elsewhere")
    row = service.rename("rye", "oats", home=elsewhere, db=home.url)
    assert row.spec.directory == str(elsewhere / "studies" / "oats")
    assert Path(row.spec.directory).is_dir()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rice", "a study named 'rice' exists already"),
        ("taken", "taken exists already. Choose another name"),
        ("wheat", "is called 'wheat' already"),
        ("a/b", "'a/b' cannot be a folder"),
        ("..", "cannot be a folder"),
        ("", "cannot be a folder"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(home: Home, name: str, message: str) -> None:
    directory = home.study()
    home.study("rice")
    (home.folder / "studies" / "rice").rename(home.folder / "rice aside")  # the name alone is taken
    (home.folder / "studies" / "taken").mkdir()
    with pytest.raises(AutoMLError, match=message):
        home.rename("wheat", name)
    assert home.names() == {"wheat", "rice"}
    assert (directory / "data.yaml").is_file()


def test_a_renaming_that_was_cut_off_is_finished(home: Home) -> None:
    home.study().rename(home.folder / "studies" / "rye")
    row = service.rename("wheat", "rye", home=home.folder, db=home.url)
    assert Path(row.spec.directory, "data.yaml").is_file()


def test_a_name_that_another_takes_meanwhile_moves_no_folder(home: Home) -> None:
    directory = home.study()
    home.study("rice")
    with (
        pytest.raises(StudyConflict, match="'rice' exists already"),
        managing.renaming(home.engine, "wheat", "rice", at=2e9),
    ):
        pytest.fail("the name is taken")
    assert directory.is_dir()


def test_a_study_whose_folder_has_a_name_of_its_own_keeps_it(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "kept here"
    folder.mkdir()
    Filler(home.engine, make_spec(name="wheat", directory=str(folder))).close()
    row = service.rename("wheat", "rye", home=home.folder, db=home.url)
    assert (row.name, row.spec.directory) == ("rye", str(folder))


# -- notes --------------------------------------------------------------------------------------------


def test_a_note_is_kept_replaced_and_removed(home: Home) -> None:
    home.study()
    ask = {"home": home.folder, "db": home.url}
    assert service.note("wheat", **ask) == ""
    assert service.note("wheat", "  best so far: café ✓ \n", **ask) == "best so far: café ✓"
    assert service.note("wheat", **ask) == service.show("wheat", **ask).study.note == "best so far: café ✓"
    assert service.note("wheat", "", **ask) == ""
    with pytest.raises(AutoMLError, match="at most 2000 characters, and this one has 3000"):
        service.note("wheat", "x" * 3000, **ask)


def test_a_running_study_takes_a_note_and_keeps_it(home: Home) -> None:
    home.study(state=None)
    service.note("wheat", "night run", home=home.folder, db=home.url)
    recorder = Recorder(home.engine, "wheat")
    recorder.study_closed(StudyState.FINISHED, "done", at=1.0, slot_s=1.0, wall_s=1.0)
    recorder.close()
    row = read.study(home.engine, "wheat")
    assert (row.note, row.state) == ("night run", StudyState.FINISHED)


def test_a_note_goes_along_with_a_new_name(home: Home) -> None:
    home.study()
    service.note("wheat", "mine", home=home.folder, db=home.url)
    home.rename("wheat", "rye")
    assert service.note("rye", home=home.folder, db=home.url) == "mine"


@pytest.mark.parametrize("revision", migrate.READABLE)
def test_a_reader_of_an_older_database_does_without_its_columns(home: Home, revision: str) -> None:
    from alembic import command

    home.study()
    with home.engine.begin() as connection:
        command.downgrade(migrate.config(connection), revision)
    row = service.show("wheat", home=home.folder, db=home.url).study
    assert (row.note, row.process, row.ended_by) == ("", "", None)
    assert [row.name for row in service.studies(home=home.folder, db=home.url)] == ["wheat"]
    with home.engine.connect() as connection:
        assert migrate.revision(connection) == revision
    assert service.note("wheat", "now", home=home.folder, db=home.url) == "now"
    with home.engine.connect() as connection:
        assert migrate.revision(connection) == migrate.HEAD
    assert read.study(home.engine, "wheat").trials == 2


def test_a_study_of_an_earlier_version_is_deleted_with_its_folder_wherever_that_is(home: Home, tmp_path: Path) -> None:
    directory = home.study(key="")
    (directory / moved.MARK).unlink()
    with writing(home.engine) as connection:
        document = connection.execute(tables.studies.select()).one().spec
        old = {**document, "directory": str(directory)}
        del old["home"], old["key"]
        connection.execute(update(tables.studies).values(spec=old))
    elsewhere = home.folder.rename(tmp_path / "elsewhere")
    service.delete("wheat", home=elsewhere, db=home.url)
    assert list((elsewhere / "studies").iterdir()) == []


def test_a_record_of_a_spec_has_its_key(home: Home) -> None:
    home.study()
    spec = read.study(home.engine, "wheat").spec
    assert moved.is_of(Path(spec.directory), spec)
    assert not moved.is_of(Path(spec.directory), replace(spec, key="other"))
