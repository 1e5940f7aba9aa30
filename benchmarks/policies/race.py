"""Run of a policy on a task in virtual time: slots, an event heap, a budget of slot-seconds.

Its result is the regret of the delivered checkpoint against the spent budget. That is the best epoch of the policy's
winner, or the best observed epoch if the policy names no winner.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from automl.records import EpochMetrics, Outcome, Trial, TrialState
from benchmarks.policies.tasks import FloatArray, Scale, Task

GRID = 200  # values of a regret curve: at 0.5 %, 1 % ... 100 % of the budget


class Policy(Protocol):
    """Interface of `automl.policy.Search` to a driver, which every peer has too."""

    def next_trial(self, at: float) -> Trial | None:
        """The trial for a free slot; None if there is none now."""
        ...

    def report(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Outcome of the trial after a finished epoch, or None if it continues."""
        ...

    def close(self, number: int, outcome: Outcome, at: float) -> float:
        """End the trial, whose slot is free from now on."""
        ...


@runtime_checkable
class Leading(Protocol):
    """A policy that names its winner; the others deliver the best observed epoch."""

    @property
    def leader(self) -> int | None:
        """Trial whose best epoch is delivered now; None before the first epoch."""
        ...


@dataclass(frozen=True)
class Delivered:
    """Checkpoint that is delivered from `spent_s` on."""

    spent_s: float
    trial: int
    epoch: int  # from 1
    value: float  # noise-free score of that checkpoint


@dataclass
class Race:
    """Course of a run."""

    delivered: list[Delivered] = field(default_factory=list)
    trials: int = 0
    epochs: int = 0
    completed: int = 0
    spent_s: float = 0.0
    end_s: float = 0.0  # virtual wall seconds


@dataclass
class _Running:
    trial: Trial
    observed: FloatArray
    scores: FloatArray
    seconds: FloatArray
    since: float  # time at which its slot was taken
    epoch: int  # running now
    best: tuple[float, int] = (-1.0, 0)  # best observed score, and minus its epoch


class Track:
    """Slots, clock and accounting of one run.

    budget_s   slot-seconds; a trial ends with the epoch in which they run out
    startup_s  slot-seconds between taking a slot and the start of the first epoch
    """

    def __init__(self, task: Task, *, slots: int, budget_s: float, seed: int, startup_s: float = 0.0) -> None:
        self._task = task
        self._slots = slots
        self._budget_s = budget_s
        self._seed = seed
        self._startup_s = startup_s
        self._order = itertools.count()
        self._heap: list[tuple[float, int, int]] = []
        self._running: dict[int, _Running] = {}
        self._begun: dict[int, _Running] = {}
        self._paid_s = 0.0  # by trials that have left their slot
        self._best = -1.0
        self.race = Race()

    def run(self, policy: Policy) -> Race:
        """Run the policy until the budget is spent or it has no further trial."""
        self._fill(policy, 0.0)
        at = 0.0
        while self._heap:
            at, _, number = heapq.heappop(self._heap)
            self._epoch(policy, number, at)
            self._fill(policy, at)
        self.race.spent_s, self.race.end_s = self._paid_s, at
        return self.race

    def spent_s(self, at: float) -> float:
        """Slot-seconds until now, running trials included."""
        return self._paid_s + sum(at - run.since for run in self._running.values())

    def _fill(self, policy: Policy, at: float) -> None:
        while len(self._running) < self._slots and self.spent_s(at) < self._budget_s:
            trial = policy.next_trial(at)
            if trial is None:
                return
            curve = self._task.curve(trial.params)
            observed = self._task.observe(trial.params, f"{self._task.name} {self._seed} {trial.number} {trial.seed}")
            run = _Running(trial, observed, curve.scores, curve.seconds, at, trial.done_epochs + 1)
            self._running[trial.number] = self._begun[trial.number] = run
            self.race.trials += trial.attempt == 1
            self._push(run, at + self._startup_s)

    def _push(self, run: _Running, at: float) -> None:
        heapq.heappush(self._heap, (at + float(run.seconds[run.epoch - 1]), next(self._order), run.trial.number))

    def _epoch(self, policy: Policy, number: int, at: float) -> None:
        run = self._running[number]
        score, seconds = float(run.observed[run.epoch - 1]), float(run.seconds[run.epoch - 1])
        self.race.epochs += 1
        if score > self._best:
            self._best = score
            if not isinstance(policy, Leading):
                self._deliver(run, run.epoch, at)
        run.best = max(run.best, (score, -run.epoch))
        outcome = policy.report(number, metrics(run.epoch, score, seconds), at)
        if outcome is None and self.spent_s(at) >= self._budget_s:
            outcome = Outcome(state=TrialState.CUT, reason="the budget is spent")
        if outcome is None:
            run.epoch += 1
            self._push(run, at)
        else:
            self.race.completed += outcome.state is TrialState.COMPLETED
            del self._running[number]
            self._paid_s += at - run.since
            policy.close(number, outcome, at)
        if isinstance(policy, Leading) and (outcome is not None or not self.race.completed):
            leader = self._begun[number if policy.leader is None else policy.leader]
            self._deliver(leader, -leader.best[1], at)

    def _deliver(self, run: _Running, epoch: int, at: float) -> None:
        checkpoint = Delivered(self.spent_s(at), run.trial.number, epoch, float(run.scores[epoch - 1]))
        last = self.race.delivered[-1] if self.race.delivered else None
        if last is None or (last.trial, last.epoch) != (checkpoint.trial, checkpoint.epoch):
            self.race.delivered.append(checkpoint)


def metrics(epoch: int, score: float, seconds: float) -> EpochMetrics:
    """Metrics of an epoch, each equal to the score."""
    return EpochMetrics(
        epoch=epoch, map50_95=score, map50=score, precision=score, recall=score, train_s=seconds, val_s=0.0
    )


def regrets(race: Race, scale: Scale, budget_s: float) -> FloatArray:
    """(GRID,) regret of the delivered checkpoint at 0.5 %, 1 % ... of the budget; 1 before the first epoch."""
    curve = np.ones(GRID)
    for checkpoint in race.delivered:
        first = int(np.ceil(checkpoint.spent_s / budget_s * GRID - 1e-9)) - 1
        if first < GRID:
            curve[max(first, 0) :] = scale.regret(checkpoint.value)
    return curve
