"""A search whose database goes away, as a user sees it: nothing hangs, nothing is lost. The surrogate trains nothing."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]
import pytest

from automl.records import StudyState
from tests.builders.cli import ONE_SLOT, WAIT_S, Place, ctrl_c, wait_for
from tests.builders.postgres import Server
from tests.builders.train_tiny import draw_data

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.fault,
    pytest.mark.skipif("AUTOML_TEST_DB" in os.environ, reason="kills the server"),
]
NAME = "gone"
SEARCH = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "300", "--recipe-only", *ONE_SLOT)
WAITING = f"rows of study '{NAME}' wait in "


class Output:
    """Standard output of a search, line by line as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.text = ""
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.text += line

    def wait_for(self, words: str) -> None:
        """Waits until the words are printed."""
        wait_for(words, lambda: words in self.text, self._process)

    def code(self) -> int:
        """Waits for the end; the exit code."""
        code = self._process.wait(timeout=WAIT_S)
        self._reader.join()
        return code


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Place:
    draw_data(tmp_path)
    return Place(tmp_path, {"AUTOML_DB": server.url})


@contextmanager
def searching(place: Place, trials: int) -> Iterator[tuple[subprocess.Popen[str], Output]]:
    """A search of which the database has some epochs."""
    words = ("--name", NAME, "--budget", f"{trials}trials", "--json-events", "events.jsonl")
    with place.start(*SEARCH, *words) as process:
        output = Output(process)
        wait_for("the first epochs", lambda: len(place.epochs(NAME)) > 30, process)
        yield process, output


def announced(place: Place) -> set[tuple[int, int]]:
    """Trial and epoch of all epochs that a listener heard of."""
    lines = (place.folder / "events.jsonl").read_text().splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    return {(event["trial"], event["epoch"]) for event in events if event["kind"] == "epoch"}


def stored(place: Place) -> list[tuple[int, int]]:
    return [(row.trial, row.epoch) for row in place.epochs(NAME)]


def journals(place: Place) -> list[Path]:
    return list((place.home / "studies" / NAME).glob("journal/*"))


def test_a_server_that_dies_before_the_end_costs_no_epoch_and_no_report(server: Server, place: Place) -> None:
    with searching(place, 4) as (process, output):
        server.kill()
        output.wait_for(WAITING)
        (journal,) = journals(place)
        ctrl_c(process)
        assert output.code() == 1
    assert "best trials on val" in output.text
    assert output.text.count(f"wait in {journal}. Once the database answers, go on with: automl resume {NAME}") == 1
    server.start()
    before = len(stored(place))
    assert f"wait in {journal.parent}. Store them with: automl resume {NAME}" in place.run("status", NAME).stdout
    resumed = place.run("resume", NAME)
    assert resumed.returncode == 0, resumed.stderr
    assert "that waited in its journal were stored" in resumed.stdout
    assert sorted(stored(place)) == sorted(announced(place))
    assert len(stored(place)) > before
    assert place.study(NAME).state is StudyState.FINISHED
    assert journals(place) == []


@pytest.mark.long
def test_a_lock_on_the_studies_stops_neither_the_search_nor_ctrl_c(server: Server, place: Place) -> None:
    other = psycopg2.connect(server.url)
    with searching(place, 400) as (process, output):
        other.cursor().execute("LOCK TABLE automl_studies IN ACCESS EXCLUSIVE MODE")
        before = len(announced(place))
        wait_for("more epochs", lambda: len(announced(place)) > before + 300, process)
        ctrl_c(process)
        output.wait_for(WAITING)
        ctrl_c(process)
        assert output.code() == 130
    heard = announced(place)
    other.close()
    assert place.run("note", NAME, "unlocked").returncode == 0
    assert len(stored(place)) < len(heard)
    with place.start("resume", NAME, "--json-events", "events.jsonl") as process:
        output = Output(process)
        output.wait_for("that waited in its journal were stored")
        assert heard <= set(stored(place))
        wait_for("more epochs", lambda: len(announced(place)) > len(heard), process)
        assert place.run("stop", NAME).returncode == 0
        assert output.code() == 0
    assert sorted(stored(place)) == sorted(announced(place))
