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
    assert " is better, proven with a chance of " in done.stdout or " is probably better, " in done.stdout
    rows = place.trials("sure")
    repeats = [row for row in rows if row.repeats is not None]
    assert 2 <= len(repeats) <= 6
    assert [row.number for row in repeats] == list(range(54, 54 + len(repeats)))
    assert [row.seed for row in repeats[:2]] == [1, 1]
    assert [row.repeats == 0 for row in repeats] == [number % 2 == 0 for number in range(len(repeats))]
    assert {(row.purpose, row.state) for row in repeats} == {(Purpose.CONFIRMATION, TrialState.COMPLETED)}
    report = json.loads(place.run("show", "sure", "--json").stdout)
    assert report["verdict"]["winner"] == report["winner"]["number"] != 0
    assert report["verdict"]["winner"] in {row.repeats for row in repeats}
    assert report["study"]["best_trial"] < 54
    assert report["spent_s"]["confirmation"] == pytest.approx(report["verdict"]["cost_s"])


def test_the_defaults_are_as_good_where_the_repeats_do_not_say_otherwise(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(place.run("show", "sure", "--json").stdout)
    assert (report["verdict"]["winner"], report["winner"]["number"]) == (0, 0)
    assert report["best"]["number"] != 0
    assert "The defaults are as good: mAP50-95 " in done.stdout


def test_no_repeats_where_none_are_asked_for(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--confirm", "0", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(row.repeats is None for row in place.trials("sure"))
    assert "a second seed would tell more" in done.stdout
    refused = place.run(*SEARCH, "--budget", "40trials", "--confirm", "-1")
    assert refused.returncode == 2
    assert "--confirm -1" in refused.stderr


def test_what_is_taken_home_trains_on_for_production(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--train", "120")
    assert (done.returncode, done.stderr) == (0, "")
    *_, row = place.trials("sure")
    assert (row.purpose, row.epochs, row.number) == (Purpose.PRODUCTION, 120, 39)
    assert row.done_epochs >= 50
    assert "the winner trains for up to 120 epochs (--train)" in done.stdout
    assert f"Production (trial 39): {f'trial {row.repeats}' if row.repeats else 'the defaults'} trained" in done.stdout
    report = json.loads(place.run("show", "sure", "--json").stdout)
    assert report["production"]["number"] == 39
    assert report["production"]["repeats"] == report["winner"]["number"]
    assert report["spent_s"]["production"] == pytest.approx(row.slot_s)
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
