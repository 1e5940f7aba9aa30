"""A search that repeats its best with other seeds, as a user sees it. The surrogate trains nothing."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path

import pytest

from automl.records import Purpose, StudyState, TrialState
from tests.builders.cli import ONE_SLOT, Place
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
SEARCH = (
    "search",
    "--data",
    "data.yaml",
    "--trainer",
    "surrogate",
    "--epochs",
    "9",
    "--name",
    "sure",
    "--sampler",
    "tpe",
    *ONE_SLOT,
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    draw_data(tmp_path, train=2, val=1)
    return Place(tmp_path)


def test_the_winner_comes_with_interval_chance_and_seeds(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "60trials", "--epochs", "30")
    assert (done.returncode, done.stderr) == (0, "")
    assert "54 trials have begun: the defaults and the leading trial run again" in done.stdout
    assert "mean (seeds)" in done.stdout
    assert done.stdout.count("sure: the answer") == 1
    details = place.run("show", "sure", "--details").stdout
    assert " is better, proven with a chance of " in details or " is probably better, " in details
    rows = place.trials("sure")
    repeats = [row for row in rows if row.repeats is not None]
    assert 2 <= len(repeats) <= 6
    assert [row.number for row in repeats] == list(range(54, 54 + len(repeats)))
    assert [row.seed for row in repeats[:2]] == [1, 1]
    assert [row.repeats == 0 for row in repeats] == [number % 2 == 0 for number in range(len(repeats))]
    assert {(row.purpose, row.state) for row in repeats} == {(Purpose.CONFIRMATION, TrialState.COMPLETED)}
    report = json.loads(place.run("show", "sure", "--json").stdout)
    assert report["verdict"]["winner"] == report["winner"]["number"] != 0
    assert "proven better: " in done.stdout
    assert f"trial {report['winner']['number']} is handed over" in done.stdout
    assert report["verdict"]["winner"] in {row.repeats for row in repeats}
    assert report["study"]["best_trial"] < 54
    assert report["spent_s"]["confirmation"] == pytest.approx(report["verdict"]["cost_s"])


def test_the_card_and_the_files_name_the_same_recipe(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(place.run("show", "sure", "--json").stdout)
    number = report["winner"]["number"]
    assert report["best"]["number"] != 0
    assert (f"trial {number} is handed over" if number else "the defaults are handed over") in done.stdout


def test_no_repeats_where_none_are_asked_for(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--confirm", "0", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(row.repeats is None for row in place.trials("sure"))
    assert "(one seed) on val, 9 epochs" in done.stdout
    assert "seed" in place.run("show", "sure", "--details").stdout
    refused = place.run(*SEARCH, "--budget", "40trials", "--confirm", "-1")
    assert refused.returncode == 2
    assert "--confirm -1" in refused.stderr


def test_the_defaults_and_the_winner_train_for_production(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--train", "120")
    assert (done.returncode, done.stderr) == (0, "")
    trained = [row for row in place.trials("sure") if row.purpose is Purpose.PRODUCTION]
    assert (trained[0].number, trained[0].repeats) == (1, 0)
    assert trained[1].repeats not in (None, 0)
    assert {row.epochs for row in trained} == {120}
    assert min(row.done_epochs for row in trained) >= 50
    assert "The defaults and the best recipe found train for up to 120 epochs each" in done.stdout
    report = json.loads(place.run("show", "sure", "--json").stdout)
    assert report["production"]["repeats"] == report["winner"]["number"]
    assert report["spent_s"]["production"] == pytest.approx(sum(row.slot_s for row in trained))
    number = report["winner"]["number"]
    assert (f"trial {number} is handed over" if number else "the defaults are handed over") in done.stdout
    assert "of 120 epochs, " in place.run("show", "sure", "--details").stdout
    refused = place.run(*SEARCH, "--budget", "40trials", "--train", "5")
    assert refused.returncode == 2
    assert "--train 5" in refused.stderr


def test_a_study_killed_while_it_repeats_goes_on_with_the_same_repeats(place: Place) -> None:
    told = place.folder / "told"
    os.mkfifo(told)
    with place.start(*SEARCH, "--budget", "60trials", "--epochs", "30", "--quiet", "--json-events", told) as process:
        with told.open() as events:  # the search waits while this is full: it never is far ahead
            fcntl.fcntl(events, fcntl.F_SETPIPE_SZ, 4096)
            repeats = (line for line in events if json.loads(line).get("repeats") is not None)
            assert next(repeats)
            assert any(row.repeats is not None for line in events for row in place.trials("sure"))  # it is stored
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    resumed = place.run("resume", "sure", "--quiet")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    rows = place.trials("sure")
    repeats = [(row.repeats, row.seed) for row in rows if row.repeats is not None]
    assert len(rows) == 60
    assert len(set(repeats)) == len(repeats) == 6
    assert (repeats[0], place.study("sure").state) == ((0, 1), StudyState.FINISHED)
    assert "chance" in resumed.stdout
