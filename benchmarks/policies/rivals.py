"""The peers that a policy is held against: who proposes, who stops, and whether the defaults come first.

E      Ultralytics' `model.tune(use_ray=True)`: Optuna's default TPE through Ray's OptunaSearch, and Ray's
       ASHA with a grace period of 10 % of the horizon and eta 3
F      univariate TPE without constant liar (Optuna 4's defaults), the defaults first, our halving
tpe-full  F without halving: every training full length
ga     Ultralytics' genetic tuner, `model.tune()`: full length, the defaults first
median     Optuna's default TPE with its median pruner
hyperband  flat random draws, Hyperband's brackets with eta 3, asynchronous within each
random     flat random draws, our halving
full       flat random draws, full length
defaults   the defaults once, for comparison
"""

from __future__ import annotations

import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from automl.records import EpochMetrics, Outcome, Params, ParamValue, Trial, TrialState
from automl.scores.halving import Rungs, rung_levels, smoothed
from automl.space import SearchSpace
from benchmarks.policies.genetic import Genetic
from benchmarks.policies.tasks import Task, defaults, flat

ETA = 3


class Proposer(Protocol):
    """Where parameters come from."""

    def ask(self, number: int, given: Params | None = None) -> Params:
        """Values for the trial; given ones are taken over."""
        ...

    def report(self, number: int, epoch: int, score: float) -> None:
        """A finished epoch."""
        ...

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """The trial has ended with those epochs."""
        ...


class Stopper(Protocol):
    """Which trainings end early."""

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """Whether the trial ends after its latest epoch, which is not the last."""
        ...


