"""Ray sessions: on this machine, on the cluster of RAY_ADDRESS, or of the user's process."""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from automl.drivers import place, ray_patches, worker
from automl.drivers.place import Place, RayCluster
from automl.errors import AutoMLError, NoDevice
from automl.host import guest
from automl.host.private import keep_ray_token
from automl.host.temporary import check_temporary, usable_home
from automl.records import Slots

LOGGERS = ("ray", "ray.tune", "ray.data", "ray.train", "ray.rllib", "ray.serve")
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
_CHANGED = ("RAY_", "TUNE_", "PYTHONBREAKPOINT")  # beginnings of the variables that Ray sets in this process
_FREE_S = 5.0  # in which the workers of an earlier search leave a session


def settings() -> dict[str, str]:
    """Our variables of Ray, where the user has none; the cluster decides how one authenticates."""
    ours = {name: os.environ.get(name, value) for name, value in _SETTINGS.items()}
    return ours | usable_home() | place.authentication()


@contextmanager
def loading() -> Iterator[None]:
    """Load parts of Ray within, which read our variables; this process is as before afterwards."""
    with guest.importing(LOGGERS), guest.variables(settings()):
        yield


with loading():
    import ray


@contextmanager
def cluster(slots: Slots) -> Iterator[None]:
    """A Ray session with those slots: the user's, else one that joins RAY_ADDRESS or is started here and stopped again.

    Afterwards this process is as it was. Raises EngineMismatch for a version of Ray that cannot be used, AutoMLError if
    there is no session to be had.
    """
    with loading():
        ray_patches.notes()
    with place.taken() as where, _guest(), ray_patches.patched(where, worker_variables(slots)):
        if where is Place.SESSION:
            _check_free(slots)
            with _terminable():
                yield
            return
        with _terminable() as listen_again:
            try:
                _begin(slots, where)
                listen_again()
                yield
            finally:
                ray.shutdown()


@contextmanager
def _guest() -> Iterator[None]:
    """Hush Ray, and give back all that it changes in this process. The study's log has messages on dead workers."""
    with ExitStack() as stack:
        stack.enter_context(guest.variables(settings(), prefixes=_CHANGED))
        stack.enter_context(guest.signals_kept())
        stack.enter_context(guest.faults_kept())
        stack.enter_context(guest.no_warnings_of(r"ray\..*"))
        quiet = logging.CRITICAL if place.place() is not Place.SESSION else None
        stack.enter_context(guest.log_levels(LOGGERS, quiet))
        yield


def _begin(slots: Slots, where: Place) -> None:
    """Begin the session. Raises AutoMLError with Ray's reason in a sentence."""
    common: dict[str, Any] = {
        "logging_level": logging.CRITICAL,
        "log_to_driver": False,
        "runtime_env": {"env_vars": dict(worker.environment(slots.threads))},
    }
    remote = place.address()
    keep_ray_token()
    try:
        if where is Place.CLUSTER and remote is not None:
            known = place.known_cluster()
            if known is not None:
                _check_tokens(known)
            ray.init(address=remote if known is None else known.address, **common)
            return
        check_temporary()
        visible = {"CUDA_VISIBLE_DEVICES": ",".join(slots.devices)} if slots.devices else {}
        with guest.variables(visible):
            ray.init(
                address="local",
                num_cpus=slots.count * slots.threads,
                num_gpus=slots.count if slots.device == "gpu" else 0,
                object_store_memory=100 * 1024 * 1024,
                include_dashboard=False,
                **common,
            )
    except AutoMLError:
        raise
    except Exception as error:  # of kinds that Ray does not document, and of its own start as well
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise AutoMLError(f"Ray cannot begin on {place.elsewhere()}: {reason.rstrip('.')}.") from error


def _check_tokens(cluster: RayCluster) -> None:
    """Make ready for the way in which the cluster authenticates.

    Raises AutoMLError for one without tokens after a session of this process with one.
    """
    wanted = cluster.mode == "token"
    if wanted and not ray_patches.has_tokens():
        ray_patches.use_tokens()
    elif ray_patches.has_tokens() and not wanted:
        raise AutoMLError(
            "an earlier Ray session of this process used a token, and Ray cannot leave that for a cluster without. "
            "Begin this search in another process."
        )


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
    with guest.signals_kept():
        signal.signal(signal.SIGTERM, interrupt)
        yield lambda: signal.signal(signal.SIGTERM, interrupt)


