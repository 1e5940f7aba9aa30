"""Calls in a worker of the open Ray session that is awaited: the probe and measurements. Each has a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from automl.drivers import place, worker
from automl.drivers.cluster import loading, resources, worker_variables
from automl.drivers.deadlines import Deadlines, Patience
from automl.drivers.place import Place
from automl.drivers.ray_session import RaySession, SessionGone
from automl.drivers.ray_workers import kill_process
from automl.drivers.session import HEARTBEAT_S
from automl.errors import AutoMLError
from automl.figures import span
from automl.records import Prepared, Slots, SplitMetrics, StudySpec, TrainJob, Trial

# isort: split
with loading():
    import ray

_LOOK_S = 1.0  # between two looks at what is waited for


def _remote(function: Callable[..., Any], slots: Slots) -> Any:
    """The function as a call in a worker, which does not stay in a session of the user's."""
    options: dict[str, Any] = {**resources(slots, prefix="num_"), "max_retries": 0}
    if place.place() is not Place.SESSION:
        return ray.remote(function).options(**options)
    return ray.remote(max_calls=1, runtime_env={"env_vars": worker_variables(slots)}, **options)(function)


def prepare(
    trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots, patience: Patience | None = None
) -> Prepared:
    """The trainer's preparation, run in a worker of the open cluster.

    Raises its AutoMLError, and one for a worker that dies or hangs.
    """
    allowed_s = (patience or Patience()).probe_s
    try:
        answer: Prepared | AutoMLError = _answer(
            _remote(worker.prepare, slots).remote(trainer, job, epochs, seed), "prepare", allowed_s
        )
    except ray.exceptions.RayError as error:
        raise AutoMLError(f"the probe's worker died: {error}. See {job.directory}/log.txt") from error
    except TimeoutError:
        raise AutoMLError(
            f"the probe's worker hung: no answer for {span(allowed_s)}. Nothing was begun. See "
            f"{job.directory}/log.txt, and try again."
        ) from None
    except SessionGone as error:
        raise AutoMLError(f"Ray ended unexpectedly as it probed: {error}. Nothing was begun; try again.") from None
    if isinstance(answer, AutoMLError):
        raise answer
    return answer


def evaluate(
    spec: StudySpec, trial: Trial, job: TrainJob, split: str, beat: Callable[[], None], allowed_s: float
) -> SplitMetrics:
    """The trainer's evaluation of a trial, run in a worker of the open cluster.

    beat       called every HEARTBEAT_S seconds meanwhile
    allowed_s  seconds after which it is given up

    Raises AutoMLError if it fails, SessionGone if Ray does.
    """
    try:
        call = _remote(worker.evaluate, spec.slots).remote(spec.trainer, trial, job, split)
        answer: SplitMetrics | AutoMLError = _answer(call, "evaluate", allowed_s, beat)
    except ray.exceptions.RayError as error:
        raise AutoMLError(f"its worker died: {error}. See {job.directory}/log.txt") from error
    except TimeoutError:
        raise AutoMLError(f"no answer for {span(allowed_s)}. See {job.directory}/log.txt") from None
    if isinstance(answer, AutoMLError):
        raise answer
    return answer


def _answer(call: Any, name: str, allowed_s: float, beat: Callable[[], None] = lambda: None) -> Any:
    """The call's answer. Raises TimeoutError, once its worker is killed, if there is none in time.

    name  of the function that is called
    """
    deadlines, session, beat_at = Deadlines(), RaySession(), time.monotonic()
    deadlines.begin(name, allowed_s, beat_at)
    while not ray.wait([call], timeout=_LOOK_S)[0]:
        at = time.monotonic()
        session.look(at)
        if deadlines.look(at):
            _kill(call, name)
            raise TimeoutError
        if at - beat_at >= HEARTBEAT_S:
            beat_at = at
            beat()
    return ray.get(call)


def _kill(call: Any, name: str) -> None:
    """End a call that hangs: here by its process, elsewhere by Ray."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(f"ray::{name}" in word for word in process.cmdline()[:1]):
                kill_process(process.pid)
    ray.cancel(call, force=True)
