"""Repeats with other seeds after a search: what they may cost, which are due, and when they begin.

A repeat trains a trial's parameters again with another seed. Its order is fixed by what has happened, so
a resumed study repeats the same: the defaults and the best trials with the next seed, then with another.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable

from automl.costs.budget import Ledger, parse_all
from automl.costs.points import full_trainings
from automl.costs.shares import ROUNDS, without_production
from automl.figures import format_cost
from automl.policy.production import Production
from automl.records import Purpose, StudySpec, Trial
from automl.scores.leaderboard import place

SHARE_SPENT = "the search's share of the budget is spent"
MARGIN = 1.05  # a repeat may cost so much more than the trial that it repeats
DEARER = 1.25  # today's price counts for a repeat where it is so many times what the trial has cost
TOO_FEW = 8.0  # trainings; repeats are planned where ten are paid
MOST = 2.0  # dearer trials than probed may widen the reserve to so many times what was planned


class Confirming:
    """The repeats of one study, and what the search must leave for them.

    training_s  slot-seconds that a whole training is expected to cost as things are: of that trial's parameters, or
                where the search tunes
    production  what comes after the repeats, and has a share of its own
    """

    def __init__(
        self, spec: StudySpec, ledger: Ledger, training_s: Callable[[int | None], float], production: Production
    ) -> None:
        self._spec = spec
        self._production = production
        self._budgets = parse_all(spec.budgets, spec.slots.device)
        self._ledger = ledger
        self._training_s = training_s
        self._baseline: float | None = None
        self._completed: list[tuple[int, float]] = []  # trial and score, best first
        self._begun: dict[tuple[int, int], Trial] = {}  # by trial and seed
        self._whole: set[int] = set()  # trials of which a repeat has reached its end

    # -- what happened ----------------------------------------------------------------------------

    def completed(self, trial: int, score: float) -> None:
        """A trial that is no repeat has reached its last epoch."""
        if trial == 0:
            self._baseline = score
        else:
            insort(self._completed, (trial, score), key=lambda each: place(*each))

    def begins(self, trial: Trial) -> None:
        """A repeat begins, or has begun in an earlier session."""
        if trial.repeats is not None:
            self._begun[trial.repeats, trial.seed] = trial

    def ends(self, trial: Trial, *, whole: bool) -> None:
        """A repeat has ended, at its last epoch or before it."""
        if trial.repeats is not None and whole:
            self._whole.add(trial.repeats)

    # -- what the search may spend ----------------------------------------------------------------

    @property
    def planned(self) -> int:
        """Repeats that the search leaves room for: none any more where its trainings turn out so dear that the budget
        pays fewer than TOO_FEW of them; then it needs everything."""
        wanted = self._spec.reserve_trials
        if self._begun or not wanted:
            return wanted
        if self._production.trial is not None:
            return 0
        budgets, kept_s = self._budgets, self._production.reserve_s()
        trainings = full_trainings(
            without_production(budgets, kept_s) if kept_s else budgets, self._training_s(None), self._spec.slots
        )
        return wanted if trainings >= TOO_FEW else 0

    @property
    def begun(self) -> int:
        """How many repeats have begun."""
        return len(self._begun)

    @property
    def trials_left(self) -> int:
        """Trials of a limited number that are kept for repeats and the production training."""
        return self._left + self._production.trials_left

    @property
    def _left(self) -> int:
        return max(0, self.planned - len(self._begun))

    def _after_s(self) -> float:
        """Seconds that the repeats too must leave: for measuring on unseen images and the production training."""
        return self._spec.measuring_s + self._production.reserve_s()

    def reserve_s(self) -> float:
        """Slot-seconds that the search must leave: the planned repeats at what their trials cost, without what
        repeats have cost already, an epoch of each running trial, which ends only then, the measuring on
        unseen images and the production training."""
        spec, after_s = self._spec, self._after_s()
        if not self.planned:
            return after_s
        paid_s = sum(self._ledger.cost_s(trial.number) for trial in self._begun.values())
        running_s = len(self._ledger.held) * self._training_s(None) / spec.epochs
        return max(0.0, self._planned_s() - paid_s) + running_s + after_s

    def reserve_wall_s(self) -> float:
        """Wall seconds that the search must leave: the repeats that have not begun, side by side on the slots, the
        measuring on unseen images and the production training."""
        spec, after_s = self._spec, self._after_s()
        if not self.planned:
            return after_s
        waves = math.ceil(self._left / spec.slots.count)
        dearest = max([1.0, *(epoch_s / spec.epoch_s for _, epoch_s in spec.points if spec.epoch_s > 0)])
        one_s = min(max(self._planned_costs()), dearest * MOST * spec.reserve_s / spec.reserve_trials)
        return waves * MARGIN * one_s + self._training_s(None) / spec.epochs + after_s

    def share_spent(self, at: float, trials: int) -> str | None:
        """Why the search may begin no further trial: what is left is for the repeats.

        trials  how many have begun, repeats among them
        """
        limit, last = self._ledger.trial_limit, self._production.trial is not None
        if limit is not None and trials >= limit - self.trials_left:
            return f"{trials - len(self._begun) - last} trials have begun"
        return self.share_words() if self._begun or last or self._time_spent(at) else None

    def share_words(self) -> str:
        """That the search has spent its share, and what was kept from it, with what re-planning has added."""
        wanted, last, kept = self.planned, self._production, []
        if wanted:
            cost = format_cost(self._planned_s(), self._spec.slots.device)
            kept.append(f"{cost} that are kept for {wanted} repeats with other seeds")
        if last.kept or last.trial is not None:
            kept.append("what is kept for the production training")
        return f"{SHARE_SPENT}, but for {' and '.join(kept)}" if kept else SHARE_SPENT

    def cuts(self, trial: Trial, at: float, done: int) -> str | None:
        """Why a running trial has to end now. The baseline and repeats may spend what is kept for repeats, and so may
        a trial that is all but trained: what it has cost would be lost for an epoch or two.

        done  epochs that it has finished
        """
        nearly = trial.epochs - done <= max(1, trial.epochs // 10)
        kept = nearly or trial.purpose in (Purpose.BASELINE, Purpose.CONFIRMATION, Purpose.PRODUCTION)
        return SHARE_SPENT if not kept and self._time_spent(at) else None

    def _time_spent(self, at: float) -> bool:
        if not self.planned and not self._production.kept:
            return False
        ledger = self._ledger
        return ledger.left_s(at) <= self.reserve_s() or ledger.wall_left_s(at) <= self.reserve_wall_s()

    def _planned_s(self) -> float:
        """Slot-seconds of all repeats at what their trials cost, within limits of what was planned."""
        planned_s = MARGIN * sum(self._planned_costs())
        return min(max(planned_s, self._spec.reserve_s), MOST * self._spec.reserve_s)

    def _planned_costs(self) -> list[float]:
        wanted = self.planned
        costs = [self.cost_s(trial) for trial, _ in self.order()[:wanted]] if self.candidates else []
        return [*costs, *[self._training_s(None)] * (wanted - len(costs))]

    def cost_s(self, trial: int) -> float:
        """Slot-seconds that a repeat of the trial is expected to cost: what the trial has, or today's price where
        trainings have become dearer since."""
        known_s, now_s = self._ledger.cost_s(trial), self._training_s(trial)
        return known_s if now_s <= DEARER * known_s else now_s

    # -- what is due ------------------------------------------------------------------------------

    @property
    def candidates(self) -> tuple[int, ...]:
        """The best completed trials that scored above the defaults, best first; they alone are worth a repeat."""
        if self._baseline is None or not self.planned:
            return ()
        most = min(self._spec.confirm, self.planned - 1)
        return tuple(trial for trial, score in self._completed[:most] if score > self._baseline)

    @property
    def at_stake(self) -> set[int]:
        """The trials that run again, or would if the search ended now: one of them is taken home."""
        return {*self.candidates, *(trial for trial, _ in self._begun)}

    def order(self) -> list[tuple[int, int]]:
        """Trial and seed of all repeats: whole rounds of the defaults and the candidates, as many as are planned."""
        group = (0, *self.candidates)
        if len(group) == 1:
            return []
        rounds = min(ROUNDS, max(1, math.ceil(self.planned / len(group))))
        seeds = [self._spec.seed + number for number in range(1, rounds + 1)]
        return [(trial, seed) for seed in seeds for trial in group]

    def due(self, at: float, trials: int) -> tuple[int, int] | None:
        """Trial and seed of the next repeat that can be paid to its end; None when there is none now.

        While trials of the search still run, only the defaults are certain to be repeated.

        trials  how many have begun, repeats among them
        """
        ledger, order = self._ledger, self.order()
        if order and set(ledger.held) - {trial.number for trial in self._begun.values()}:
            sure = max(1, self.planned // (1 + min(self._spec.confirm, self.planned - 1)))
            order = [pair for pair in order if pair[0] == 0][:sure]
        pair = next((pair for pair in order if pair not in self._begun), None)
        if pair is None:
            return None
        costs, kept_s = [self.cost_s(number) for number in self._together(pair[0])], self._after_s()
        if ledger.trial_limit is not None and trials + len(costs) > ledger.trial_limit - self._production.trials_left:
            return None
        left_s, wall_left_s = ledger.left_s(at) - self._owed_s() - kept_s, ledger.wall_left_s(at) - kept_s
        wall_s = sum(costs) if self._spec.slots.count == 1 else max(costs)
        return pair if left_s >= sum(costs) and wall_left_s >= wall_s else None

    def _together(self, trial: int) -> tuple[int, ...]:
        """What has to be paid with a repeat of the trial: another seed of the defaults alone decides nothing."""
        decides = trial != 0 or any(number for number, _ in self._begun)
        return (trial,) if decides else (trial, *self.candidates[:1])

    def _owed_s(self) -> float:
        """Slot-seconds that the running repeats still need."""
        held = set(self._ledger.held)
        running = [trial for trial in self._begun.values() if trial.number in held]
        return sum(max(0.0, self.cost_s(t.repeats or 0) - self._ledger.cost_s(t.number)) for t in running)

    def propose(self, number: int, repeated: Trial, seed: int) -> Trial:
        """The repeat as a trial of its own, which begins now."""
        trial = Trial(
            number=number,
            params=repeated.params,
            epochs=repeated.epochs,
            seed=seed,
            purpose=Purpose.CONFIRMATION,
            origin="confirmation",
            repeats=repeated.number,
        )
        self.begins(trial)
        return trial

    def summary(self) -> str:
        """What came of the reserve, in words that follow why the search ended."""
        if self._begun and not self._whole - {0}:
            return "the repeats with other seeds did not reach their end, so nothing is confirmed"
        if self._begun:
            repeated = [f"trial {number}" for number in sorted(self._whole - {0})]
            return f"{' and '.join(['the defaults'] * (0 in self._whole) + repeated)} ran again with other seeds"
        if self.candidates:
            return "what is left cannot pay for a repeat"
        return "no completed trial scored above the defaults, so there was nothing to confirm"
