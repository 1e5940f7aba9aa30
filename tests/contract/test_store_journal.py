"""What a search's record does on bad days: no call waits, every row is on disk first, and none goes in twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Engine, event, text

from automl.errors import BadStore, NoSpace, RowsWait, StudyConflict
from automl.files import folders
from automl.records import EpochMetrics, Heartbeat, Outcome, StudySpec, StudyState, Trial, TrialState
from automl.store import journal, read, write
from automl.store.engine import open_store
from automl.store.recorder import Recorder
from automl.store.replay import OLD, replay, waiting_rows
from tests.builders.postgres import Server

pytestmark = pytest.mark.fault
PROMPT_S = 2.0  # for calls that wait for nobody, on a machine that does other things
MakeSpec = Callable[..., StudySpec]


@pytest.fixture
def spec(make_spec: MakeSpec, tmp_path: Path) -> StudySpec:
    return make_spec("birds", directory=str(tmp_path / "study"))


@pytest.fixture
def begun(engine: Engine, spec: StudySpec) -> StudySpec:
    write.begin_study(engine, spec, at=1.0, host="h", pid=1)
    return spec


def opened(engine: Engine, spec: StudySpec, **options: object) -> Recorder:
    recorder = Recorder(engine, spec.name, journals=folders.journals(spec.directory), **options)  # type: ignore[arg-type]
    recorder.trial_started(Trial(number=0, params={"lr0": 0.01}, epochs=9, seed=0), at=1.0, node="n", device="0", pid=1)
    return recorder


def report(recorder: Recorder, epochs: range) -> float:
    """Reports the epochs, each in a group of its own; the seconds of the longest call."""
    longest = 0.0
    for epoch in epochs:
        scores = {"map50_95": epoch / 100, "map50": 0.5, "precision": 0.5, "recall": 0.5}
        began = time.monotonic()
        recorder.epoch(
            0, 1, EpochMetrics(epoch=epoch, **scores, train_s=2.0, val_s=1.0), slot_s=3.0 * epoch, at=2.0 + epoch
        )
        recorder.event("note", f"epoch {epoch}", trial=0, at=2.0 + epoch)
        recorder.flush()
        longest = max(longest, time.monotonic() - began)
    return longest


def end(recorder: Recorder) -> None:
    """The thread of a session has answered its last question, as it has once its process is gone."""
    assert recorder._thread is not None
    recorder._thread.end()
    recorder._thread.join()


def stored(engine: Engine) -> list[int]:
    """Epochs in the database, which has a line of the log for each, too."""
    epochs = [row.epoch for row in read.epochs(engine, "birds")]
    assert [row.text for row in read.events(engine, "birds") if row.kind == "note"] == [f"epoch {e}" for e in epochs]
    return epochs


def files(spec: StudySpec) -> list[Path]:
    return journal.files(folders.journals(spec.directory))


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Another client holds a lock on the studies."""
    if engine.dialect.name == "postgresql":
        other = psycopg2.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
        other.cursor().execute("LOCK TABLE automl_studies IN ACCESS EXCLUSIVE MODE")
    else:
        other = sqlite3.connect(str(engine.url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_rows_are_stored_by_a_thread_and_leave_no_journal(engine: Engine, begun: StudySpec) -> None:
    recorder = opened(engine, begun)
    report(recorder, range(1, 4))
    recorder.trial_closed(0, Outcome(state=TrialState.COMPLETED), slot_s=30.0, at=9.0)
    recorder.close()
    assert stored(engine) == [1, 2, 3]
    assert read.trial(engine, "birds", 0).state is TrialState.COMPLETED
    assert not folders.journals(begun.directory).exists()


def test_no_call_waits_for_a_lock_and_nothing_is_lost(engine: Engine, begun: StudySpec) -> None:
    recorder = opened(engine, begun)
    report(recorder, range(1, 3))
    recorder.sync()
    with locked(engine):
        assert report(recorder, range(3, 8)) < PROMPT_S
        began = time.monotonic()
        assert not recorder.stop_requested()
        assert time.monotonic() - began < PROMPT_S
        assert {entry.number for file in files(begun) for entry in journal.entries(file)} >= {3, 4, 5, 6, 7}
    recorder.close()
    assert stored(engine) == [1, 2, 3, 4, 5, 6, 7]


def test_a_statement_behind_a_lock_ends_by_itself(engine: Engine, begun: StudySpec) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite's own busy timeout is used")
    with locked(engine), pytest.raises(BadStore, match="lock timeout"):
        read.study(engine, "birds")


def test_ctrl_c_ends_the_wait_and_the_rows_are_replayed_once(engine: Engine, begun: StudySpec) -> None:
    said: list[str] = []

    def interrupt(seconds: float) -> None:
        if said:
            raise KeyboardInterrupt
        time.sleep(seconds)

    recorder = opened(engine, begun, sleep=interrupt, say=said.append)
    recorder.sync()
    with locked(engine):
        report(recorder, range(1, 5))
        recorder.study_closed(StudyState.INTERRUPTED, "interrupted", at=9.0, slot_s=1.0, wall_s=1.0)
        (file,) = files(begun)
        with pytest.raises(RowsWait, match=rf"8 rows of study 'birds' wait in {file}"):
            recorder.close()
    assert len(said) == 1
    assert str(file) in said[0]
    end(recorder)
    row = read.study(engine, "birds")
    assert waiting_rows(engine, row) == replay(engine, row).rows
    assert replay(engine, row).rows == 0
    assert stored(engine) == [1, 2, 3, 4]
    assert read.study(engine, "birds").state is StudyState.INTERRUPTED
    assert files(begun) == []


@pytest.mark.postgres
@pytest.mark.skipif("AUTOML_TEST_DB" in os.environ, reason="kills the server")
def test_a_killed_server_delays_nobody_and_a_later_command_stores_the_rows(
    postgres_server: Server, postgres_url: str, spec: StudySpec
) -> None:
    engine = open_store(postgres_url)
    write.begin_study(engine, spec, at=1.0, host="h", pid=1)
    recorder = opened(engine, spec)
    report(recorder, range(1, 4))
    recorder.sync()
    postgres_server.kill()
    try:
        assert report(recorder, range(4, 9)) < PROMPT_S
        with pytest.raises(RowsWait, match="10 rows of study 'birds' wait in "):
            recorder.close(retry_s=1.0)
        assert "failed" in str(recorder.news())
    finally:
        postgres_server.start()
    row = read.study(engine, "birds")
    assert waiting_rows(engine, row) == 10
    assert replay(engine, row).rows == 10
    assert replay(engine, row).rows == 0
    assert stored(engine) == [1, 2, 3, 4, 5, 6, 7, 8]
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.skipif("AUTOML_TEST_DB" in os.environ, reason="kills the server")
def test_a_server_that_comes_back_gets_the_rows_from_the_running_driver(
    postgres_server: Server, postgres_url: str, spec: StudySpec
) -> None:
    engine = open_store(postgres_url)
    write.begin_study(engine, spec, at=1.0, host="h", pid=1)
    recorder = opened(engine, spec)
    postgres_server.kill()
    try:
        report(recorder, range(1, 6))
    finally:
        postgres_server.start()
    recorder.close()
    assert stored(engine) == [1, 2, 3, 4, 5]
    assert files(spec) == []
    engine.dispose()


KILLED = """
import os, signal, sys, time
from pathlib import Path
from automl.store.engine import open_store
from tests.contract.test_store_journal import locked, opened, report
from automl.store import read

engine = open_store(sys.argv[1])
spec = read.study(engine, "birds").spec
recorder = opened(engine, spec)
report(recorder, range(1, 3))
recorder.sync()
with locked(engine):
    report(recorder, range(3, 6))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("torn", [False, True], ids=["whole", "with a torn last line"])
def test_rows_of_a_killed_driver_go_in_later_and_once(
    engine: Engine, begun: StudySpec, store_url: str, torn: bool
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, store_url], check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (file,) = files(begun)
    if torn:
        last = [line for line in file.read_bytes().splitlines(keepends=True) if line.strip()][-1]
        content = file.read_bytes()
        file.write_bytes(content.replace(last, last[: len(last) // 2], 1))
    row = read.study(engine, "birds")
    assert replay(engine, row).rows == (4 if torn else 6)
    assert replay(engine, row).rows == 0
    assert stored(engine) == ([1, 2, 3, 4] if torn else [1, 2, 3, 4, 5])
    assert files(begun) == []


def test_a_replay_that_is_cut_off_goes_on_where_it_was(
    engine: Engine, begun: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_behind(engine, begun, range(1, 8))
    row, commits = read.study(engine, "birds"), iter(range(10))

    def cut(connection: object) -> None:
        if next(commits) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("automl.store.replay.LINES", 2)
    event.listen(engine, "commit", cut)
    with pytest.raises(KeyboardInterrupt):
        replay(engine, row)
    event.remove(engine, "commit", cut)
    replay(engine, row)
    assert stored(engine) == [1, 2, 3, 4, 5, 6, 7]


def leave_behind(engine: Engine, spec: StudySpec, epochs: range) -> Path:
    """The journal of a session that has ended without the database."""
    recorder = opened(engine, spec)
    recorder.sync()
    end(recorder)
    report(recorder, epochs)
    (file,) = files(spec)
    recorder._journal.leave()
    return file


def test_a_journal_of_a_session_that_lost_its_study_is_set_aside(engine: Engine, begun: StudySpec) -> None:
    file = leave_behind(engine, begun, range(1, 4))
    dead = read.study(engine, "birds").heartbeat
    write.reopen_study(engine, "birds", Heartbeat(host="other", pid=2, at=1e6), dead=dead)
    newer = opened(engine, begun)
    report(newer, range(1, 3))
    newer.close()
    row = read.study(engine, "birds")
    assert waiting_rows(engine, row) == 0
    replayed = replay(engine, row)
    assert replayed.rows == 0
    assert str(file) in replayed.notes[0]
    assert stored(engine) == [1, 2]
    assert files(begun) == []
    assert file.with_name(file.name + OLD).exists()


def test_a_session_that_lost_its_study_stores_nothing_more(engine: Engine, begun: StudySpec) -> None:
    older = opened(engine, begun)
    older.sync()
    newer = opened(engine, begun)
    report(older, range(1, 4))
    with pytest.raises(StudyConflict, match="taken over"):
        older.close()
    report(newer, range(1, 3))
    newer.close()
    assert stored(engine) == [1, 2]
    assert files(begun) == []


def test_a_missing_table_ends_the_search_and_keeps_the_rows(engine: Engine, begun: StudySpec) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite gives a missing table and a busy database the same class of error")
    recorder = opened(engine, begun)
    recorder.sync()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE automl_events RENAME TO automl_events_away"))
    report(recorder, range(1, 3))
    with pytest.raises(BadStore, match=r"automl_events.* 4 rows wait in "):
        recorder.close()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE automl_events_away RENAME TO automl_events"))
    assert replay(engine, read.study(engine, "birds")).rows == 4
    assert stored(engine) == [1, 2]


# -- disks --------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MiB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small tmpfs")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", place], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr!r}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """Fills the disk to its last byte."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_under_sqlite_loses_no_row(small: Path, make_spec: MakeSpec) -> None:
    engine = open_store(f"sqlite:///{small / 'automl.db'}")
    spec = make_spec("birds", directory=str(small / "study"))
    write.begin_study(engine, spec, at=1.0, host="h", pid=1)
    recorder = opened(engine, spec)
    report(recorder, range(1, 3))
    recorder.sync()
    filler = fill(small)
    report(recorder, range(3, 300))  # as many as reach a page that is new
    with pytest.raises(RowsWait, match=r"full.* rows of study 'birds' wait in "):
        recorder.close(retry_s=1.0)
    assert recorder.problem() is None  # the journal had room of its own
    end(recorder)
    filler.unlink()
    row = read.study(engine, "birds")
    assert waiting_rows(engine, row) == replay(engine, row).rows > 0
    assert stored(engine) == list(range(1, 300))
    engine.dispose()


def test_a_disk_that_takes_no_journal_is_said_before_its_last_room_is_gone(
    engine: Engine, small: Path, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "RESERVE", 1 << 14)
    spec = make_spec("birds", directory=str(small / "study"))
    write.begin_study(engine, spec, at=1.0, host="h", pid=1)
    recorder = opened(engine, spec)
    recorder.sync()
    fill(small)
    with locked(engine):
        epoch = 1
        while recorder.problem() is None:
            report(recorder, range(epoch, epoch + 1))
            epoch += 1
        report(recorder, range(epoch, epoch + 3))  # the running trials' last epochs still find room
        (file,) = files(spec)
        assert "No space left" in str(recorder.problem())
        assert recorder._journal.lost_rows == 0
        report(recorder, range(epoch + 3, epoch + 40))  # and these wait in memory
    recorder.close()
    assert stored(engine) == list(range(1, epoch + 40))
    assert not file.exists()


def test_a_disk_without_room_for_a_journal_begins_no_session(engine: Engine, small: Path, make_spec: MakeSpec) -> None:
    spec = make_spec("birds", directory=str(small / "study"))
    write.begin_study(engine, spec, at=1.0, host="h", pid=1)
    fill(small)
    with pytest.raises(NoSpace, match=r"rows would wait"):
        opened(engine, spec)
