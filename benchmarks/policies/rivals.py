"""Peers of our search: how they propose and stop trials, and whether the defaults come first.

E      Ultralytics' `model.tune(use_ray=True)`: Optuna's default TPE through Ray's OptunaSearch, and Ray's
       ASHA with a grace period of 10 % of the horizon and eta 3
F      univariate TPE without constant liar (Optuna 4's defaults), the defaults first, our halving
tpe-full   F without halving: every training full length
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
    """Source of parameters."""

    def ask(self, number: int, start: Params | None = None) -> Params:
        """Values of a trial: those of `start` if there are any."""
        ...

    def report(self, number: int, epoch: int, score: float) -> None:
        """Record a finished epoch."""
        ...

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """Record the end of a trial, with the scores of its epochs."""
        ...


class Stopper(Protocol):
    """Which trainings end early."""

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """True if the trial ends after its latest epoch, which is before the horizon."""
        ...


class Rival:
    """A peer with the interface of `automl.policy.Search`.

    defaults_first  number of first trials that run the defaults and are never stopped
    ahead           number of proposals that are made before a slot is free
    """

    def __init__(
        self, task: Task, proposer: Proposer, stopper: Stopper | None, *, defaults_first: int = 0, ahead: int = 0
    ):
        self._task = task
        self._proposer = proposer
        self._stopper = stopper
        self._defaults_first = defaults_first
        self._ahead = ahead
        self._waiting: deque[Trial] = deque()
        self._numbers = itertools.count()
        self._begun: set[int] = set()
        self._scores: dict[int, list[float]] = {}

    def next_trial(self, at: float) -> Trial | None:
        """A trial at any time: the race ends the run."""
        while len(self._waiting) <= self._ahead:
            self._waiting.append(self._propose(next(self._numbers)))
        trial = self._waiting.popleft()
        self._scores[trial.number] = []
        self._begun.add(trial.number)
        return trial

    def _propose(self, number: int) -> Trial:
        space = self._task.space
        start = space.values(defaults(space)) if number < self._defaults_first else None
        values = self._proposer.ask(number, start)
        return Trial(number=number, params=space.arguments(values), epochs=self._task.horizon, seed=0)

    def report(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Outcome of a trial at the horizon or at the stopper's decision, else None."""
        scores = self._scores[number]
        scores.append(metrics.map50_95)
        self._proposer.report(number, metrics.epoch, metrics.map50_95)
        if metrics.epoch >= self._task.horizon:
            return Outcome(state=TrialState.COMPLETED)
        if self._stopper is not None and self._stopper.stops(number, scores) and number >= self._defaults_first:
            return Outcome(state=TrialState.STOPPED)
        return None

    def close(self, number: int, outcome: Outcome, at: float) -> float:
        """Pass the end on to the proposer. The cost is zero here: the race counts it."""
        self._proposer.tell(number, self._scores.pop(number), stopped=outcome.state is TrialState.STOPPED)
        return 0.0


class Once(Rival):
    """A peer that runs the defaults only."""

    def next_trial(self, at: float) -> Trial | None:
        """None once all trials have begun."""
        return super().next_trial(at) if len(self._begun) < self._defaults_first else None


class Flat:
    """Flat random draws."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed

    def ask(self, number: int, start: Params | None = None) -> Params:
        """A draw by seed and number alone."""
        values: dict[str, ParamValue] = flat(self._space, random.Random(f"flat {self._seed} {number}"))
        return start if start is not None else values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Ignored."""

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """Ignored."""


class Asha:
    """Ray's asynchronous successive halving, one bracket.

    The latest score is compared at the highest milestone that the trial has reached and was not recorded at. It must
    reach the percentile 1 - 1/eta of the scores recorded there before. Then it is recorded, stopped or not. The first
    trial at a milestone continues.
    Source: `AsyncHyperBandScheduler` of Ray Tune 2.60; Li et al., "A System for Massively Parallel
    Hyperparameter Tuning", MLSys 2020.
    """

    def __init__(self, grace: int, horizon: int, eta: int = ETA) -> None:
        count = int(math.log(horizon / grace) / math.log(eta) + 1)
        self._recorded: dict[int, dict[int, float]] = {grace * eta**k: {} for k in reversed(range(count))}
        self._share = 100 * (1 - 1 / eta)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """True if the latest raw score is below the percentile of those recorded before it."""
        for milestone, recorded in self._recorded.items():
            if len(scores) >= milestone and number not in recorded:
                cutoff = np.nanpercentile(list(recorded.values()), self._share) if recorded else None
                recorded[number] = scores[-1]
                return cutoff is not None and scores[-1] < float(cutoff)
        return False


class Halving:
    """Our own successive halving at some levels."""

    def __init__(self, horizon: int, levels: Sequence[int]) -> None:
        self._rungs = Rungs(levels, horizon, ETA)
        self._levels = frozenset(levels)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """True if the mean of the last epochs is not among the best third at this level."""
        level = len(scores)
        return level in self._levels and not self._rungs.judge(number, level, smoothed(scores)).survives


class Hyperband:
    """Brackets of Hyperband, one after the other, each with an asynchronous halving of its own.

    Bracket s of S, S-1 ... 0 takes ceil((S + 1) / (s + 1) * eta^s) trials and compares them first at horizon / eta^s
    epochs. Bracket S follows bracket 0.
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
        """Bracket of trial `number`; 0 stops the most trials."""
        place = number % sum(self._sizes)
        return next(index for index, end in enumerate(itertools.accumulate(self._sizes)) if place < end)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """True if the trial's bracket stops it."""
        return self._brackets[self.bracket(number)].stops(number, scores)


def _halving(task: Task) -> Halving:
    """Our halving at the levels of our own search."""
    return Halving(task.horizon, rung_levels(task.warmup, task.horizon, ETA))


def _ultralytics_ray(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    grace = max(1, round(task.horizon / 10))
    proposer = Tpe(task.space, seed, conditional=False, value="last")
    return Rival(task, proposer, Asha(grace, task.horizon), ahead=1)


def _fair_tpe(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    return Rival(task, Tpe(task.space, seed, univariate=True), _halving(task), defaults_first=1)


def _full_tpe(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    return Rival(task, Tpe(task.space, seed, univariate=True), None, defaults_first=1)


def _median(task: Task, seed: int) -> Rival:
    from benchmarks.policies.rivals_tpe import Tpe

    proposer = Tpe(task.space, seed, median_pruner=True)
    return Rival(task, proposer, proposer)


RIVALS: dict[str, Callable[[Task, int], Rival]] = {
    "E": _ultralytics_ray,
    "F": _fair_tpe,
    "tpe-full": _full_tpe,
    "ga": lambda task, seed: Rival(task, Genetic(task.space, seed), None, defaults_first=1),
    "median": _median,
    "hyperband": lambda task, seed: Rival(task, Flat(task.space, seed), Hyperband(task.horizon)),
    "random": lambda task, seed: Rival(task, Flat(task.space, seed), _halving(task)),
    "full": lambda task, seed: Rival(task, Flat(task.space, seed), None),
    "defaults": lambda task, seed: Once(task, Flat(task.space, seed), None, defaults_first=1),
}
