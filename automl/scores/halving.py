"""Asynchronous successive halving by stopping: rungs, survival and extrapolation, without I/O.

Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020 (ASHA), in its
stopping variant: a trial that reaches a rung goes on only if it is among the best 1/eta that have
reached it so far.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from automl.errors import BadBudget

ETA = 3  # of so many trials at a rung one goes on
PAIRS = 10  # trials that must have a value at a rung and at the next before the rung is doubted
RECENT = 200  # of the latest trials at the next rung so many are looked at
LAST_RUNG = 0.75  # of the horizon
MISLEADS, LEADS = 0.15, 0.3  # rank correlations at which a rung loses and wins back its say


def rung_levels(warmup_epochs: float, horizon: int, eta: int = ETA) -> tuple[int, ...]:
    """Epochs at which trials are compared: first, first*eta, ... within the first three quarters of the horizon.

    The first is max(warm-up + 2, 10 % of the horizon). A stop in the last quarter would save next to nothing, and
    leave without a final score a trial that has earned one. Raises BadBudget for a horizon below 1.
    """
    if horizon < 1:
        raise BadBudget(f"a training of {horizon} epochs is none. Use --epochs 1 or more.")
    level = max(math.ceil(warmup_epochs) + 2, math.ceil(horizon / 10))
    levels = []
    while level <= LAST_RUNG * horizon:
        levels.append(level)
        level *= eta
    return tuple(levels)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The linearly interpolated quantile of ascending, non-empty values; share in [0, 1]."""
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def smoothed(scores: Sequence[float], window: int = 5) -> float:
    """The mean of the last epochs' scores, by which trials are compared at a rung.

    Single epochs are noisy. Over 35 recorded trainings of 12 epochs (yolov5n on BCCD, 160 px) the mean of the
    last five ranked their best epochs with .55 at epoch 5, the single epoch with .35 (Spearman's).
    """
    last = scores[-window:]
    return sum(last) / len(last)


def last_epochs(horizon: int) -> int:
    """How many of a whole training's last epochs make its score: an eighth of the horizon, from one to five.

    A single epoch is mostly luck, but five of 12 still hold the rise, so that of two curves the one that ends higher
    may come out below. Over 35 recorded trainings of 12 epochs the mean of the last five lay .046 under the last epoch,
    that of the last two .009; over 13 of 42 epochs that of the last five .001 (the same network, data and size).
    """
    return max(1, min(5, (horizon + 4) // 8))


def final(scores: Sequence[float], horizon: int) -> float:
    """What a training is compared by: the mean of its last epochs; of a whole one those that `last_epochs` says."""
    return smoothed(scores, last_epochs(horizon)) if len(scores) >= horizon else smoothed(scores)


@dataclass(frozen=True)
class Survival:
    """Whether a trial goes on after a rung, and the threshold that it was held against."""

    survives: bool
    value: float
    threshold: float
    level: int


@dataclass(frozen=True)
class RungTrust:
    """How well a rung's order agrees with that at the next one, over the trials that reached both.

    Those are the survivors of the rung while it stops trials, so the figure is lower than it would be
    over all trials.
    """

    level: int
    following: int
    correlation: float | None  # Spearman's; None for fewer than three trials
    trials: int  # with a value at both
    stops: bool  # whether trials may be stopped here


class Rungs:
    """What trials scored at each rung. The horizon is the last level; nobody is stopped there.

    A rung that turns out to say nothing of the next one loses its say: while the lowest rung that stops
    trials ranks them with less than MISLEADS, over at least PAIRS trials, trials pass it. It goes on
    recording, without the bias of survival, and has its say again from LEADS on.
    """

    def __init__(self, levels: Sequence[int], horizon: int, eta: int = ETA) -> None:
        self.levels = (*levels, horizon)
        self.eta = eta
        self._values: dict[int, dict[int, float]] = {level: {} for level in self.levels}
        self._ordered: dict[int, list[float]] = {level: [] for level in self.levels}
        self._gains: dict[int, list[float]] = {level: [] for level in self.levels}
        self._passed = 0  # how many of the lowest rungs stop nobody

    def record(self, trial: int, level: int, value: float) -> None:
        """Notes a finite value of a trial at a level, once."""
        if trial in self._values[level]:
            return
        self._values[level][trial] = value
        insort(self._ordered[level], value)
        index = self.levels.index(level)
        if index:
            before = self._values[self.levels[index - 1]].get(trial)
            if before is not None:
                insort(self._gains[self.levels[index - 1]], value - before)
                self._doubt(index - 1)

    def judge(self, trial: int, level: int, value: float) -> Survival:
        """Records the value and answers whether the trial is among the best 1/eta so far.

        Ties survive, so a rung on which everyone scored zero stops nobody.
        """
        self.record(trial, level, value)
        threshold = quantile(self._ordered[level], 1 - 1 / self.eta)
        return Survival(value >= threshold or not self.stops(level), value, threshold, level)

    def stops(self, level: int) -> bool:
        """Whether a trial may be stopped at the level."""
        return self._passed <= self.levels.index(level) < len(self.levels) - 1

    @property
    def lowest(self) -> int:
        """The lowest level at which trials are stopped; the horizon where they are stopped nowhere."""
        return self.levels[self._passed]

    def trust(self) -> tuple[RungTrust, ...]:
        """What is known of each rung, the lowest first."""
        return tuple(self._trust(index) for index in range(len(self.levels) - 1))

    def _trust(self, index: int) -> RungTrust:
        level, following = self.levels[index : index + 2]
        before, latest = self._values[level], islice(reversed(self._values[following].items()), RECENT)
        both = [(before[trial], value) for trial, value in latest if trial in before]
        correlation = rank_correlation([first for first, _ in both], [second for _, second in both])
        return RungTrust(level, following, correlation, len(both), self.stops(level))

    def _doubt(self, index: int) -> None:
        """Takes the say from the lowest rung that has one, or gives it back to the highest that lost it."""
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
        """Values by trial at a level."""
        return dict(self._values[level])

    def reached(self) -> dict[int, int]:
        """How many trials have a value at each level."""
        return {level: len(values) for level, values in self._values.items()}

    def extrapolate(self, trial: int, score: float) -> float:
        """The value that a trial stopped at its highest rung would have reached at the horizon.

        Adds to what it had at that rung, rung by rung, the median gain of the trials that went on. Never
        less than `score`, the mean of its last epochs: that is the answer where nobody went on.
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
    """What `Rungs.trust` says after trainings with those scores by epoch, in the order of their numbers."""
    rungs = Rungs(levels, horizon)
    for number, scores in sorted(curves.items()):
        for level in levels:
            if len(scores) >= level and all(map(math.isfinite, scores[:level])):
                rungs.record(number, level, smoothed(scores[:level]))
        if len(scores) >= horizon and all(map(math.isfinite, scores[:horizon])):
            rungs.record(number, horizon, final(scores[:horizon], horizon))
    return rungs.trust()


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation with mean ranks for ties; None below three pairs or without spread."""
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
