"""Bad days of a search's processes, as a user has them: Ray dies, a worker hangs, the probe hangs."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from automl.records import StudyState, TrialState
from tests.builders.cli import ONE_SLOT, TINY, WAIT_S, Place, ctrl_c, family, held, wait_for
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.fault]
NAME = "bad"
SEARCH = ("search", *TINY, *ONE_SLOT, "--name", NAME, "--epochs", "30", "--budget", "2trials", "--quiet")
NOTICED_S = 60.0  # half of it on an idle machine


@pytest.fixture
def place(tmp_path: Path) -> Place:
    draw_data(tmp_path)
    return Place(tmp_path)


@pytest.mark.parametrize("name", ["raylet", pytest.param("gcs_server", marks=pytest.mark.long)])
def test_a_dead_ray_leaves_the_study_interrupted_with_the_command_that_goes_on(place: Place, name: str) -> None:
    with place.start(*SEARCH) as process:
        wait_for("the second epoch", lambda: len(place.epochs(NAME)) >= 2, process)
        before = len(place.epochs(NAME))
        since = time.monotonic()
        next(child for child in psutil.Process(process.pid).children() if child.name() == name).kill()
        stdout, stderr = process.communicate(timeout=WAIT_S)
    assert time.monotonic() - since < NOTICED_S
    assert process.returncode == 1
    assert f"automl resume {NAME}" in stdout + stderr
    study = place.study(NAME)
    assert study.state is StudyState.INTERRUPTED
    assert study.reason.startswith("Ray ended unexpectedly")
    assert place.trials(NAME)[0].state is TrialState.INTERRUPTED
    assert len(place.epochs(NAME)) >= before


@pytest.mark.long
@pytest.mark.parametrize("how", ["stop", "ctrl-c"])
def test_a_worker_that_hangs_delays_a_stop_by_its_deadline_and_no_more(place: Place, how: str) -> None:
    with place.start(*SEARCH) as process:
        wait_for("the second epoch", lambda: len(place.epochs(NAME)) >= 2, process)
        with held(place.worker(NAME, process)):
            if how == "stop":
                assert place.run("stop", NAME).returncode == 0
            else:
                ctrl_c(process)
            process.communicate(timeout=WAIT_S)
    assert process.returncode == (0 if how == "stop" else 130)
    assert place.study(NAME).state is StudyState.INTERRUPTED
    assert "hung" in place.trials(NAME)[0].reason


def test_a_probe_whose_worker_is_killed_ends_in_one_sentence_and_leaves_no_study(place: Place) -> None:
    def probe() -> psutil.Process | None:
        for each in family(process.pid):
            with suppress(psutil.Error):  # it has just ended
                if any("ray::prepare" in word for word in each.cmdline()[:1]):
                    return each
        return None

    with place.start(*SEARCH) as process:
        os.kill(wait_for("the probe", probe, process).pid, signal.SIGKILL)
        _, stderr = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert "the probe's worker died" in stderr
    assert place.studies() == []
