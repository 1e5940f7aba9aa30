"""Driver, recorder, keeper and trainer of a study in a storm: the real ones, disturbed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Container, Generator, Mapping
from dataclasses import replace

from automl.drivers.ends import INTERRUPTED
from automl.drivers.session import Session
from automl.drivers.virtual import TICK_S
from automl.errors import TrialError
from automl.policy import Search
from automl.policy.losses import Loss
from automl.records import EndedBy, Ending, EpochMetrics, Outcome, Purpose, TrainJob, Trial
from automl.trainers.surrogate import SurrogateTrainer
from benchmarks.soak.recorder import TurnRecorder
from benchmarks.soak.records import FaultKind
from benchmarks.soak.storm import Storm
from benchmarks.soak.studies import EPOCH_S
from benchmarks.soak.world import World


class StormRecord:
    """A recorder whose driver may be killed before or after any call.

    stored  trial and number of the epochs that the database has
    seen    scores that are on disk, in the database or in the journal, by trial and epoch
    """

    def __init__(
        self,
        recorder: TurnRecorder,
        storm: Storm,
        stored: Container[tuple[int, int]],
        seen: dict[tuple[int, int], float],
    ) -> None:
        self._recorder = recorder
        self._storm = storm
        self._stored = stored
        self._seen = seen
        self._waiting: dict[tuple[int, int], float] = {}

    def trial_started(self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None) -> None:
        """As the recorder."""
        self._call(lambda: self._recorder.trial_started(trial, at=at, node=node, device=device, pid=pid))

    def epoch(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> None:
        """As the recorder."""
        if (trial, metrics.epoch) not in self._stored:  # else it is trained again, and the first score stays
            self._waiting.setdefault((trial, metrics.epoch), metrics.map50_95)
        self._call(lambda: self._recorder.epoch(trial, attempt, metrics, slot_s=slot_s, at=at))
        if self._storm.chance(0.2):
            self.flush()

    def trial_closed(self, trial: int, outcome: Outcome, *, slot_s: float, at: float) -> None:
        """As the recorder."""
        self._call(lambda: self._recorder.trial_closed(trial, outcome, slot_s=slot_s, at=at))

    def trial_given_up(self, trial: int, outcome: Outcome, *, at: float) -> None:
        """As the recorder."""
        self._call(lambda: self._recorder.trial_given_up(trial, outcome, at=at))

    def heartbeat(self, *, at: float, slot_s: float, wall_s: float, running: Mapping[int, float]) -> None:
        """As the recorder."""
        self._call(lambda: self._recorder.heartbeat(at=at, slot_s=slot_s, wall_s=wall_s, running=running))

    def event(self, kind: str, text: str, *, trial: int | None = None, at: float) -> None:
        """As the recorder."""
        self._call(lambda: self._recorder.event(kind, text, trial=trial, at=at))

    def stop_requested(self) -> bool:
        """As the recorder."""
        return self._recorder.stop_requested()

    def problem(self) -> str | None:
        """As the recorder."""
        return self._recorder.problem()

    def news(self) -> str | None:
        """As the recorder."""
        return self._recorder.news()

    def flush(self) -> bool:
        """As the recorder; what has waited counts as seen once it is on disk."""
        written = self._recorder.flush()
        if self._recorder.durable:
            for key, score in self._waiting.items():
                self._seen.setdefault(key, score)
            self._waiting.clear()
        return written

    def _call(self, act: Callable[[], object]) -> None:
        self._storm.call()
        act()
        self._storm.call()


class StormSession(Session):
    """A session that meets a fault at every event.

    ask_to_stop  does as `automl stop`
    """

    def __init__(
        self,
        search: Search,
        record: StormRecord,
        storm: Storm,
        world: World,
        *,
        wall_s: float,
        posix_offset_s: float,
        ask_to_stop: Callable[[], None],
    ) -> None:
        super().__init__(search, record, posix_offset_s=posix_offset_s, keeper=_Disk(storm))
        self.storm = storm
        self.now = wall_s  # wall seconds of the study at the last event
        self._world = world
        self._since = world.now - wall_s
        self._ask_to_stop = ask_to_stop
        self._signs: dict[int, float] = {}  # wall seconds of the last sign of life, by trial
        self._ended: tuple[int, ...] = ()  # trials that hung and that an event has ended

    def next_trial(self, at: float) -> Trial | None:
        """The trial for a free slot, after a fault or none."""
        self._event("a free slot", at)
        trial = super().next_trial(at)
        if trial is not None:
            self._signs[trial.number] = at
            self.storm.say(f"trial {trial.number} begins (attempt {trial.attempt}, {trial.done_epochs} epochs done)")
        return trial

    def epoch(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Take an epoch, or the end of the worker that was to report it."""
        died = number in self.storm.dead
        self._event(f"{'the end of a worker in ' if died else ''}epoch {metrics.epoch} of trial {number}", at)
        self._signs[number] = at
        if not self.storm.gentle:
            self._ended += self.tick(at)
        outcome = self.lost(number, Loss.DIED, at) if died else super().epoch(number, metrics, at)
        if outcome is not None:
            self.storm.say(f"trial {number}: {outcome.state} ({outcome.reason})")
        self._ended += self.tick(at)
        return outcome

    def tick(self, at: float) -> tuple[int, ...]:
        """As the session; also what an event has ended, since the driver did not hear of it."""
        self._pass(at)
        ended, self._ended = (*self._ended, *super().tick(at)), ()
        for number in ended:
            self.storm.say(f"trial {number} is ended: its worker hung for {at - self._signs[number]:.1f} s")
            trial = self.search.runs[number].trial
            production = trial.purpose is Purpose.PRODUCTION
            price_s = self.search.prices.epoch_s(trial.params)
            self.storm.hung(price_s, at - self._signs[number] if production else TICK_S)
        return ended

    def failed(self, number: int, reason: str, error: str | None, at: float) -> None:
        """Take the failure of a training."""
        self._event(f"the failure of trial {number}", at)
        super().failed(number, reason, error, at)

    def _event(self, text: str, at: float) -> None:
        self._pass(at)
        kind = self.storm.strike(text)
        if kind in (FaultKind.INTERRUPT, FaultKind.INTERRUPT_TWICE):
            self.pause(Ending(EndedBy.USER, INTERRUPTED), at)
        if kind is FaultKind.INTERRUPT_TWICE and not self.storm.gentle:
            raise KeyboardInterrupt
        if kind is FaultKind.STOP:
            self._ask_to_stop()

    def _pass(self, at: float) -> None:
        self.now = at
        self._world.now = max(self._world.now, self._since + at)


