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


@pytest.mark.long
def test_the_card_and_the_files_name_the_same_recipe(place: Place) -> None:
    done = place.run(*SEARCH, "--budget", "40trials", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(place.run("show", "sure", "--json").stdout)
    number = report["winner"]["number"]
    assert report["best"]["number"] != 0
    assert (f"trial {number} is handed over" if number else "the defaults are handed over") in done.stdout


@pytest.mark.long
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


@pytest.mark.long
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
    assert len(rows) == 54 + len(repeats)
    assert len(set(repeats)) == len(repeats)
    assert 2 <= len(repeats) <= 6  # they end once it is decided
    assert (repeats[0], place.study("sure").state) == ((0, 1), StudyState.FINISHED)
    assert "% sure" in resumed.stdout


FINISHED = (*SEARCH, "--budget", "30trials", "--recipe-only", "--quiet")


def test_a_finished_study_trains_further_seeds_of_its_best_and_of_the_defaults(place: Place) -> None:
    assert place.run(*FINISHED).returncode == 0
    before, spent_s = place.trials("sure"), place.study("sure").slot_s
    for words, reason in (
        (("--seeds", "0"), "--seeds 0: write how many further seeds"),
        (("--budget", "1gpu-h"), "the budget '1gpu-h' cannot be spent"),
        (("--budget", "soon"), "cannot read the budget 'soon'"),
    ):
        refused = place.run("confirm", "sure", *words)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert reason in refused.stderr
    assert place.trials("sure") == before

    done = place.run("confirm", "sure", "--seeds", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "with up to 2 further seeds each until it is decided: at most 4 trainings, about " in done.stdout
    rows = place.trials("sure")[len(before) :]
    assert 1 <= len(rows) <= 4
    assert {(row.purpose, row.state, row.epochs) for row in rows} == {(Purpose.CONFIRMATION, TrialState.COMPLETED, 9)}
    found = next(row.repeats for row in rows if row.repeats)
    assert {row.repeats for row in rows} <= {0, found}
    seeds = [(row.repeats, row.seed) for row in place.trials("sure") if row.repeats is not None]
    assert len(set(seeds)) == len(seeds), "no seed twice"
    assert f"trial {found} trains again at the search's length with seed " in " ".join(place.notes("sure"))
    study = place.study("sure")
    assert study.state is StudyState.FINISHED
    assert study.slot_s == pytest.approx(spent_s + sum(row.slot_s for row in rows), abs=0.1)
    report = json.loads(place.run("show", "sure", "--json").stdout)
    assert report["spent_s"]["confirmation"] == pytest.approx(
        sum(r.slot_s for r in place.trials("sure") if r.repeats is not None)
    )
    assert "further seeds to confirm" in place.run("show", "sure").stdout


@pytest.mark.long
def test_a_confirmation_that_is_killed_is_resumed_and_changed_data_are_refused(place: Place) -> None:
    assert place.run(*FINISHED).returncode == 0
    count = len(place.trials("sure"))
    told = place.folder / "told"
    os.mkfifo(told)
    with place.start("confirm", "sure", "--quiet", "--json-events", told) as process:
        with told.open() as events:
            fcntl.fcntl(events, fcntl.F_SETPIPE_SZ, 4096)
            assert any(len(place.trials("sure")) > count for _ in events)
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    refused = place.run("confirm", "sure")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "has not finished" in refused.stderr
    assert "automl resume sure" in refused.stderr
    resumed = place.run("resume", "sure", "--quiet")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    further = place.trials("sure")[count:]
    assert {row.purpose for row in further} == {Purpose.CONFIRMATION}
    assert {row.state for row in further} == {TrialState.COMPLETED}
    assert place.study("sure").state is StudyState.FINISHED

    label = next(place.folder.rglob("labels/**/*.txt"))
    label.write_text(label.read_text() + "0 0.5 0.5 0.2 0.2\n")
    changed = place.run("confirm", "sure", "--seeds", "9")
    assert (changed.returncode, changed.stderr.count("\n")) == (2, 1)
    assert "has changed since study 'sure' began" in changed.stderr


@pytest.mark.long
def test_both_train_again_for_production_where_the_study_compared_at_it(place: Place) -> None:
    assert place.run(*SEARCH, "--budget", "20trials", "--train", "60", "--confirm", "0", "--quiet").returncode == 0
    before = place.trials("sure")
    done = place.run("confirm", "sure", "--budget", "2trials", "--json")
    assert done.returncode == 0
    rows = place.trials("sure")[len(before) :]
    assert {(row.purpose, row.epochs) for row in rows} == {(Purpose.PRODUCTION, 60)}
    assert 1 <= len(rows) <= 2
    report = json.loads(done.stdout)
    assert report["spent_s"]["production"] == pytest.approx(
        sum(row.slot_s for row in place.trials("sure") if row.purpose is Purpose.PRODUCTION)
    )
    best = next(line for line in place.run("show", "sure").stdout.splitlines() if line.startswith("best found"))
    assert "(mean of " in best
    assert "on val, 60 epochs" in best
    assert "trainings, about" in done.stderr


def test_a_study_without_a_better_recipe_has_nothing_to_confirm(place: Place) -> None:
    assert place.run(*SEARCH, "--budget", "1trials", "--quiet", "--recipe-only").returncode == 0
    refused = place.run("confirm", "sure")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "has nothing to confirm: no recipe that ran to its end scored above the defaults" in refused.stderr
    assert place.study("sure").state is StudyState.FINISHED
    assert place.run("confirm", "other").returncode == 2
