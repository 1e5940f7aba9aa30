"""Repeats with other seeds, after a search: which is due, what it costs, when it begins. Pure.

A repeat trains a trial's parameters again with another seed. Repeats go one at a time to the pair that matters most,
the leader by posterior mean and the defaults in turn, and end once it is decided: of two arms the one that has fewer
runs tells more of their difference. On 400 simulated studies a cell that proves with fewer repeats what a fixed
number does (`python -m benchmarks verdict`, docs/measurements.md).

What is next follows from completed trials and begun repeats alone, so that a resumed study repeats the same.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from automl.costs.budget import Ledger
from automl.policy.prices import Prices
from automl.policy.runs import Runs
from automl.records import Purpose, StudySpec, Trial, TrialState
from automl.scores.leaderboard import place
from automl.scores.trust import Estimate

DEARER = 1.25  # today's price counts for a repeat if it is so many times what the trial has cost
SURE, HOPELESS = 0.95, 0.10  # chances to beat the defaults from which on further seeds would tell nothing new
PAIR = 2  # repeats below which nothing is decided: of the defaults and of the leader
MOST = 2  # repeats may be so many times as many as the reserve holds, if the rest of the budget pays them
ENOUGH = 8  # but so many in any case: four of each


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


def next_to_repeat(ranked: Sequence[Estimate], unheard: Mapping[int, int], eligible: Collection[int]) -> int | None:
    """Trial to be repeated next, 0 for the defaults; None once it is decided or none is eligible.

    ranked    estimates of the defaults and others, best mean first
    unheard   repeats that have begun but not reached their end, by trial
    eligible  trials beside the defaults that may be repeated
    """
    leader = next((row for row in ranked if row.trial in eligible), None)
    defaults = next((row for row in ranked if row.trial == 0), None)
    if leader is None or defaults is None or leader.chance is None:
        return None
    ended = sum(row.new_seeds for row in ranked)
    if ended >= PAIR and (leader.chance <= HOPELESS or (leader.chance >= SURE and leader.new_seeds)):
        return None
    runs = {row.trial: row.seeds + unheard.get(row.trial, 0) for row in (leader, defaults)}
    return 0 if runs[0] <= runs[leader.trial] else leader.trial


class Repeats:
    """The repeats of one study. `planned` is how many the reserve holds: `Reserve.repeats`.

    runs  memory of the study's trials, shared with the search
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, prices: Prices, runs: Runs) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._runs = runs
        self._most = spec.confirm if spec.confirming is None else max(1, spec.confirm)
        self._baseline: float | None = None
        self._completed: list[tuple[int, float]] = []  # trial and score, best first
        self._begun: dict[Repeat, Trial] = {}
        self._whole: Counter[int] = Counter()  # repeats that have reached their end, by trial
        self._decided: tuple[int, bool] | None = None  # number of ended repeats, and the answer with them

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
            self._whole[trial.repeats] += 1

    # -- queries ----------------------------------------------------------------------------------

    @property
    def begun(self) -> int:
        """Number of repeats that have begun."""
        return len(self._begun)

    @property
    def paid_s(self) -> float:
        """Slot-seconds that repeats have cost so far."""
        return sum(self._ledger.cost_s(trial.number) for trial in self._begun.values())

    @property
    def decided(self) -> bool:
        """True once repeats have ended the question, so that nothing is kept for further ones."""
        ended = len(self._begun) - len(self._running())
        if ended < PAIR or self._running():
            return False
        if self._decided is None or self._decided[0] != ended:
            self._decided = (ended, next_to_repeat(self._runs.estimates, {}, self._eligible()) is None)
        return self._decided[1]

    @property
    def to_repeat(self) -> int | None:
        """The trial that `next_to_repeat` names as things stand."""
        unheard = Counter(repeat.trial for repeat in self._begun) - self._whole  # running, or failed
        return next_to_repeat(self._runs.estimates, unheard, self._eligible())

    @property
    def leader(self) -> int | None:
        """Best trial beside the defaults that may be repeated, by its expected score; None without one."""
        eligible = self._eligible()
        return next((row.trial for row in self._runs.estimates if row.trial in eligible), None)

    def seeds(self, trial: int) -> int:
        """Seeds with which trainings of the trial's parameters have begun, its own included."""
        return 1 + sum(begun.trial == trial for begun in self._begun)

    def candidates(self) -> tuple[int, ...]:
        """The best completed trials that scored above the defaults, best first: they alone are worth a repeat."""
        if self._baseline is None:
            return ()
        return tuple(trial for trial, score in self._completed[: self._most] if score > self._baseline)

    def at_stake(self) -> set[int]:
        """Trials that have a repeat, or would have one if the search ended now, and the next best: one of them wins."""
        best = (trial for trial, _ in self._completed[: self._spec.confirm + 1])
        return {*best, *(repeat.trial for repeat in self._begun)}

    def _eligible(self) -> set[int]:
        """Trials that may be repeated: the candidates, in a search no more than `confirm` of all that ever were."""
        begun = {repeat.trial for repeat in self._begun} - {0}
        full = self._spec.confirming is None and len(begun) >= self._most
        return begun if full else begun | set(self.candidates())

    def _running(self) -> list[Repeat]:
        """Repeats that have begun and not ended, interrupted ones included."""
        outcomes = {repeat: self._runs[trial.number].outcome for repeat, trial in self._begun.items()}
        return [repeat for repeat, end in outcomes.items() if end is None or end.state is TrialState.INTERRUPTED]

    def costs_s(self, planned: int) -> list[float]:
        """Slot-seconds of each planned repeat: of the defaults and the best in turn; today's price without a best."""
        pair = [0, *self.candidates()[:1]]
        if len(pair) < PAIR:
            return [self._prices.training_s()] * planned
        return [self.cost_s(pair[number % PAIR]) for number in range(planned)]

    def cost_s(self, trial: int) -> float:
        """Slot-seconds of a repeat of the trial: what the trial has cost, or today's price if that is much higher."""
        known_s, now_s = self._ledger.cost_s(trial), self._prices.training_s(trial)
        return known_s if now_s <= DEARER * known_s else now_s

    def due(self, room: Room, planned: int) -> Repeat | None:
        """The next repeat that can be paid to its end; None when there is none now.

        While trials of the search still run, only the defaults are certain to be repeated, once.
        """
        if not self._spec.confirm or self.begun >= max(ENOUGH, MOST * planned):
            return None
        trial = self._next()
        if trial is None:
            return None
        repeat = Repeat(trial, self._spec.seed + self.seeds(trial))
        costs = [self.cost_s(number) for number in self._together(trial)]
        wall_s = sum(costs) if self._spec.slots.count == 1 else max(costs)
        payable = room.slot_s - self._owed_s() >= sum(costs) and room.wall_s >= wall_s and room.trials >= len(costs)
        return repeat if payable else None

    def _next(self) -> int | None:
        if any(self._runs[number].trial.purpose.searched for number in self._ledger.held):
            return 0 if self.candidates() and not self._begun else None
        return self.to_repeat

    def _together(self, trial: int) -> tuple[int, ...]:
        """Trials that have to be paid with a repeat of this one: another seed of the defaults alone decides nothing."""
        decides = trial != 0 or any(repeat.trial for repeat in self._begun)
        return (trial,) if decides else (trial, *self.candidates()[:1])

    def _owed_s(self) -> float:
        """Slot-seconds that the running repeats still need."""
        held = set(self._ledger.held)
        return sum(
            max(0.0, self.cost_s(repeat.trial) - self._ledger.cost_s(trial.number))
            for repeat, trial in self._begun.items()
            if trial.number in held
        )

    def summary(self) -> str:
        """Sentence part for the end of the study: what came of the repeats."""
        if self._begun and not set(self._whole) - {0}:
            return "the repeats with other seeds did not reach their end, so nothing is confirmed"
        if self._begun:
            trials = [f"trial {number}" for number in sorted(set(self._whole) - {0})]
            defaults = ["the defaults"] if 0 in self._whole else []
            return f"{' and '.join([*defaults, *trials])} ran again with other seeds"
        if self.candidates():
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
