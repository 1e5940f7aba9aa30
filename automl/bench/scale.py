"""How much CPU and memory the search itself takes: many surrogate trials in virtual time, to SQLite."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from automl.budget import Ledger, parse_all
from automl.drivers.session import Session
from automl.drivers.virtual import VirtualDriver
from automl.halving import rung_levels
from automl.policy import Search
from automl.records import EpochMetrics, Outcome, Slots, StudySpec, StudyState, Trial
from automl.request import surrogate_space
from automl.sampler import open_sampler
from automl.space import Parameter, SearchSpace
from automl.store import write
from automl.store.engine import default_url, open_store
from automl.trainers import surrogate
from automl.trainers.surrogate import SurrogateTrainer

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ScaleResult:
    """What a run cost. Seconds and megabytes of this process, its database included."""

    trials: int
    slots: int
    parameters: int
    epochs: int  # reported in all
    cpu_s: float
    wall_s: float
    peak_mb: float
    decision_ms_p50: float
    decision_ms_p99: float  # of report and next trial together
    decision_ms_max: float
    idle_share: float  # share of slot time in which no trial held the slot


class _Timed(Session):
    """A session that notes how long each decision takes."""

    decisions_s: list[float]

    def next_trial(self, at: float) -> Trial | None:
        return self._timed(lambda: super(_Timed, self).next_trial(at))

    def epoch(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        return self._timed(lambda: super(_Timed, self).epoch(number, metrics, at))

    def _timed(self, call: Callable[[], T]) -> T:
        began = time.perf_counter()
        answer = call()
        self.decisions_s.append(time.perf_counter() - began)
        return answer


def run(trials: int, slots: int, *, sampler: str = "tpe", parameters: int | None = None, seed: int = 0) -> ScaleResult:
    """Plays that many surrogate trials of 30 epochs through the virtual driver into a new SQLite file.

    parameters  dimensions of the space; those beyond the surrogate's own change nothing
    """
    space = _space(parameters)
    with tempfile.TemporaryDirectory(prefix="automl-scale-") as folder:
        spec = _spec(space, trials, slots, sampler, seed, folder)
        engine = open_store(default_url(Path(folder)))
        began_cpu, began = time.process_time(), time.perf_counter()
        write.begin_study(engine, spec, at=0.0, host=socket.gethostname(), pid=os.getpid())
        recorder = write.Recorder(engine, spec.name)
        ledger = Ledger(parse_all(spec.budgets, "cpu"))
        found = Search(spec, open_sampler(sampler, space, seed), ledger)
        session = _Timed(found, recorder, posix_offset_s=0.0)
        session.decisions_s = []
        at = VirtualDriver(session, SurrogateTrainer(), slots=slots).run()
        recorder.study_closed(StudyState.FINISHED, found.ended or "", at=at, slot_s=ledger.spent_s(), wall_s=at)
        recorder.close()
        cpu_s, wall_s = time.process_time() - began_cpu, time.perf_counter() - began
        engine.dispose()
    ordered = sorted(session.decisions_s)
    return ScaleResult(
        trials=found.trials,
        slots=slots,
        parameters=len(space.parameters),
        epochs=found.epochs,
        cpu_s=round(cpu_s, 2),
        wall_s=round(wall_s, 2),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        decision_ms_p50=round(1e3 * ordered[len(ordered) // 2], 3),
        decision_ms_p99=round(1e3 * ordered[int(len(ordered) * 0.99)], 3),
        decision_ms_max=round(1e3 * ordered[-1], 3),
        idle_share=round(1 - ledger.spent_s() / (slots * at), 4),
    )


def _space(parameters: int | None) -> SearchSpace:
    own = surrogate_space()
    missing = max(0, (parameters or 0) - len(own.parameters))
    idle = tuple(Parameter(f"idle{i}", "uniform", 0.5, 0.0, 1.0) for i in range(missing))
    return SearchSpace((*own.parameters[: parameters or None], *idle))


def _spec(space: SearchSpace, trials: int, slots: int, sampler: str, seed: int, folder: str) -> StudySpec:
    epochs = 30
    return StudySpec(
        name="scale",
        data="",
        data_fingerprint="",
        trainer="surrogate",
        models=("surrogate",),
        imgsz=(640,),
        weights=None,
        weights_sha256=None,
        space=space.document(),
        sampler=sampler,
        seed=seed,
        epochs=epochs,
        rungs=rung_levels(0, epochs),
        budgets=(f"{trials}trials",),
        slots=Slots(count=slots, device="cpu"),
        fixed={},
        given=(("defaults", dict(surrogate.DEFAULTS)),),
        probe_s=0.0,
        epoch_s=60.0,
        versions={},
        directory=folder,
    )
