"""Asynchronous successive halving by stopping: rungs, survival and extrapolation, without I/O.

A trial that reaches a rung goes on only if it is among the best 1/eta that have reached it so far.

Source: the stopping variant of Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020 (ASHA).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from automl.errors import BadBudget

ETA = 3  # one trial in so many goes on after a rung
PAIRS = 10  # trials with a value at a rung and at the next, before the rung may be switched off
RECENT = 200  # latest trials at the next rung that a rank correlation is taken of
LAST_RUNG = 0.75  # share of the horizon, up to which rungs lie
MISLEADS, LEADS = 0.15, 0.3  # rank correlations at which a rung is switched off and on again


def rung_levels(warmup_epochs: float, horizon: int, eta: int = ETA) -> tuple[int, ...]:
    """Epochs at which trials are compared: first, first*eta, ... within the first three quarters of the horizon.

    The first is max(warm-up + 2, 10 % of the horizon). A stop in the last quarter would save next to nothing and
    lose the final score of a good trial. Raises BadBudget for a horizon below 1.
    """
    if horizon < 1:
        raise BadBudget(f"a training cannot have {horizon} epochs. Use --epochs 1 or more.")
    level = max(math.ceil(warmup_epochs) + 2, math.ceil(horizon / 10))
    levels = []
    while level <= LAST_RUNG * horizon:
        levels.append(level)
        level *= eta
    return tuple(levels)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linearly interpolated quantile of ascending, non-empty values; share in [0, 1]."""
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def smoothed(scores: Sequence[float], window: int = 5) -> float:
    """Mean of the last epochs' scores, by which trials are compared at a rung.

    Single epochs are noisy. Over 35 recorded trainings of 12 epochs (yolov5n on BCCD, 160 px) the mean of five
    epochs ranked the trainings' best epochs with .55 at epoch 5, the single epoch with .35 (Spearman's).
    """
    last = scores[-window:]
    return sum(last) / len(last)


