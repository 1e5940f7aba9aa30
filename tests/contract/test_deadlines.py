"""Workers that hang, workers that die again and again, and a Ray that dies: nothing hangs, and no epoch is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import pytest

from automl.drivers.deadlines import Patience
from automl.records import EndedBy, EpochMetrics, Notice, Slots, TrainJob, Trial, TrialState
from automl.trainers.surrogate import SurrogateTrainer
from tests.builders.factories import make_spec, play
from tests.contract.test_drivers import Killed, Watched, drive, no_cluster_of_the_user

__all__ = ["no_cluster_of_the_user"]
pytestmark = [pytest.mark.ray, pytest.mark.fault]
SHORT = Patience(least_s=5.0)  # the surrogate's epochs take no time, but workers are given minutes to start


class Stopped(SurrogateTrainer):
    """Stops its process before an epoch of a trial, as SIGSTOP does; the trial's folder remembers how often."""

    def __init__(self, *, trial: int, epoch: int, times: int, epoch_s: float = 0.1) -> None:
        super().__init__(epoch_s=epoch_s, pace=1.0)
        self._trial, self._epoch, self._times = trial, epoch, times

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        for metrics in super().run(trial, job):
            marks = list(Path(job.directory).glob("stopped-*"))
            if (trial.number, metrics.epoch) == (self._trial, self._epoch) and len(marks) < self._times:
                Path(job.directory, f"stopped-{len(marks)}").touch()
                os.kill(os.getpid(), signal.SIGSTOP)
            yield metrics


class KilledOften(SurrogateTrainer):
    """Kills its process before every third epoch of trial 0, each once."""

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        for metrics in super().run(trial, job):
            mark = Path(job.directory, f"killed-{metrics.epoch}")
            if trial.number == 0 and metrics.epoch % 3 == 0 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield metrics


def kill_of(name: str, seen: list[str]) -> Callable[[Watched, Notice], None]:
    """Kills Ray's process of that name with the third epoch."""

    def look(record: Watched, notice: Notice) -> None:
        if notice.kind == "epoch" and notice.values["epoch"] == 3 and not seen:
            seen.append(name)
            next(child for child in psutil.Process().children() if child.name() == name).kill()

    return look


def test_a_trial_whose_worker_hangs_goes_on_in_another_one(tmp_path: Path) -> None:
    spec = make_spec(budgets=("3trials",), epoch_s=0.1)
    undisturbed = Watched()
    play(spec, tmp_path / "virtual", record=undisturbed)
    record = drive(spec, tmp_path / "ray", lambda: Stopped(trial=1, epoch=3, times=1), patience=SHORT)
    assert record.decisions() == undisturbed.decisions()
    assert [record.trials[number].attempt for number in range(3)] == [1, 2, 1]
    assert any(note.startswith("trial 1: its worker hung: no epoch for") for note in record.notes)


@pytest.mark.long
def test_a_trial_that_hangs_twice_in_a_row_fails_and_the_search_goes_on(tmp_path: Path) -> None:
    spec = make_spec(budgets=("3trials",), epoch_s=0.1)
    record = drive(spec, tmp_path, lambda: Stopped(trial=1, epoch=3, times=9), patience=Patience(least_s=5, start_s=20))
    assert record.trials[1].state is TrialState.FAILED
    assert "its worker hung" in record.trials[1].reason
    assert [record.trials[number].state is TrialState.FAILED for number in range(3)] == [False, True, False]


def test_a_worker_that_hangs_cannot_exceed_the_budget(tmp_path: Path) -> None:
    spec = make_spec(budgets=("25cpu-s",), epoch_s=1.0)  # the worker may begin slowly
    record = drive(
        spec, tmp_path, lambda: Stopped(trial=0, epoch=3, times=9, epoch_s=1.0), patience=Patience(excess_s=3.0)
    )
    assert record.trials[0].state is TrialState.CUT
    assert record.trials[0].reason.startswith("the budget is spent and its worker hung")
    assert record.trials[0].slot_s < 25.0 + 3.0 + 20.0  # the last twenty: for a busy machine


def test_deaths_with_epochs_between_them_do_not_add_up(tmp_path: Path) -> None:
    record = drive(make_spec(budgets=("1trials",)), tmp_path, KilledOften)
    assert len(list((tmp_path / "trials" / "00000").glob("killed-*"))) == 4
    assert (record.trials[0].state, record.trials[0].attempt) == (TrialState.COMPLETED, 5)
    assert [row.epoch for row in record.epochs] == list(range(1, 13))


def test_a_worker_killed_as_a_trial_begins_costs_the_trial_an_attempt_and_no_more(tmp_path: Path) -> None:
    spec = make_spec(budgets=("2trials",), rungs=())
    record = drive(spec, tmp_path, lambda: Killed(trial=0, epoch=1, times=2))
    assert [row.state for row in record.trials.values()] == [TrialState.COMPLETED] * 2
    assert record.trials[0].attempt == 3


@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_a_dead_ray_ends_the_search_to_be_resumed(tmp_path: Path, name: str) -> None:
    seen: list[str] = []
    spec = make_spec(budgets=("3trials",), epoch_s=1.0)
    record = drive(spec, tmp_path, lambda: SurrogateTrainer(epoch_s=1.0, pace=1.0), kill_of(name, seen), paused=True)
    assert seen == [name]
    assert record.ending is not None
    assert record.ending.by is EndedBy.ERROR
    assert record.ending.sentence.startswith("Ray ended unexpectedly")
    assert record.trials[0].state is TrialState.INTERRUPTED
    assert len(record.epochs) >= 3


def prepare() -> None:
    """A call whose process stands still."""
    os.kill(os.getpid(), signal.SIGSTOP)


def answer() -> int:
    """A call that answers."""
    return 42


def test_a_call_that_hangs_is_given_up_and_its_slot_is_free_again() -> None:
    from automl.drivers import calls
    from automl.drivers.cluster import cluster

    slots = Slots(count=1, device="cpu")
    with cluster(slots):
        with pytest.raises(TimeoutError):
            calls._answer(calls._remote(prepare, slots).remote(), "prepare", 10.0)
        assert calls._answer(calls._remote(answer, slots).remote(), "answer", 120.0) == 42