class _Disk:
    """A keeper of no files, whose disk may be full."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm

    def pin(self, numbers: Collection[int]) -> None:
        """Do nothing."""

    def closed(self, number: int, outcome: Outcome, score: float | None) -> None:
        """Do nothing."""

    def problem(self) -> str | None:
        """The disk's problem."""
        return "the disk is nearly full (0.0 GB free): free some and resume" if self._storm.disk_full else None


class StormTrainer(SurrogateTrainer):
    """A trainer whose workers die, fall silent, diverge and run out of memory."""

    def __init__(self, storm: Storm, *, session: int) -> None:
        super().__init__(epoch_s=EPOCH_S)
        self._storm = storm
        self._session = session

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Epochs of a worker until it is lost: then one that never arrives, or that stands for its death."""
        epochs, reached = self._worker(trial, job), trial.done_epochs
        while reached < trial.epochs:
            kind = self._storm.in_training(trial, reached + 1)
            if kind is FaultKind.OUT_OF_MEMORY and self._storm.chance(0.5):
                raise TrialError("CUDA out of memory")
            metrics = next(epochs)
            if kind in (FaultKind.WORKER_KILLED, FaultKind.OUT_OF_MEMORY):
                metrics = replace(metrics, train_s=self._storm.died(trial.number, EPOCH_S), val_s=0.0)
            elif kind is FaultKind.HANG:
                metrics = replace(metrics, train_s=math.inf)
            else:
                metrics = replace(metrics, map50_95=math.nan) if kind is FaultKind.NAN else metrics
                self._storm.reported(trial.number, metrics.train_s + metrics.val_s)
                reached = max(reached, metrics.epoch)
            yield metrics

    def _worker(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Epochs of a new worker, from its snapshot; what it trains again has other scores and times."""
        snapshot = replace(trial, done_epochs=max(0, trial.done_epochs - self._storm.lag()))
        for metrics in super().run(snapshot, job):
            if self._storm.gentle:
                yield metrics
                continue
            own = random.Random(f"{trial.number} {metrics.epoch} {self._session} {trial.attempt}")
            score = metrics.map50_95 * own.uniform(0.97, 1.0)
            yield replace(metrics, map50_95=score, train_s=metrics.train_s * own.uniform(0.8, 1.25))