def last_epochs(horizon: int) -> int:
    """Number of a whole training's last epochs that make its score: an eighth of the horizon, from one to five.

    A single epoch is mostly luck. Five of 12 still hold the rise: the curve that ends higher may score lower.
    Over 35 recorded trainings of 12 epochs the mean of the last five lay .046 below the last epoch, that of the
    last two .009. Over 13 of 42 epochs that of the last five lay .001 below (same network, data and size).
    """
    return max(1, min(5, (horizon + 4) // 8))


def final(scores: Sequence[float], horizon: int) -> float:
    """Score of a training: the mean of its last epochs. Of a whole training `last_epochs` says how many."""
    return smoothed(scores, last_epochs(horizon)) if len(scores) >= horizon else smoothed(scores)


@dataclass(frozen=True)
class Survival:
    """Verdict on a trial at a rung, with its value and the threshold."""

    survives: bool
    value: float
    threshold: float
    level: int


@dataclass(frozen=True)
class RungTrust:
    """Agreement of a rung's order with that at the next rung, over the trials that reached both.

    While a rung stops trials these are its survivors, so the figure is lower than over all trials.
    """

    level: int
    following: int
    correlation: float | None  # Spearman's; None for fewer than three trials
    trials: int  # with a value at both
    stops: bool  # True while trials may be stopped here


class Rungs:
    """Values of trials at each rung. The horizon is the last level; no trial is stopped there.

    A rung that does not predict the next one is switched off: trials pass it while it ranks them with less than
    MISLEADS, over at least PAIRS trials. Only the lowest rung that stops trials can be switched off. It goes on
    recording, without the bias of survival, and is switched on again from LEADS on.
    """

    def __init__(self, levels: Sequence[int], horizon: int, eta: int = ETA) -> None:
        self.levels = (*levels, horizon)
        self.eta = eta
        self._values: dict[int, dict[int, float]] = {level: {} for level in self.levels}
        self._ordered: dict[int, list[float]] = {level: [] for level in self.levels}
        self._gains: dict[int, list[float]] = {level: [] for level in self.levels}
        self._passed = 0  # number of the lowest rungs that are switched off

    def record(self, trial: int, level: int, value: float) -> None:
        """Note a finite value of a trial at a level, once."""
        if trial in self._values[level]:
            return
        self._values[level][trial] = value
        insort(self._ordered[level], value)
        index = self.levels.index(level)
        if index:
            before = self._values[self.levels[index - 1]].get(trial)
            if before is not None:
                insort(self._gains[self.levels[index - 1]], value - before)
                self._switch(index - 1)

    def judge(self, trial: int, level: int, value: float) -> Survival:
        """Record the value, and return whether the trial is among the best 1/eta so far.

        Ties survive: a rung at which every trial scored zero stops none.
        """
        self.record(trial, level, value)
        threshold = quantile(self._ordered[level], 1 - 1 / self.eta)
        return Survival(value >= threshold or not self.stops(level), value, threshold, level)

    def stops(self, level: int) -> bool:
        """True while trials may be stopped at the level."""
        return self._passed <= self.levels.index(level) < len(self.levels) - 1

    @property
    def lowest(self) -> int:
        """Lowest level at which trials are stopped; the horizon if they are stopped nowhere."""
        return self.levels[self._passed]

    def trust(self) -> tuple[RungTrust, ...]:
        """Agreement of each rung with the next, the lowest first."""
        return tuple(self._trust(index) for index in range(len(self.levels) - 1))

    def _trust(self, index: int) -> RungTrust:
        level, following = self.levels[index : index + 2]
        before, latest = self._values[level], islice(reversed(self._values[following].items()), RECENT)
        both = [(before[trial], value) for trial, value in latest if trial in before]
        correlation = rank_correlation([first for first, _ in both], [second for _, second in both])
        return RungTrust(level, following, correlation, len(both), self.stops(level))

    def _switch(self, index: int) -> None:
        """Switch off the lowest rung that stops trials, or switch on the highest that is off."""
        if index not in (self._passed - 1, self._passed):
            return
        trust = self._trust(index)
        if trust.correlation is None or trust.trials < PAIRS:
            return
        if index == self._passed and trust.correlation < MISLEADS:
            self._passed += 1
        elif index == self._passed - 1 and trust.correlation >= LEADS:
            self._passed -= 1

    def values(self, level: int) -> dict[int, float]:
        """Values at a level, by trial."""
        return dict(self._values[level])

    def reached(self) -> dict[int, int]:
        """Number of trials with a value at each level."""
        return {level: len(values) for level, values in self._values.items()}

    def extrapolate(self, trial: int, score: float) -> float:
        """Value that a trial stopped at its highest rung would have reached at the horizon.

        Its value there plus, rung by rung, the median gain of the trials that went on; at least `score`.

        score  the mean of its last epochs
        """
        highest = max((level for level in self.levels if trial in self._values[level]), default=None)
        if highest is None:
            return score
        value = self._values[highest][trial]
        for level in self.levels[self.levels.index(highest) : -1]:
            gains = self._gains[level]
            if gains:
                value += quantile(gains, 0.5)
        return max(score, value)


def rung_trust(curves: Mapping[int, Sequence[float]], levels: Sequence[int], horizon: int) -> tuple[RungTrust, ...]:
    """Agreement of each rung with the next, over whole trainings.

    curves  scores by epoch of each trial
    """
    rungs = Rungs(levels, horizon)
    for number, scores in sorted(curves.items()):
        for level in levels:
            if len(scores) >= level and all(map(math.isfinite, scores[:level])):
                rungs.record(number, level, smoothed(scores[:level]))
        if len(scores) >= horizon and all(map(math.isfinite, scores[:horizon])):
            rungs.record(number, horizon, final(scores[:horizon], horizon))
    return rungs.trust()


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None below three pairs or without spread."""
    if len(first) != len(second) or len(first) < 3:
        return None
    a, b = _ranks(first), _ranks(second)
    mean = (len(a) - 1) / 2
    covariance = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    spread = math.sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))
    return covariance / spread if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    ranks = []
    for value in values:
        ranks.append((bisect_left(ordered, value) + bisect_right(ordered, value) - 1) / 2)
    return ranks
