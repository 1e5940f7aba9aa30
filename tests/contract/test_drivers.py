"""Both drivers make the same decisions; under Ray, what breaks is one trial's business."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.drivers.deadlines import Patience
from automl.drivers.session import Session
from automl.records import Ending, EpochMetrics, Notice, Params, Slots, StudySpec, TrainJob, Trial, TrialState
from automl.trainers.surrogate import Fault, FaultKind, SurrogateTrainer
from tests.builders.factories import MemoryRecord, make_search, make_spec, play

pytestmark = pytest.mark.ray
TWO = Slots(count=2, device="cpu")
WAIT_S = 300.0  # only a guard: on a busy machine a worker takes half a minute to start


class Killed(SurrogateTrainer):
    """Kills its process before an epoch of a trial; the trial's folder remembers how often."""

    def __init__(self, *, trial: int, epoch: int, times: int, pace: float = 0.0) -> None:
        super().__init__(pace=pace)
        self._trial, self._epoch, self._times = trial, epoch, times

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        for metrics in super().run(trial, job):
            marks = list(Path(job.directory).glob("killed-*"))
            if (trial.number, metrics.epoch) == (self._trial, self._epoch) and len(marks) < self._times:
                Path(job.directory, f"killed-{len(marks)}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield metrics


class Closing(SurrogateTrainer):
    """Leaves a file in a trial's folder when it is closed. Trial 0 waits for that of trial 1 before its last epoch."""

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        folder = Path(job.directory)
        try:
            for metrics in super().run(trial, job):
                if (trial.number, metrics.epoch) == (0, trial.epochs) and appears(folder.with_name("00001") / "closed"):
                    (folder / "waited").touch()
                yield metrics
        finally:
            (folder / "closed").touch()


class SideBySide(SurrogateTrainer):
    """Trial 0 does not end before trial 1 trains, which it does in another slot: else one worker could take all."""

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        folder = Path(job.directory)
        for metrics in super().run(trial, job):
            (folder / "trains").touch()
            if (trial.number, metrics.epoch) == (0, trial.epochs):
                assert appears(folder.with_name("00001") / "trains")
            yield metrics


def appears(file: Path) -> bool:
    """Whether another process makes the file in time."""
    deadline = time.monotonic() + WAIT_S
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return file.exists()


class Watched(MemoryRecord):
    """A record that also keeps where each attempt ran, and may be looked at from another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: dict[int, list[int]] = {}
        self.ending: Ending | None = None

    def trial_started(self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None) -> None:
        super().trial_started(trial, at=at, node=node, device=device, pid=pid)
        if pid is not None:
            self.processes.setdefault(trial.number, []).append(pid)

    def decisions(self) -> list[tuple[int, Params, TrialState, int, str]]:
        """What was tried, how it ended, after how many epochs and why."""
        rows = [self.trials[number] for number in sorted(self.trials)]
        return [(row.number, row.params, row.state, row.done_epochs, row.reason) for row in rows]

    def curves(self) -> list[tuple[int, int, int, float]]:
        """Every epoch in the order of reporting."""
        return [(row.trial, row.epoch, row.attempt, row.map50_95) for row in self.epochs]


@pytest.fixture(autouse=True)
def no_cluster_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@contextmanager
def workers_with(make: Callable[[], SurrogateTrainer], die: Callable[[str], object]) -> Iterator[None]:
    """Workers that start meanwhile open this trainer in place of the surrogate, and may die in other places."""
    from automl.drivers import ray_tune
    from automl.trainers import surrogate

    class Prepared(ray_tune.TrialWorker):
        def setup(self, config: dict[str, Any]) -> None:
            surrogate.SurrogateTrainer = make  # type: ignore[misc,assignment]
            die("setup")
            super().setup(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            die("reset")
            return super().reset_config(new_config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_tune, "TrialWorker", Prepared)
        yield


def drive(
    spec: StudySpec,
    folder: Path,
    make: Callable[[], SurrogateTrainer] = SurrogateTrainer,
    listener: Callable[[Watched, Notice], None] = lambda record, notice: None,
    die: Callable[[str], object] = lambda place: None,
    patience: Patience | None = None,
    paused: bool = False,
) -> Watched:
    """A search under Ray to its end, or to its pause; what was recorded."""
    from automl.drivers.cluster import cluster
    from automl.drivers.ray_tune import RayTuneDriver

    record, search = Watched(), make_search(replace(spec, directory=str(folder)))
    session = Session(
        search, record, posix_offset_s=1e9, listener=lambda notice: listener(record, notice), patience=patience
    )
    with cluster(spec.slots), workers_with(make, die):
        assert RayTuneDriver(session, spec.trainer, spec.slots).run() is False
    assert (search.ended is None, search.paused is None) == (paused, not paused)
    record.ending = search.pause_ending
    assert sum(row.slot_s for row in record.trials.values()) == pytest.approx(search.ledger.spent_s())
    return record


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_both_drivers_decide_the_same(tmp_path: Path, sampler: str) -> None:
    spec = make_spec(budgets=("40trials",), sampler=sampler)
    virtual = Watched()
    play(spec, tmp_path / "virtual", record=virtual)
    real = drive(spec, tmp_path / "ray")
    assert real.decisions() == virtual.decisions()
    assert real.curves() == virtual.curves()
    assert {row.state for row in real.trials.values()} == {TrialState.COMPLETED, TrialState.STOPPED}


def test_both_drivers_repeat_the_same_with_the_same_seeds(tmp_path: Path) -> None:
    spec = make_spec(budgets=("24trials",), sampler="tpe", reserve_trials=4, reserve_s=4 * 720.0)
    virtual = Watched()
    play(spec, tmp_path / "virtual", record=virtual)
    real = drive(spec, tmp_path / "ray")
    assert real.decisions() == virtual.decisions()
    assert real.curves() == virtual.curves()
    repeats = [[(row.repeats, row.seed) for row in record.trials.values()] for record in (real, virtual)]
    assert repeats[0] == repeats[1]
    assert [row.repeats is not None for row in real.trials.values()] == [False] * 22 + [
        True
    ] * 2  # a tenth, two at least


def test_both_drivers_take_the_same_failures(tmp_path: Path) -> None:
    faults = (Fault(trial=2, epoch=2, kind=FaultKind.ERROR), Fault(trial=4, epoch=3, kind=FaultKind.NAN))
    spec, virtual = make_spec(budgets=("12trials",)), Watched()
    play(spec, tmp_path / "virtual", SurrogateTrainer(faults=faults), record=virtual)
    real = drive(spec, tmp_path / "ray", lambda: SurrogateTrainer(faults=faults))
    assert [row.state for row in real.trials.values()].count(TrialState.FAILED) == 2
    assert "Traceback" in (real.trials[2].error or "")
    assert "as its fault asks for" in real.trials[2].reason
    assert [(row.trial, row.epoch) for row in real.epochs] == [(row.trial, row.epoch) for row in virtual.epochs]
    states = [[row.state for row in record.trials.values()] for record in (real, virtual)]
    assert states[0] == states[1]


def said_to_be_out_of_memory(patch: pytest.MonkeyPatch) -> None:
    """Ray tells of a dead worker what it tells of one that its memory monitor has killed."""
    import ray

    get = ray.get

    def told(*words: Any, **named: Any) -> Any:
        try:
            return get(*words, **named)
        except ray.exceptions.RayActorError as error:
            raise ray.exceptions.OutOfMemoryError(str(error)) from None

    patch.setattr(ray, "get", told)


@pytest.mark.fault
@pytest.mark.parametrize("memory", [False, True], ids=["killed", "killed for memory"])
def test_a_trial_whose_worker_dies_goes_on_in_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: bool
) -> None:
    if memory:
        said_to_be_out_of_memory(monkeypatch)
    spec = make_spec(budgets=("5trials",))
    undisturbed = Watched()
    play(spec, tmp_path / "virtual", record=undisturbed)
    record = drive(spec, tmp_path / "ray", lambda: Killed(trial=1, epoch=2, times=1))
    assert record.decisions() == undisturbed.decisions()
    assert [record.trials[number].attempt for number in range(5)] == [1, 2, 1, 1, 1]
    assert len(set(record.processes[1])) == 2
    assert record.notes == ["trial 1 goes on in another worker (attempt 2)"]


@pytest.mark.fault
def test_a_trial_whose_every_worker_dies_fails_and_the_search_goes_on(tmp_path: Path) -> None:
    record = drive(make_spec(budgets=("4trials",)), tmp_path, lambda: Killed(trial=1, epoch=2, times=9))
    assert record.trials[1].state is TrialState.FAILED
    assert "worker process died" in record.trials[1].reason
    assert [record.trials[number].state is TrialState.FAILED for number in range(4)] == [False, True, False, False]


@pytest.mark.long
@pytest.mark.parametrize(("place", "most_failed"), [("setup", 0), ("reset", 1)])
def test_a_worker_that_dies_between_two_trials_costs_no_other_one(tmp_path: Path, place: str, most_failed: int) -> None:
    """Tune does not restart a trial whose worker dies while it is handed over from the trial before."""

    def die(where: str) -> None:
        """Kills the first process that comes to the place."""
        mark = tmp_path / "died"
        if where == place and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    record = drive(make_spec(budgets=("4trials",)), tmp_path, die=die)
    assert (tmp_path / "died").exists()
    states = [record.trials[number].state for number in range(4)]
    assert states.count(TrialState.FAILED) <= most_failed
    assert {TrialState.RUNNING, TrialState.INTERRUPTED}.isdisjoint(states)


def test_a_trial_that_ended_is_closed_while_its_slot_stays_idle(tmp_path: Path) -> None:
    """A trainer writes its last files when it is closed: not only when the next trial needs the process."""
    record = drive(make_spec(budgets=("2trials",), slots=TWO), tmp_path, Closing)
    assert len(record.trials) == 2
    assert (tmp_path / "trials" / "00000" / "waited").exists()


@pytest.mark.fault
def test_killing_one_of_two_workers_restarts_its_trial_alone(tmp_path: Path) -> None:
    """In the middle of its fourth epoch, while another trains beside it."""
    beside: list[int] = []

    def look(record: Watched, notice: Notice) -> None:
        if notice.kind == "epoch" and (notice.trial, notice.values["epoch"]) == (1, 3):
            beside.append([row.state for row in record.trials.values()].count(TrialState.RUNNING))

    spec = make_spec(budgets=("4trials",), slots=TWO, rungs=(), given=())
    record = drive(spec, tmp_path, lambda: Killed(trial=1, epoch=4, times=1, pace=0.005), look)
    assert beside == [2]
    assert (tmp_path / "trials" / "00001" / "killed-0").exists()
    assert [record.trials[number].attempt for number in range(4)] == [1, 2, 1, 1]
    assert {row.state for row in record.trials.values()} == {TrialState.COMPLETED}


def last_epoch_s(record: Watched, number: int) -> float:
    """Slot-seconds of the trial's last epoch, with the worker's start where it is the only one."""
    costs = [0.0, *(row.slot_s for row in record.epochs if row.trial == number)]
    return costs[-1] - costs[-2]


def test_time_budgets_are_kept_to_an_epoch(tmp_path: Path) -> None:
    spec = make_spec(budgets=("5cpu-s", "600s"), epoch_s=0.12, slots=TWO)
    record = drive(spec, tmp_path, lambda: SurrogateTrainer(pace=0.002))
    spent_s = sum(row.slot_s for row in record.trials.values())
    assert 5.0 - 2 * max(row.slot_s for row in record.trials.values()) < spent_s  # else another one could be paid
    last = sorted(record.trials.values(), key=lambda row: row.ended_at or 0.0)[-TWO.count :]
    assert spent_s < 5.0 + sum(last_epoch_s(record, row.number) for row in last) + 0.01
    assert TrialState.RUNNING not in {row.state for row in record.trials.values()}


def test_a_search_joins_the_cluster_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.cluster_utils import Cluster

    from automl.drivers.cluster import cluster_slots
    from automl.drivers.place import check_address

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        nodes.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", nodes.address)
        check_address(nodes.address)
        slots = cluster_slots(None)
        assert (slots.count, slots.device) == (2, "cpu")
        spec = make_spec(budgets=("4trials",), slots=slots, epochs=4, rungs=())
        record = drive(spec, tmp_path, SideBySide)
    finally:
        nodes.shutdown()
    assert len(record.trials) == 4
    assert len({pid for pids in record.processes.values() for pid in pids}) >= 2


def test_each_trial_has_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logical GPUs: Ray hands out indices, and nothing touches a device."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    seen: dict[int, set[str]] = {}

    def look(record: Watched, notice: Notice) -> None:
        for row in record.trials.values():
            if row.device is not None:
                seen.setdefault(row.number, set()).add(row.device)

    slots = Slots(count=2, device="gpu", devices=("0", "1"))
    spec = make_spec(budgets=("4trials",), slots=slots, epochs=4, rungs=())
    record = drive(spec, tmp_path, SideBySide, look)
    assert len(record.trials) == 4
    assert {device for devices in seen.values() for device in devices} == {"0", "1"}


def test_ray_may_start_as_slowly_as_a_busy_machine_makes_it() -> None:
    """Half a minute, Ray's own limit, was not enough: it ended the search with a traceback."""
    told = "from automl.drivers.cluster import settings; print(settings()['RAY_raylet_start_wait_time_s'])"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=kept)
    assert float(done.stdout) >= 300
