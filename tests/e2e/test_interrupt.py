"""What a search is worth after Ctrl-C, a kill and a request to stop: all that it had."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from automl.records import AttemptRow, EpochRow, StudyRow, StudyState, TrialState
from tests.builders.cli import ONE_SLOT, TINY, WAIT_S, Place, alive, ctrl_c, family, held, name_of, wait_for
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
NAME, EPOCHS = "cut", 30
SEARCH = ("search", *TINY, *ONE_SLOT, "--name", NAME, "--epochs", str(EPOCHS), "--budget", "2trials", "--quiet")
WRITTEN_S = 0.5  # after which an epoch is stored
PROMPT_S = 55.0  # for an end that waits for no answer of a cluster that is gone, on idle cores: Ray would for a minute
AGAIN = "Ctrl-C again ends at once"
Process = subprocess.Popen[str]


@dataclass
class Ended:
    """How a session of the study ended, and the study right after."""

    code: int
    stdout: str
    stderr: str
    took_s: float  # from the signal to the end
    limit_s: float  # for that
    study: StudyRow
    epochs: list[EpochRow]
    heard: int = 0  # epochs that there were when the driver had heard that it should end


@dataclass
class Story:
    """One study through every kind of interruption."""

    place: Place
    meanwhile: list[subprocess.CompletedProcess[str]] = field(default_factory=list)  # commands beside a running search
    interrupted: Ended | None = None  # by Ctrl-C
    killed: Ended | None = None  # by kill -9
    announced: list[tuple[int, int]] = field(default_factory=list)  # epochs of the session that was killed
    survivors: list[str] = field(default_factory=list)
    status: str = ""  # output of `automl status` then
    stopped: Ended | None = None  # by automl stop
    finished: Ended | None = None
    attempts: list[AttemptRow] = field(default_factory=list)  # of trial 0, at the end


def prompt_s() -> float:
    """PROMPT_S, and as many times longer as others wait for the cores."""
    return PROMPT_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def further(place: Place, process: Process, epochs: int) -> None:
    """Waits until so many more epochs are stored."""
    before = len(place.epochs(NAME))
    wait_for("more epochs", lambda: len(place.epochs(NAME)) >= before + epochs, process)


def ended(place: Place, process: Process, since: float, heard: int = 0) -> Ended:
    """Waits for the end of a session."""
    stdout, stderr = process.communicate(timeout=WAIT_S)
    took_s = time.monotonic() - since
    return Ended(process.returncode, stdout, stderr, took_s, prompt_s(), place.study(NAME), place.epochs(NAME), heard)


def heard(place: Place, process: Process, words: str) -> int:
    """Waits until the driver says that it ends after the running epoch, which is held; the epochs until then."""
    wait_for(f"the driver says: {words}", lambda: any(words in note for note in place.notes(NAME)), process)
    return len(place.epochs(NAME))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    place = Place(tmp_path_factory.mktemp("story"))
    draw_data(place.folder)
    told = Story(place)
    _interrupt(place, told)
    _kill(place, told)
    _stop(place, told)
    since = time.monotonic()
    with place.start("resume", NAME, "--quiet", "--export", "hyp.yaml") as process:
        told.finished = ended(place, process, since)
    told.attempts = place.attempts(NAME, 0)
    return told


def _interrupt(place: Place, told: Story) -> None:
    with place.start(*SEARCH) as process:
        wait_for("the first epoch", lambda: place.epochs(NAME), process)
        with held(place.worker(NAME, process)):
            told.meanwhile = [place.run("resume", NAME), place.run(*SEARCH)]
            ctrl_c(process)
            epochs = heard(place, process, AGAIN)
        told.interrupted = ended(place, process, time.monotonic(), epochs)


def announced(place: Place) -> list[tuple[int, int]]:
    """Trial and number of the epochs that were told of so long before the last event that they must be stored."""
    lines = (place.folder / "events.jsonl").read_text().splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    last_s = max((event["at_s"] for event in events), default=0.0)
    old = [each for each in events if each["kind"] == "epoch" and each["at_s"] < last_s - WRITTEN_S]
    return [(each["trial"], each["epoch"]) for each in old]


def _kill(place: Place, told: Story) -> None:
    with place.start("resume", NAME, "--json-events", "events.jsonl") as process:
        further(place, process, 6)
        wait_for("an epoch that must be stored by now", lambda: announced(place), process)
        everyone = family(process.pid)
        names = {each.pid: name_of(each) or "" for each in everyone}
        since = time.monotonic()
        os.kill(process.pid, signal.SIGKILL)
        told.killed = ended(place, process, since)
        trainers = [
            each for each in everyone if not names[each.pid].endswith("Agent")
        ]  # Ray's two idle ones take a minute
        psutil.wait_procs(trainers, timeout=WAIT_S)
        told.survivors = alive(trainers)
    told.announced = announced(place)
    told.status = place.run("status", NAME).stdout


def _stop(place: Place, told: Story) -> None:
    with place.start("resume", NAME) as process:
        further(place, process, 2)
        with held(place.worker(NAME, process)):
            told.meanwhile.append(place.run("stop", NAME))
            epochs = heard(place, process, "stopped by `automl stop`")
        told.stopped = ended(place, process, time.monotonic(), epochs)


@pytest.mark.fault
def test_ctrl_c_ends_a_search_after_its_epoch_and_says_how_to_go_on(story: Story) -> None:
    assert story.interrupted is not None
    assert story.interrupted.code == 130
    assert story.interrupted.stderr == f"Go on with: automl resume {NAME}\n"
    assert "1 interrupted. Ended: interrupted by the user." in story.interrupted.stdout
    assert story.interrupted.study.state is StudyState.INTERRUPTED
    assert len(story.interrupted.epochs) <= story.interrupted.heard + 1
    assert story.interrupted.took_s < story.interrupted.limit_s


@pytest.mark.fault
def test_a_running_study_is_neither_resumed_nor_begun_again(story: Story) -> None:
    resumed, begun, _ = story.meanwhile
    assert (resumed.returncode, begun.returncode) == (2, 2)
    assert resumed.stderr.startswith(f"automl: study '{NAME}' is running on")
    assert begun.stderr.startswith(f"automl: a study named '{NAME}' exists already.")


@pytest.mark.fault
def test_a_killed_driver_takes_its_cluster_along_and_is_seen_to_be_dead(story: Story) -> None:
    assert story.survivors == []
    assert f"study     {NAME}: the study process ended unexpectedly" in story.status
    assert f"automl resume {NAME}" in story.status


@pytest.mark.fault
def test_a_kill_loses_no_epoch_and_no_cost(story: Story) -> None:
    assert story.interrupted is not None
    assert story.killed is not None
    assert story.stopped is not None
    stored = [(epoch.trial, epoch.epoch) for epoch in story.killed.epochs]
    assert story.announced
    assert set(story.announced) <= set(stored)
    kept = [(epoch.trial, epoch.epoch, epoch.map50_95) for epoch in story.killed.epochs]
    assert kept == [(epoch.trial, epoch.epoch, epoch.map50_95) for epoch in story.stopped.epochs[: len(kept)]]
    spent_s = [each.study.slot_s for each in (story.interrupted, story.killed, story.stopped)]
    assert spent_s == sorted(spent_s)


@pytest.mark.fault
def test_a_request_from_another_process_stops_a_search(story: Story) -> None:
    assert story.stopped is not None
    asked = story.meanwhile[-1]
    assert (asked.returncode, asked.stderr) == (0, "")
    assert f"automl resume {NAME}" in asked.stdout
    assert story.stopped.code == 0
    assert story.stopped.study.state is StudyState.INTERRUPTED
    assert "stopped by `automl stop`" in story.stopped.study.reason
    assert len(story.stopped.epochs) <= story.stopped.heard + 1
    assert story.stopped.took_s < story.stopped.limit_s


@pytest.mark.fault
def test_a_resumed_study_ends_as_if_nothing_had_been(story: Story) -> None:
    assert story.finished is not None
    assert (story.finished.code, story.finished.stderr) == (0, "")
    assert story.finished.study.state is StudyState.FINISHED
    rows = story.place.trials(NAME)
    assert [row.state for row in rows] == [TrialState.COMPLETED] * 2
    for row in rows:
        epochs = [epoch.epoch for epoch in story.finished.epochs if epoch.trial == row.number]
        assert epochs == list(range(1, EPOCHS + 1))
    assert (story.place.folder / "hyp.yaml").is_file()


def test_every_session_of_a_trial_is_an_attempt_that_begins_where_the_last_one_ended(story: Story) -> None:
    assert story.finished is not None
    assert [attempt.number for attempt in story.attempts] == list(range(1, len(story.attempts) + 1))
    assert len(story.attempts) >= 2
    firsts = [attempt.first_epoch for attempt in story.attempts if attempt.first_epoch is not None]
    assert firsts[0] == 1
    assert all(earlier < later for earlier, later in pairwise(firsts))
    by_attempt = [epoch.attempt for epoch in story.finished.epochs if epoch.trial == 0]
    assert by_attempt == sorted(by_attempt)


def test_the_ledger_is_the_sum_of_all_attempts(story: Story) -> None:
    assert story.finished is not None
    study, rows = story.finished.study, story.place.trials(NAME)
    for row in rows:
        attempts = story.place.attempts(NAME, row.number)
        assert row.slot_s == pytest.approx(sum(attempt.slot_s for attempt in attempts), abs=0.01)
        assert row.paid_s <= row.slot_s
    assert study.slot_s == pytest.approx(study.spec.probe_s + sum(row.slot_s for row in rows), abs=0.01)


def test_a_finished_study_is_not_resumed(story: Story) -> None:
    done = story.place.run("resume", NAME)
    assert done.returncode == 2
    assert done.stderr.startswith(f"automl: study '{NAME}' is finished")


# -- a second study ---------------------------------------------------------------------------------


@pytest.mark.fault
def test_a_worker_killed_in_a_real_training_goes_on_and_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path)
    draw_data(tmp_path)
    with place.start(*SEARCH, "--epochs", "300") as process:  # that end neither before the kill nor before the signal
        wait_for("a snapshot", lambda: list(place.home.glob(f"studies/{NAME}/trials/*/snapshot.pt")), process)
        further(place, process, 2)
        reported = len(place.epochs(NAME))
        worker = place.attempts(NAME, 0)[0].pid
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        wait_for("another attempt", lambda: place.trials(NAME)[0].attempt == 2, process)
        wait_for("more epochs", lambda: len(place.epochs(NAME)) >= reported + 2, process)
        with held(place.worker(NAME, process)):  # its epoch does not end: what ends now has not waited for it
            ctrl_c(process)
            heard(place, process, AGAIN)
            since = time.monotonic()
            ctrl_c(process)
            done = ended(place, process, since)
    epochs = [epoch for epoch in done.epochs if epoch.trial == 0]
    attempts = [epoch.attempt for epoch in epochs]
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert attempts == sorted(attempts)
    assert (attempts[0], attempts[-1]) == (1, 2)
    paid_s = sum(epoch.train_s + epoch.val_s for epoch in epochs)  # without what was trained a second time
    assert paid_s - 0.001 <= place.trials(NAME)[0].paid_s <= place.trials(NAME)[0].slot_s
    assert (done.code, done.study.state) == (130, StudyState.INTERRUPTED)
    assert place.trials(NAME)[0].reason == "interrupted before the epoch's end"
    assert done.took_s < done.limit_s
    assert f"automl resume {NAME}" in done.stderr


@pytest.mark.fault
@pytest.mark.parametrize(
    "send",
    [
        pytest.param(os.kill, id="the driver alone", marks=pytest.mark.long),
        pytest.param(os.killpg, id="its whole group"),
    ],
)
def test_a_request_to_terminate_before_the_first_epoch_ends_quietly(tmp_path: Path, send: Callable[..., None]) -> None:
    place = Place(tmp_path)
    draw_data(tmp_path)
    with place.start(*SEARCH) as process:
        wait_for("the probe", lambda: (place.home / "studies" / NAME / "probe" / "log.txt").exists(), process)
        send(process.pid, signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=prompt_s())
    assert (process.returncode, stdout, stderr) == (130, "", "automl: interrupted\n")
    assert place.studies() == []
    with place.start(*SEARCH) as process:
        wait_for("the first trial", lambda: place.trials(NAME), process)
        send(process.pid, signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=prompt_s())
    assert (process.returncode, stderr) == (130, f"Go on with: automl resume {NAME}\n")
    assert place.study(NAME).state is StudyState.INTERRUPTED
    assert [row.state for row in place.trials(NAME)] == [TrialState.INTERRUPTED]


def test_ctrl_c_before_the_first_trial_leaves_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    draw_data(tmp_path)
    with place.start(*SEARCH) as process:
        wait_for("the probe", lambda: (place.home / "studies" / NAME / "probe" / "log.txt").exists(), process)
        ctrl_c(process)
        stdout, stderr = process.communicate(timeout=WAIT_S)
    assert (process.returncode, stdout, stderr) == (130, "", "automl: interrupted\n")
    assert place.studies() == []
    assert list((place.home / "studies").iterdir()) == []
