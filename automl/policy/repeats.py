"""Repeats of the best trials with other seeds, after a search: which are due, what they cost, when they begin. Pure.

A repeat trains a trial's parameters again with another seed. The order is fixed by what has happened, so that a
resumed study repeats the same: the defaults and the best trials with the next seed, then with another.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass
from typing import NamedTuple

from automl.costs.budget import Ledger
from automl.costs.shares import ROUNDS
from automl.policy.prices import Prices
from automl.records import Purpose, StudySpec, Trial
from automl.scores.leaderboard import place

DEARER = 1.25  # today's price counts for a repeat if it is so many times what the trial has cost


class Repeat(NamedTuple):
    """A trial that is trained again, and the seed."""

    trial: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Room:
    """Rest of the budget for repeats; infinite where nothing limits it."""

    slot_s: float
    wall_s: float
    trials: float


class Repeats:
    """The repeats of one study. `planned` is how many the reserve holds: `Reserve.repeats`."""

    def __init__(self, spec: StudySpec, ledger: Ledger, prices: Prices) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._baseline: float | None = None
        self._completed: list[tuple[int, float]] = []  # trial and score, best first
        self._begun: dict[Repeat, Trial] = {}
        self._whole: set[int] = set()  # trials of which a repeat has reached its end

    # -- events -----------------------------------------------------------------------------------

    def trial_completed(self, trial: int, score: float) -> None:
        """A trial of the search has reached its last epoch."""
        if trial == 0:
            self._baseline = score
        else:
            insort(self._completed, (trial, score), key=lambda entry: place(*entry))

    def repeat_begun(self, trial: Trial) -> None:
        """A repeat begins, or has begun in an earlier session."""
        if trial.repeats is not None:
            self._begun[Repeat(trial.repeats, trial.seed)] = trial

    def repeat_completed(self, trial: Trial) -> None:
        """A repeat has reached its last epoch."""
        if trial.repeats is not None:
            self._whole.add(trial.repeats)

    # -- queries ----------------------------------------------------------------------------------

    @property
    def begun(self) -> int:
        """Number of repeats that have begun."""
        return len(self._begun)

    @property
    def paid_s(self) -> float:
        """Slot-seconds that repeats have cost so far."""
        return sum(self._ledger.cost_s(trial.number) for trial in self._begun.values())

    def candidates(self, planned: int) -> tuple[int, ...]:
        """The best completed trials that scored above the defaults, best first: they alone are worth a repeat."""
        if self._baseline is None or not planned:
            return ()
        most = min(self._spec.confirm, planned - 1)
        return tuple(trial for trial, score in self._completed[:most] if score > self._baseline)

    def at_stake(self, planned: int) -> set[int]:
        """Trials that have a repeat, or would have one if the search ended now: one of them is the winner."""
        return {*self.candidates(planned), *(repeat.trial for repeat in self._begun)}

    def order(self, planned: int) -> list[Repeat]:
        """All repeats in whole rounds of the defaults and the candidates, at least as many as are planned."""
        group = (0, *self.candidates(planned))
        if len(group) == 1:
            return []
        rounds = min(ROUNDS, max(1, math.ceil(planned / len(group))))
        seeds = [self._spec.seed + number for number in range(1, rounds + 1)]
        return [Repeat(trial, seed) for seed in seeds for trial in group]

    def costs_s(self, planned: int) -> list[float]:
        """Slot-seconds of each planned repeat: like its trial's, or today's price where no candidate is known."""
        known = [self.cost_s(repeat.trial) for repeat in self.order(planned)[:planned]]
        return [*known, *[self._prices.training_s()] * (planned - len(known))]

    def cost_s(self, trial: int) -> float:
        """Slot-seconds of a repeat of the trial: what the trial has cost, or today's price if that is much higher."""
        known_s, now_s = self._ledger.cost_s(trial), self._prices.training_s(trial)
        return known_s if now_s <= DEARER * known_s else now_s

    def due(self, room: Room, planned: int) -> Repeat | None:
        """The next repeat that can be paid to its end; None when there is none now.

        While trials of the search still run, only the defaults are certain to be repeated.
        """
        order = self.order(planned)
        if order and set(self._ledger.held) - {trial.number for trial in self._begun.values()}:
            certain = max(1, planned // (1 + min(self._spec.confirm, planned - 1)))
            order = [repeat for repeat in order if repeat.trial == 0][:certain]
        repeat = next((repeat for repeat in order if repeat not in self._begun), None)
        if repeat is None:
            return None
        costs = [self.cost_s(number) for number in self._together(repeat.trial, planned)]
        wall_s = sum(costs) if self._spec.slots.count == 1 else max(costs)
        payable = room.slot_s - self._owed_s() >= sum(costs) and room.wall_s >= wall_s and room.trials >= len(costs)
        return repeat if payable else None

    def _together(self, trial: int, planned: int) -> tuple[int, ...]:
        """Trials that have to be paid with a repeat of this one: another seed of the defaults alone decides nothing."""
        decides = trial != 0 or any(repeat.trial for repeat in self._begun)
        return (trial,) if decides else (trial, *self.candidates(planned)[:1])

    def _owed_s(self) -> float:
        """Slot-seconds that the running repeats still need."""
        held = set(self._ledger.held)
        return sum(
            max(0.0, self.cost_s(repeat.trial) - self._ledger.cost_s(trial.number))
            for repeat, trial in self._begun.items()
            if trial.number in held
        )

    def summary(self, planned: int) -> str:
        """Sentence part for the end of the study: what came of the repeats."""
        if self._begun and not self._whole - {0}:
            return "the repeats with other seeds did not reach their end, so nothing is confirmed"
        if self._begun:
            trials = [f"trial {number}" for number in sorted(self._whole - {0})]
            defaults = ["the defaults"] if 0 in self._whole else []
            return f"{' and '.join([*defaults, *trials])} ran again with other seeds"
        if self.candidates(planned):
            return "what is left cannot pay for a repeat"
        return "no completed trial scored above the defaults, so there was nothing to confirm"


def repeat_of(trial: Trial, number: int, seed: int) -> Trial:
    """A repeat of the trial as a trial of its own, under that number."""
    return Trial(
        number=number,
        params=trial.params,
        epochs=trial.epochs,
        seed=seed,
        purpose=Purpose.CONFIRMATION,
        origin="confirmation",
        repeats=trial.number,
    )
