"""CPU, memory and slot time of the search itself: many surrogate trials in virtual time.

There is one driver: while it decides, events of other slots wait, and so do their slots. A decision takes as much
virtual time as it took in reality.
"""

from __future__ import annotations

import os
import resource
import socket
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from automl.costs.budget import Budget, Ledger
from automl.drivers.session import Record, Session
from automl.drivers.virtual import VirtualDriver
from automl.policy import Search
from automl.records import EpochMetrics, Outcome, StudySpec, StudyState, TrainJob, Trial
from automl.sampler import open_sampler
from automl.setup.options import SearchRequest
from automl.setup.request import surrogate_space
from automl.space import Parameter, SearchSpace
from automl.store import write
from automl.store.address import default_url
from automl.store.engine import open_store
from automl.trainers import surrogate
from automl.trainers.surrogate import SurrogateTrainer
from benchmarks.specs import virtual_spec

T = TypeVar("T")

HORIZON = 30  # epochs of a full training


@dataclass(frozen=True, kw_only=True)
class ScaleResult:
    """Cost of a run, in seconds and megabytes of this process, its database included."""

    trials: int
    slots: int
    parameters: int
    epochs: int  # of all trials
    cpu_s: float
    wall_s: float
    peak_mb: float
    decision_ms_p50: float
    decision_ms_p99: float  # of reports and of next trials together
    decision_ms_max: float
    idle_share: float  # share of slot time without training, waiting for the driver included
    sampler: str
    recorded: str  # "sqlite", or "nowhere"
    clock: str  # of the decisions: "wall", or "cpu" seconds of the deciding thread


class _Timed(Session):
    """A session that records the duration of each decision."""

    decisions_s: list[float]
    clock: Callable[[], float]

    def last_s(self) -> float:
        return self.decisions_s[-1]

    def next_trial(self, at: float) -> Trial | None:
        return self._timed(lambda: super(_Timed, self).next_trial(at))

    def epoch(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        return self._timed(lambda: super(_Timed, self).epoch(number, metrics, at))

    def _timed(self, call: Callable[[], T]) -> T:
        began = self.clock()
        answer = call()
        self.decisions_s.append(self.clock() - began)
        return answer


class _Nowhere:
    """A record without storage."""

    def trial_started(
        self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None
    ) -> None: ...
    def epoch(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> None: ...
    def trial_closed(self, trial: int, outcome: Outcome, *, slot_s: float, at: float) -> None: ...
    def trial_given_up(self, trial: int, outcome: Outcome, *, at: float) -> None: ...
    def heartbeat(self, *, at: float, slot_s: float, wall_s: float, running: Mapping[int, float]) -> None: ...
    def event(self, kind: str, text: str, *, trial: int | None = None, at: float) -> None: ...
    def stop_requested(self) -> bool:
        return False

    def problem(self) -> None: ...
    def news(self) -> None: ...


class _Counting(SurrogateTrainer):
    """A trainer that adds up the seconds of its epochs."""

    trained_s = 0.0

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        for metrics in super().run(trial, job):
            self.trained_s += metrics.train_s + metrics.val_s
            yield metrics


def run(
    trials: int,
    slots: int,
    *,
    sampler: str = SearchRequest.sampler,
    parameters: int = 28,
    sqlite: bool = False,
    cpu_clock: bool = False,
) -> ScaleResult:
    """Run surrogate trials of 30 epochs through the virtual driver. Raises UnknownName.

    parameters  dimensions of the space; those beyond the surrogate's own have no effect
    sqlite      record everything in a new SQLite file, during the decisions
    cpu_clock   time decisions by the CPU seconds of their thread, for a machine with other work
    """
    space = _space(parameters)
    with tempfile.TemporaryDirectory(prefix="automl-scale-") as folder:
        budget = Budget.parse(f"{trials}trials")
        spec = virtual_spec(
            "scale",
            space,
            dict(surrogate.DEFAULTS),
            sampler=sampler,
            seed=0,
            epochs=HORIZON,
            warmup=0,
            epoch_s=60.0,
            budget=budget,
            slots=slots,
            directory=folder,
        )
        search = Search(spec, open_sampler(sampler, space, spec.seed), Ledger([budget]))
        began_cpu, began = time.process_time(), time.perf_counter()
        with _recording(spec, sqlite=sqlite) as record:
            session, trainer = _Timed(search, record, posix_offset_s=0.0), _Counting()
            session.decisions_s, session.clock = [], time.thread_time if cpu_clock else time.perf_counter
            at = VirtualDriver(session, trainer, slots=slots, decided_s=session.last_s).run()
            if isinstance(record, write.Recorder):
                ended, spent_s = search.ended or "", search.ledger.spent_s()
                record.study_closed(StudyState.FINISHED, ended, at=at, slot_s=spent_s, wall_s=at)
        cpu_s, wall_s = time.process_time() - began_cpu, time.perf_counter() - began
    ordered = sorted(session.decisions_s)
    return ScaleResult(
        trials=search.trials,
        slots=slots,
        parameters=len(space.parameters),
        epochs=search.runs.epochs,
        cpu_s=round(cpu_s, 2),
        wall_s=round(wall_s, 2),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        decision_ms_p50=round(1e3 * ordered[len(ordered) // 2], 3),
        decision_ms_p99=round(1e3 * ordered[int(len(ordered) * 0.99)], 3),
        decision_ms_max=round(1e3 * ordered[-1], 3),
        idle_share=round(1 - trainer.trained_s / (slots * at), 4),
        sampler=sampler,
        recorded="sqlite" if sqlite else "nowhere",
        clock="cpu" if cpu_clock else "wall",
    )


@contextmanager
def _recording(spec: StudySpec, *, sqlite: bool) -> Iterator[Record]:
    """A record of the study, closed afterwards: in a new SQLite file of its folder, or nowhere."""
    if not sqlite:
        yield _Nowhere()
        return
    engine = open_store(default_url(Path(spec.directory)))
    write.begin_study(engine, spec, at=0.0, host=socket.gethostname(), pid=os.getpid())
    recorder = write.Recorder(engine, spec.name)
    yield recorder
    recorder.close()
    engine.dispose()


def _space(parameters: int) -> SearchSpace:
    own = surrogate_space()
    missing = max(0, parameters - len(own.parameters))
    idle = tuple(Parameter(f"idle{i}", "uniform", 0.5, 0.0, 1.0) for i in range(missing))
    return SearchSpace((*own.parameters[:parameters], *idle))