# -- slots ------------------------------------------------------------------------------------------


def cluster_slots(device: str | None, count: int | None = None) -> Slots:
    """The slots of the user's Ray session or of the cluster at RAY_ADDRESS: its GPUs, or its cores without any.

    device  "cpu", "gpu" or None for whatever there is; count limits the slots

    Raises AutoMLError if it has none to give.
    """
    if place.place() is Place.SESSION:
        _check_no_client()
        return _slots(device, count, _free(ray.cluster_resources()))
    with cluster(Slots(count=1, device="cpu")):
        return _slots(device, count, ray.cluster_resources())


def _slots(device: str | None, count: int | None, resources: dict[str, float]) -> Slots:
    gpus, cpus, where = int(resources.get("GPU", 0)), int(resources.get("CPU", 0)), place.elsewhere()
    if device not in (None, "cpu", "gpu") and not _names_all(str(device), gpus):
        raise NoDevice(f"--device {device}: {where} chooses the GPUs of its workers", "Write cpu or gpu.")
    if device not in (None, "cpu") and not gpus:
        raise NoDevice(f"--device {device}: {where} has no free GPU", "Use --device cpu.")
    if device != "cpu" and gpus:
        slots = min(count or gpus, gpus)
        if cpus < slots:
            raise AutoMLError(f"{where} has {gpus} GPUs and {cpus} CPUs that are free; each slot needs one of both.")
        return Slots(count=slots, device="gpu", threads=max(1, cpus // gpus))
    if not cpus:
        raise AutoMLError(f"{where} has no free CPU, and each slot needs one. {_way_out()}")
    return Slots(count=min(count or cpus, cpus), device="cpu", threads=1)


def _names_all(device: str, gpus: int) -> bool:
    """True if the device is every GPU by its index."""
    return bool(gpus) and sorted(re.split(r"\s*,\s*", device)) == sorted(map(str, range(gpus)))


def _way_out() -> str:
    if place.place() is Place.SESSION:
        return "Free some, or call ray.shutdown() before: then the search begins a session of its own."
    return "Add machines to it, or unset RAY_ADDRESS."


def _free(wanted: dict[str, float]) -> dict[str, float]:
    """Free CPUs and GPUs of the user's session, as soon as all that is wanted is free, or after a few seconds."""
    deadline = time.monotonic() + _FREE_S
    while True:
        free = {name: ray.available_resources().get(name, 0.0) for name in ("CPU", "GPU")}
        if all(free[name] >= wanted.get(name, 0.0) for name in free) or time.monotonic() > deadline:
            return free
        time.sleep(0.1)


def _check_free(slots: Slots) -> None:
    """Raise AutoMLError if the user's session has no room for the slots now: the trials would wait for ever."""
    _check_no_client()
    wanted = {"CPU": float(slots.count * slots.threads), "GPU": float(slots.count if slots.device == "gpu" else 0)}
    free = _free(wanted)
    for name, number in wanted.items():
        if free[name] < number:
            raise AutoMLError(
                f"the Ray session of this process has {free[name]:g} free {name}s, and the search needs {number:g}. "
                f"{_way_out()}"
            )


def _check_no_client() -> None:
    """Raise AutoMLError for a session through Ray's client, which cannot run Tune's driver."""
    if ray.util.client.ray.is_connected():
        raise AutoMLError(
            "this process is connected through Ray's client (ray://), and a search cannot run through it. Call "
            "ray.shutdown() before, or begin the search on a machine of the cluster."
        )


# -- workers ----------------------------------------------------------------------------------------


def worker_variables(slots: Slots) -> dict[str, str]:
    """Environment variables of a worker in a session that we did not begin."""
    return {**worker.environment(slots.threads), "RAY_CHDIR_TO_TRIAL_DIR": "0"}


def resources(slots: Slots, prefix: str = "") -> dict[str, float]:
    """Resources of one slot, under Ray's names; `prefix` is "num_" for remote functions."""
    share: dict[str, float] = {f"{prefix}cpu" + ("s" if prefix else ""): slots.threads}
    if slots.device == "gpu":
        share[f"{prefix}gpu" + ("s" if prefix else "")] = 1
    return share
