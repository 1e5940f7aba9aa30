"""Runs a search on Ray Tune, on this machine or on the cluster that RAY_ADDRESS names.

The only importer of ray. Tune places one trial in each slot and keeps the worker processes; what to
train and when to stop is Search's to say. Tune's own searchers, schedulers and storage stay unused.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from automl.drivers import ray_patches, worker
from automl.drivers.session import HEARTBEAT_S, Session
from automl.errors import AutoMLError
from automl.records import (
    EndedBy,
    Ending,
    Outcome,
    Prepared,
    Slots,
    SplitMetrics,
    StudySpec,
    TrainJob,
    Trial,
    TrialState,
)

INTERRUPTED = "interrupted by the user"
MAX_FAILURES = 2  # so often a trial whose worker died goes on in another one
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_worker_niceness": "0",
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_THRESHOLD_S": "1000000000",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "TUNE_MAX_PENDING_TRIALS_PG": "1",
}
for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)
warnings.filterwarnings("ignore", module=r"ray\..*")

import ray  # noqa: E402  (reads the variables above when it is imported)
from ray import tune  # noqa: E402
from ray.tune.schedulers import FIFOScheduler, TrialScheduler  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402
from ray.tune.stopper import Stopper  # noqa: E402


def _hush() -> None:
    """Keeps Ray's words on dead workers off the user's terminal: the study's log has its own."""
    for name in ("ray", "ray.tune", "ray.data", "ray.train"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def cluster(slots: Slots) -> Iterator[None]:
    """A Ray session with those slots: joins RAY_ADDRESS, or starts one here and stops it at the end.

    Raises EngineMismatch for a version of Ray that cannot be used.
    """
    ray_patches.apply_patches()
    _hush()
    remote = os.environ.get("RAY_ADDRESS")
    common: dict[str, Any] = {
        "logging_level": logging.CRITICAL,
        "log_to_driver": False,
        "include_dashboard": False,
        "runtime_env": {"env_vars": dict(worker.environment(slots.threads))},
    }
    with _terminable() as listen_again:
        try:
            if remote:
                common.pop("include_dashboard")
                _check_reachable(remote)
                ray.init(address=remote, **common)
            else:
                if slots.devices:
                    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(slots.devices)
                ray.init(
                    address="local",
                    num_cpus=slots.count * slots.threads,
                    num_gpus=slots.count if slots.device == "gpu" else 0,
                    object_store_memory=100 * 1024 * 1024,
                    **common,
                )
            listen_again()
            yield
        finally:
            ray.shutdown()


@contextmanager
def _terminable() -> Iterator[Callable[[], object]]:
    """SIGTERM interrupts, as Ctrl-C does. What is yielded takes it back from Ray, which dumps its stack and aborts."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # elsewhere Python sets no handlers
        yield lambda: None
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield lambda: signal.signal(signal.SIGTERM, interrupt)
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _check_reachable(address: str) -> None:
    """Raises AutoMLError when nothing listens at HOST:PORT; Ray itself would try for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", "local": Ray's own words
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise AutoMLError(
            f"RAY_ADDRESS={address}: no Ray cluster answers there ({error}). Start one with `ray start --head`, "
            "or unset RAY_ADDRESS to search on this machine."
        ) from error


def cluster_slots(device: str | None, count: int | None = None) -> Slots:
    """The slots of the cluster at RAY_ADDRESS: its GPUs, or its cores where there are none.

    device  "cpu", "gpu" or None for whatever there is; count limits the slots
    """
    if device not in (None, "cpu", "gpu"):
        raise AutoMLError(f"--device {device}: on a cluster, which RAY_ADDRESS names, choose cpu or gpu.")
    with cluster(Slots(count=1, device="cpu")):
        total = ray.cluster_resources()
    gpus, cpus = int(total.get("GPU", 0)), int(total.get("CPU", 0))
    if device == "gpu" and not gpus:
        raise AutoMLError("--device gpu: the cluster that RAY_ADDRESS names has no GPU. Use --device cpu.")
    if device != "cpu" and gpus:
        return Slots(count=min(count or gpus, gpus), device="gpu", threads=max(1, cpus // gpus))
    return Slots(count=min(count or cpus, max(1, cpus)), device="cpu", threads=1)


def prepare(trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots) -> Prepared:
    """The trainer's preparation, run in a worker of the cluster that is open."""
    remote = ray.remote(worker.prepare).options(**_resources(slots, prefix="num_"), max_retries=0)
    try:
        found = ray.get(remote.remote(trainer, job, epochs, seed))
    except ray.exceptions.RayError as error:
        raise AutoMLError(f"the probe's worker died: {error}. See {job.directory}/log.txt") from error
    if isinstance(found, AutoMLError):
        raise found
    prepared: Prepared = found
    return prepared


def evaluate(spec: StudySpec, trial: Trial, job: TrainJob, split: str, beat: Callable[[], None]) -> SplitMetrics:
    """The last measurement of a study's trainer, run in a worker of the cluster that is open.

    beat  called every HEARTBEAT_S seconds meanwhile

    Raises AutoMLError where it cannot be had.
    """
    remote = ray.remote(worker.evaluate).options(**_resources(spec.slots, prefix="num_"), max_retries=0)
    try:
        waiting = remote.remote(spec.trainer, trial, job, split)
        while not ray.wait([waiting], timeout=HEARTBEAT_S)[0]:
            beat()
        found = ray.get(waiting)
    except ray.exceptions.RayError as error:
        raise AutoMLError(f"its worker died: {error}. See {job.directory}/log.txt") from error
    if isinstance(found, AutoMLError):
        raise found
    measured: SplitMetrics = found
    return measured


def _resources(slots: Slots, prefix: str = "") -> dict[str, float]:
    share: dict[str, float] = {f"{prefix}cpu" + ("s" if prefix else ""): slots.threads}
    if slots.device == "gpu":
        share[f"{prefix}gpu" + ("s" if prefix else "")] = 1
    return share


class TrialWorker(tune.Trainable):  # type: ignore[misc]
    """A worker process as Tune sees it: one step is one epoch."""

    def setup(self, config: dict[str, Any]) -> None:
        self._renew = False
        self._process = worker.TrialProcess()
        self._process.begin(config["automl"])

    def step(self) -> dict[str, Any]:
        if self._renew:  # not in reset_config: Tune recovers trials that run, and gives up those that are to begin
            os._exit(0)
        return self._process.step()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._process.begin(new_config["automl"])
        self._renew = self._process.grown()
        return True

    def rest(self) -> None:
        """The trial has ended: lets it write its last files now. Tune only keeps the process, for another trial."""
        self._process.end()

    def cleanup(self) -> None:
        self._process.end()


class _Unpickled:
    """Tune pickles what it is given into its own checkpoints; these parts are never read back."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return dict, ()


class RayTuneDriver:
    """Drives a session on the cluster that is open, until it ends or is interrupted.

    again  the command line that goes on with the study, for an error
    """

    def __init__(
        self,
        session: Session,
        trainer: str,
        slots: Slots,
        *,
        wall_s: float = 0.0,
        growth: float = worker.GROWTH,
        again: str = "automl resume",
    ) -> None:
        self._session = session
        self._trainer = trainer
        self._slots = slots
        self._growth = growth
        self._again = again
        self._began = time.monotonic() - wall_s
        self._numbers: dict[str, int] = {}
        self._tokens: dict[int, list[str]] = {}
        self._interrupts = 0

    def at(self) -> float:
        """Wall seconds of the study until now."""
        return time.monotonic() - self._began

    def run(self) -> bool:
        """Returns whether the user interrupted it. Running trials are then left to be resumed."""
        for note in ray_patches.apply_patches():
            self._session.note(note, self.at())
        scratch = tempfile.mkdtemp(prefix="automl-tune-")
        handlers = {signal.SIGINT: self._on_interrupt, signal.SIGTERM: self._on_terminate}
        main = threading.current_thread() is threading.main_thread()  # elsewhere Python sets no handlers
        before = {number: signal.signal(number, handler) for number, handler in handlers.items() if main}
        try:
            tune.run(
                TrialWorker,
                name="search",
                storage_path=scratch,
                num_samples=-1,
                resources_per_trial=_resources(self._slots),
                search_alg=_Proposals(self),
                scheduler=_Decisions(self),
                stop=_Ticks(self),
                reuse_actors=True,
                max_failures=MAX_FAILURES,
                raise_on_failed_trial=False,
                trial_name_creator=lambda trial: f"trial-{trial.trial_id}",
                trial_dirname_creator=lambda trial: f"trial-{trial.trial_id}",
                verbose=0,
            )
        except KeyboardInterrupt:
            self._interrupts += 1
        except (ray.exceptions.RayError, tune.TuneError, ConnectionError) as error:
            raise AutoMLError(f"Ray ended unexpectedly: {error}. Go on with: {self._again}") from error
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)
            shutil.rmtree(scratch, ignore_errors=True)
            for number in self._session.running:
                reason = "interrupted before the epoch's end"
                self._session.close(number, Outcome(state=TrialState.INTERRUPTED, reason=reason), self.at())
        return self._interrupts > 0

    # -- called by the three parts below ----------------------------------------------------------

    def propose(self, ray_id: str) -> dict[str, Any] | str | None:
        """The next trial's config for Tune, None for not now, FINISHED when none will come."""
        session = self._session
        if len(session.running) >= self._slots.count:
            return None
        trial = session.next_trial(self.at())
        if trial is None:
            return None if session.running else str(Searcher.FINISHED)
        self._numbers[ray_id] = trial.number
        return {"automl": worker.encode(self._trainer, trial, self._job(trial), self._growth)}

    def result(self, ray_id: str, result: Mapping[str, Any]) -> bool:
        """Takes what a worker reported; answers whether the trial goes on."""
        session, number, at = self._session, self._numbers[ray_id], self.at()
        if number not in session.running or not self._current(number, result, at):
            return True
        if "failure" in result:
            session.failed(number, str(result["failure"]), str(result["error"]) or None, at)
            return False
        return session.epoch(number, worker.decode_metrics(result["metrics"]), at) is None

    def lost(self, ray_id: str) -> None:
        """Tune gave the trial up: its worker died as it was to begin, or more often than it is restarted."""
        number = self._numbers[ray_id]
        if number in self._session.running:
            reason = "its worker process died (killed, or out of memory) and Ray Tune gave the trial up"
            self._session.failed(number, reason, None, self.at())

    def tick(self) -> None:
        """A few times a second."""
        at = self.at()
        if self._interrupts:
            self._session.pause(Ending(EndedBy.USER, INTERRUPTED), at, "; Ctrl-C again ends at once")
        self._session.tick(at)

    def _job(self, trial: Trial) -> TrainJob:
        return self._session.job(trial, "0" if self._slots.device == "gpu" else "cpu")

    def _current(self, number: int, result: Mapping[str, Any], at: float) -> bool:
        """Whether the result comes from the trial's latest worker; a new worker is a new attempt."""
        tokens = self._tokens.setdefault(number, [])
        token = str(result["token"])
        if token not in tokens:
            if tokens:
                self._session.restarted(number, at)
            tokens.append(token)
            node, pid = str(result["node_name"]), int(result["process"])
            self._session.placed(number, node=node, device=str(result["visible"]), pid=pid)
        return token == tokens[-1]

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _on_terminate(self, signum: int, frame: FrameType | None) -> None:
        """Ray's own processes may have got the signal too: there is no time for another epoch.

        Nor does Tune have to give back its placement groups: for an answer of a cluster that is gone it would wait a
        minute, and abort.
        """
        ray_patches.leave_placement_groups()
        raise KeyboardInterrupt


class _Proposals(_Unpickled, Searcher):  # type: ignore[misc]
    def __init__(self, driver: RayTuneDriver) -> None:
        super().__init__(metric="training_iteration", mode="max")
        self._driver = driver

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        return self._driver.propose(trial_id)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Called with an error only when Tune gives a trial up; else the session has closed it already."""
        if error:
            self._driver.lost(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Our tables are the only truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Our tables are the only truth."""


class _Decisions(_Unpickled, FIFOScheduler):  # type: ignore[misc]
    def __init__(self, driver: RayTuneDriver) -> None:
        super().__init__()
        self._driver = driver

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        goes_on = self._driver.result(trial.trial_id, result)
        process = trial.temporary_state.ray_actor
        if not goes_on and process is not None:
            process.rest.remote()  # not waited for: what Tune asks of the process next comes after it
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class _Ticks(_Unpickled, Stopper):  # type: ignore[misc]
    def __init__(self, driver: RayTuneDriver) -> None:
        self._driver = driver

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self._driver.tick()
        return False