class Rival:
    """A peer behind the methods of `automl.policy.Search`.

    given  how many trials run the defaults first; they are never stopped
    ahead  how many proposals are asked for before a slot is free
    """

    def __init__(self, task: Task, proposer: Proposer, stopper: Stopper | None, *, given: int = 0, ahead: int = 0):
        self._task = task
        self._proposer = proposer
        self._stopper = stopper
        self._given = given
        self._ahead = ahead
        self._waiting: deque[Trial] = deque()
        self._numbers = itertools.count()
        self._begun: set[int] = set()
        self._scores: dict[int, list[float]] = {}

    def next_trial(self, at: float) -> Trial | None:
        """Always one: the race ends the run."""
        while len(self._waiting) <= self._ahead:
            self._waiting.append(self._propose(next(self._numbers)))
        trial = self._waiting.popleft()
        self._scores[trial.number] = []
        self._begun.add(trial.number)
        return trial

    def _propose(self, number: int) -> Trial:
        space = self._task.space
        start = space.values(defaults(space)) if number < self._given else None
        values = self._proposer.ask(number, start)
        return Trial(number=number, params=space.arguments(values), epochs=self._task.horizon, seed=0)

    def report(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Ends a trial at the horizon, or where the stopper says so."""
        scores = self._scores[number]
        scores.append(metrics.map50_95)
        self._proposer.report(number, metrics.epoch, metrics.map50_95)
        if metrics.epoch >= self._task.horizon:
            return Outcome(state=TrialState.COMPLETED)
        if self._stopper is not None and self._stopper.stops(number, scores) and number >= self._given:
            return Outcome(state=TrialState.STOPPED)
        return None

    def close(self, number: int, outcome: Outcome, at: float) -> float:
        """Tells the proposer; the race keeps the accounts."""
        self._proposer.tell(number, self._scores.pop(number), stopped=outcome.state is TrialState.STOPPED)
        return 0.0


class Once(Rival):
    """Nothing but the given trials."""

    def next_trial(self, at: float) -> Trial | None:
        """None once they have begun."""
        return super().next_trial(at) if len(self._begun) < self._given else None


class Flat:
    """Flat random draws."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed

    def ask(self, number: int, given: Params | None = None) -> Params:
        """A draw that depends on seed and number alone."""
        drawn: dict[str, ParamValue] = flat(self._space, random.Random(f"flat {self._seed} {number}"))
        return given if given is not None else drawn

    def report(self, number: int, epoch: int, score: float) -> None:
        """Learns nothing."""

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """Learns nothing."""


class Asha:
    """Ray's asynchronous successive halving, one bracket.

    At the highest milestone that the epoch has reached and at which the trial is not yet recorded, its latest
    score is held against the percentile 1 - 1/eta of what others recorded there; then it is recorded, stopped
    or not. The first to arrive goes on.
    Source: `AsyncHyperBandScheduler` of Ray Tune 2.60; Li et al., "A System for Massively Parallel
    Hyperparameter Tuning", MLSys 2020.
    """

    def __init__(self, grace: int, horizon: int, eta: int = ETA) -> None:
        count = int(math.log(horizon / grace) / math.log(eta) + 1)
        self._recorded: dict[int, dict[int, float]] = {grace * eta**k: {} for k in reversed(range(count))}
        self._share = 100 * (1 - 1 / eta)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """Holds the latest score, raw, against those recorded before it."""
        for milestone, recorded in self._recorded.items():
            if len(scores) >= milestone and number not in recorded:
                cutoff = np.nanpercentile(list(recorded.values()), self._share) if recorded else None
                recorded[number] = scores[-1]
                return cutoff is not None and scores[-1] < float(cutoff)
        return False


class Halving:
    """Our own successive halving, at the given levels."""

    def __init__(self, horizon: int, levels: Sequence[int]) -> None:
        self._rungs = Rungs(levels, horizon, ETA)
        self._levels = frozenset(levels)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """Whether the mean of the last epochs is not among the best third at this level."""
        level = len(scores)
        return level in self._levels and not self._rungs.judge(number, level, smoothed(scores)).survives


class Hyperband:
    """Hyperband's brackets taken one after the other, each an asynchronous halving of its own.

    Bracket s of S, S-1 ... 0 takes ceil((S + 1) / (s + 1) * eta^s) trials and compares them first at
    horizon / eta^s epochs; after bracket 0 it starts again with S.
    Source: Li et al., "Hyperband", JMLR 2018, algorithm 1.
    """

    def __init__(self, horizon: int, eta: int = ETA) -> None:
        self._brackets: list[Halving] = []
        self._sizes: list[int] = []
        highest = int(math.log(horizon) / math.log(eta) + 1e-9)
        for s in range(highest, -1, -1):
            levels = sorted({max(1, round(horizon / eta**k)) for k in range(1, s + 1)})
            self._brackets.append(Halving(horizon, levels))
            self._sizes.append(math.ceil((highest + 1) / (s + 1) * eta**s))

    def bracket(self, number: int) -> int:
        """Which bracket trial `number` belongs to, 0 the most aggressive."""
        place = number % sum(self._sizes)
        return next(index for index, end in enumerate(itertools.accumulate(self._sizes)) if place < end)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """As the trial's bracket says."""
        return self._brackets[self.bracket(number)].stops(number, scores)


def _halving(task: Task) -> Halving:
    """At the levels of our own search."""
    return Halving(task.horizon, rung_levels(task.warmup, task.horizon, ETA))


def _ultralytics_ray(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    grace = max(1, round(task.horizon / 10))
    proposer = Tpe(task.space, seed, conditional=False, told="last")
    return Rival(task, proposer, Asha(grace, task.horizon), ahead=1)


def _fair_tpe(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    return Rival(task, Tpe(task.space, seed, univariate=True), _halving(task), given=1)


def _full_tpe(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    return Rival(task, Tpe(task.space, seed, univariate=True), None, given=1)


def _median(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    proposer = Tpe(task.space, seed, median_pruner=True)
    return Rival(task, proposer, proposer)


RIVALS: dict[str, Callable[[Task, int], Rival]] = {
    "E": _ultralytics_ray,
    "F": _fair_tpe,
    "tpe-full": _full_tpe,
    "ga": lambda task, seed: Rival(task, Genetic(task.space, seed), None, given=1),
    "median": _median,
    "hyperband": lambda task, seed: Rival(task, Flat(task.space, seed), Hyperband(task.horizon)),
    "random": lambda task, seed: Rival(task, Flat(task.space, seed), _halving(task)),
    "full": lambda task, seed: Rival(task, Flat(task.space, seed), None),
    "defaults": lambda task, seed: Once(task, Flat(task.space, seed), None, given=1),
}
