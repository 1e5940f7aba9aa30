"""How a database is opened, migrated and refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from automl.errors import BadStore
from automl.records import EpochMetrics, EvaluationRow, StudySpec, Trial
from automl.store import migrate, read
from automl.store.address import default_url
from automl.store.engine import open_store, writing
from automl.store.write import Recorder, begin_study


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def foreign(url: str) -> Engine:
    """The same database in the hands of another program."""
    return create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))


def test_the_migrations_make_the_tables_that_the_code_knows(engine: Engine) -> None:
    execute(engine, "CREATE TABLE somebody_elses (id INTEGER PRIMARY KEY)")
    with writing(engine) as connection:
        command.check(migrate.config(connection))


def test_head_is_the_newest_migration(engine: Engine) -> None:
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(migrate.config(connection))
        known = [revision.revision for revision in script.walk_revisions()]
        assert (known[0], tuple(reversed(known))) == (migrate.HEAD, migrate.REVISIONS)
        assert migrate.revision(connection) == migrate.HEAD


def test_other_peoples_tables_are_left_alone(store_url: str) -> None:
    other = foreign(store_url)
    execute(
        other,
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('theirs')",
    )
    before = tables(other)
    engine = open_store(store_url)
    assert {name for name in tables(other) - before if not name.startswith("automl_")} == set()
    with writing(engine) as connection:
        command.downgrade(migrate.config(connection), "base")
    assert tables(other) == before | {"automl_version"}
    with other.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "theirs"
    engine.dispose()
    other.dispose()


def test_opening_twice_changes_nothing(store_url: str, engine: Engine) -> None:
    before = tables(engine)
    open_store(store_url).dispose()
    assert tables(engine) == before


def test_many_may_open_a_new_database_at_once(store_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_store, [store_url] * 4))
    for engine in engines:
        with engine.connect() as connection:
            assert migrate.revision(connection) == migrate.HEAD
        engine.dispose()


def test_a_newer_database_is_refused_with_the_way_out(store_url: str, engine: Engine) -> None:
    execute(engine, "UPDATE automl_version SET version_num = '9999'")
    for read_only in (False, True):
        with pytest.raises(BadStore, match=r"newer automl.*9999.*Upgrade automl"):
            open_store(store_url, read_only=read_only)


def test_an_older_database_is_not_migrated_by_a_reader(
    store_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "9998"))
    monkeypatch.setattr(migrate, "HEAD", "9998")
    with pytest.raises(BadStore, match=r"older automl.*Start or resume a search"):
        open_store(store_url, read_only=True)


def test_a_writer_brings_an_older_database_up_to_date(store_url: str, engine: Engine) -> None:
    from alembic import command

    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "0001")
    assert "automl_probes" not in tables(engine)
    upgraded = open_store(store_url)
    with upgraded.connect() as connection:
        assert migrate.revision(connection) == migrate.HEAD
    assert {"automl_probes", "automl_evaluations"} <= tables(upgraded)
    upgraded.dispose()


def test_an_older_databases_trials_get_their_score_from_the_stored_epochs(
    store_url: str, engine: Engine, make_spec: Callable[..., StudySpec]
) -> None:
    begin_study(engine, make_spec("birds"), at=1.0, host="h", pid=1)
    recorder = Recorder(engine, "birds")
    curves = {0: [0.9, 0.1, 0.2, 0.3, 0.4, 0.5], 1: [0.2, 0.4], 2: [0.3, math.nan], 3: []}
    for number, scores in curves.items():
        trial = Trial(number=number, params={}, epochs=9, seed=0)
        recorder.trial_started(trial, at=1.0, node=None, device=None, pid=None)
        for epoch, value in enumerate(scores, start=1):
            given = {"map50_95": value, "map50": value, "precision": 0.5, "recall": 0.5, "train_s": 2.0, "val_s": 1.0}
            recorder.epoch(number, 1, EpochMetrics(epoch=epoch, **given), slot_s=1.0, at=1.0 + epoch)
    recorder.close()
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "0002")
    upgraded = open_store(store_url)
    found = [row.score for row in read.trials(upgraded, "birds")]
    assert found == [pytest.approx(0.3), pytest.approx(0.3), 0.3, None]
    upgraded.dispose()


def test_figures_without_intervals_stay_when_the_tables_learn_of_them(
    store_url: str, engine: Engine, make_spec: Callable[..., StudySpec]
) -> None:
    begin_study(engine, make_spec("birds"), at=100.0, host="here", pid=1)
    recorder = Recorder(engine, "birds")
    recorder.trial_started(Trial(number=0, params={}, epochs=9, seed=0), at=10.0, node=None, device=None, pid=None)
    row = EvaluationRow(
        trial=0, split="test", images=72, map50_95=0.5, map50=0.75, precision=0.5, recall=0.25, slot_s=3.5, at=99.0
    )
    recorder.evaluated(row)
    recorder.close()
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "0002")
    upgraded = open_store(store_url)
    assert read.evaluations(upgraded, "birds") == [row]
    upgraded.dispose()


def test_an_empty_database_is_not_filled_by_a_reader(store_url: str) -> None:
    other = foreign(store_url)
    execute(other, "CREATE TABLE somebody_elses (id INTEGER PRIMARY KEY)")
    for options in ({"read_only": True}, {"create": False}):
        with pytest.raises(BadStore, match="holds no automl tables"):
            open_store(store_url, **options)
    assert tables(other) == {"somebody_elses"}
    other.dispose()


def test_half_made_tables_are_an_error(store_url: str) -> None:
    other = foreign(store_url)
    execute(other, "CREATE TABLE automl_studies (id INTEGER PRIMARY KEY)")
    with pytest.raises(BadStore, match="automl_studies"):
        open_store(store_url)
    assert tables(other) == {"automl_studies"}
    other.dispose()


def test_sqlite_lets_readers_read_while_one_writes(tmp_path: Path) -> None:
    engine = open_store(default_url(tmp_path / "new" / "home"))
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


@pytest.mark.parametrize("options", [{"create": False}, {"read_only": True}])
def test_a_missing_file_is_not_made(tmp_path: Path, options: dict[str, bool]) -> None:
    with pytest.raises(BadStore, match="there is no database at"):
        open_store(default_url(tmp_path / "typo"), **options)
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, read_only: bool) -> None:
    file = tmp_path / "automl.db"
    file.write_text("names: [bird]\n" * 200)
    with pytest.raises(BadStore, match="is not an SQLite database"):
        open_store(default_url(tmp_path), read_only=read_only)
    assert file.read_text() == "names: [bird]\n" * 200


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadStore, match=r"folder .*file/home"):
        open_store(default_url(tmp_path / "file" / "home"))


def test_a_path_with_odd_characters_is_one_file(tmp_path: Path) -> None:
    home = tmp_path / "50% of é?#a b%41"
    open_store(default_url(home)).dispose()
    open_store(default_url(home), read_only=True).dispose()
    assert (home / "automl.db").exists()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("automl.db", "cannot be read"),
        ("sqlite://", "in memory"),
        ("mysql://root:hunter2@localhost/db", "'mysql' databases are not supported"),
        ("postgresql://me:hunt@er2@localhost/db", "%40"),
        ("postgresql://me:hunter2@localhost:port/db", "cannot be read"),
        ("postgresql://me:hunter2@127.0.0.1:1/db", "cannot reach the database .*refused"),
        ("postgres://127.0.0.1:1/db?user=me&password=hunter2", "cannot reach the database"),
    ],
)
def test_a_bad_url_is_explained_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(BadStore, match=problem) as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)
    assert "er2@" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
