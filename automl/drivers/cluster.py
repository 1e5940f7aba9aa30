"""Ray sessions, on this machine or on the cluster that RAY_ADDRESS names, and single calls in their workers."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from automl.drivers import ray_patches, worker
from automl.drivers.session import HEARTBEAT_S
from automl.errors import AutoMLError
from automl.records import (
    Prepared,
    Slots,
    SplitMetrics,
    StudySpec,
    TrainJob,
    Trial,
)

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


def _hush() -> None:
    """Keep Ray's messages on dead workers off the terminal: the study's log has its own."""
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
    """Let SIGTERM interrupt as Ctrl-C does.

    Yields a function that takes the signal back from Ray, which would dump its stack and abort.
    """

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
    """Raise AutoMLError if nothing listens at HOST:PORT; Ray itself would try for a minute."""
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
    """The trainer's preparation, run in a worker of the open cluster. Raises its AutoMLError."""
    remote = ray.remote(worker.prepare).options(**resources(slots, prefix="num_"), max_retries=0)
    try:
        answer: Prepared | AutoMLError = ray.get(remote.remote(trainer, job, epochs, seed))
    except ray.exceptions.RayError as error:
        raise AutoMLError(f"the probe's worker died: {error}. See {job.directory}/log.txt") from error
    if isinstance(answer, AutoMLError):
        raise answer
    return answer


def evaluate(spec: StudySpec, trial: Trial, job: TrainJob, split: str, beat: Callable[[], None]) -> SplitMetrics:
    """The trainer's evaluation of a trial, run in a worker of the open cluster.

    beat  called every HEARTBEAT_S seconds meanwhile

    Raises AutoMLError if it fails.
    """
    remote = ray.remote(worker.evaluate).options(**resources(spec.slots, prefix="num_"), max_retries=0)
    try:
        waiting = remote.remote(spec.trainer, trial, job, split)
        while not ray.wait([waiting], timeout=HEARTBEAT_S)[0]:
            beat()
        answer: SplitMetrics | AutoMLError = ray.get(waiting)
    except ray.exceptions.RayError as error:
        raise AutoMLError(f"its worker died: {error}. See {job.directory}/log.txt") from error
    if isinstance(answer, AutoMLError):
        raise answer
    return answer


def resources(slots: Slots, prefix: str = "") -> dict[str, float]:
    """Resources of one slot, under Ray's names; `prefix` is "num_" for remote functions."""
    share: dict[str, float] = {f"{prefix}cpu" + ("s" if prefix else ""): slots.threads}
    if slots.device == "gpu":
        share[f"{prefix}gpu" + ("s" if prefix else "")] = 1
    return share
