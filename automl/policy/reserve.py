"""The reserve: what a search must leave of its budget for repeats, measuring and a production training. Pure."""

from __future__ import annotations

import math

from automl.costs.budget import Ledger, limits_of
from automl.costs.points import full_trainings
from automl.policy.prices import Prices
from automl.policy.production import Production
from automl.policy.repeats import PAIR, Repeats, Room
from automl.records import Purpose, StudySpec, Trial

SHARE_SPENT = "the search's share of the budget is spent"
MARGIN = 1.05  # a repeat may cost so much more than its trial
TOO_FEW = 8.0  # affordable trainings; repeats are planned from ten on
MOST = 2.0  # trials that are dearer than probed may widen the reserve to so many times what was planned
USES_RESERVE = (Purpose.BASELINE, Purpose.CONFIRMATION, Purpose.PRODUCTION)


class Reserve:
    """The reserve of one study, and the moment at which the search has spent its share."""

    def __init__(
        self, spec: StudySpec, ledger: Ledger, prices: Prices, repeats: Repeats, production: Production
    ) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._repeats = repeats
        self._production = production
        self._budgets = limits_of(spec)

    @property
    def repeats(self) -> int:
        """Number of repeats that the reserve holds.

        At most a tenth of the trainings that the budget pays at today's price, but PAIR. None any more if trainings
        turn out so dear that the budget pays fewer than TOO_FEW: the search needs all.
        """
        planned = min(self._spec.reserve_trials, self._tenth())
        if self._repeats.begun or not planned:
            return planned
        if self._production.winner is not None:
            return 0
        production = self._production
        slot_s = production.paid_s + production.reserve_s()
        wall_s, trials = production.reserve_wall_s(), production.trials_left
        budgets = [budget.less(slot_s=slot_s, wall_s=wall_s, trials=trials) for budget in self._budgets]
        trainings = full_trainings(budgets, self._prices.training_s(), self._spec.slots)
        return planned if trainings >= TOO_FEW else 0

    def _tenth(self) -> int:
        """A tenth of the trainings that the budgets pay at today's price, PAIR at least; of wall time whole waves."""
        slots = self._spec.slots
        most = max(PAIR, int(full_trainings(self._budgets, self._prices.training_s(), slots) / 10))
        if any(budget.wall_s is not None for budget in self._budgets):
            most = math.ceil(most / slots.count) * slots.count
        return most

    @property
    def empty(self) -> bool:
        """True while nothing is kept for repeats or a production training."""
        return not self.repeats and not self._production.kept

    @property
    def trials(self) -> int:
        """Trials of a limited number that are kept for repeats and the production training."""
        return self._repeats_left + self._production.trials_left

    @property
    def _repeats_left(self) -> int:
        """Repeats that are still kept: none once they have decided."""
        return 0 if self._repeats.decided else max(0, self.repeats - self._repeats.begun)

    def slot_s(self) -> float:
        """Slot-seconds that the search must leave.

        The planned repeats less what repeats have cost, an epoch of each running trial (it ends only then), the
        measuring on unseen images and the production training.
        """
        after_s = self._measuring_s() + self._production.reserve_s()
        if not self.repeats or self._repeats.decided:
            return after_s
        running_s = len(self._ledger.held) * self._prices.epoch_s()
        return max(0.0, self._repeats_s() - self._repeats.paid_s) + running_s + after_s

    def wall_s(self) -> float:
        """Wall seconds that the search must leave: the repeats to come side by side on the slots, and what follows."""
        spec, repeats = self._spec, self.repeats
        after_s = self._measuring_s() + self._production.reserve_wall_s()
        if not repeats or self._repeats.decided:
            return after_s
        waves = math.ceil(self._repeats_left / spec.slots.count)
        dearest = max([1.0, *(point.epoch_s / spec.epoch_s for point in spec.points if spec.epoch_s > 0)])
        one_s = min(max(self._repeats.costs_s(repeats)), dearest * MOST * spec.reserve_s / spec.reserve_trials)
        return waves * MARGIN * one_s + self._prices.epoch_s() + after_s

    def room(self, at: float, trials: int) -> Room:
        """Rest of the budget for repeats now.

        trials  number of trials that have begun
        """
        ledger, limit, measuring_s = self._ledger, self._ledger.trial_limit, self._measuring_s()
        return Room(
            slot_s=ledger.left_s(at) - measuring_s - self._production.reserve_s(),
            wall_s=ledger.wall_left_s(at) - measuring_s - self._production.reserve_wall_s(),
            trials=math.inf if limit is None else limit - self._production.trials_left - trials,
        )

    def search_over(self, at: float, trials: int) -> str | None:
        """Reason for the search to begin no further trial; None while its share lasts.

        trials  number of trials that have begun, repeats included
        """
        limit, production = self._ledger.trial_limit, self._production
        if limit is not None and trials >= limit - self.trials:
            return f"{trials - self._repeats.begun - len(production.numbers)} trials have begun"
        over = self._repeats.begun or production.winner is not None or self._reached(at)
        return SHARE_SPENT if over else None

    def cut_due(self, trial: Trial, at: float, done: int) -> str | None:
        """Reason to end a running trial now; None while it may go on.

        The baseline, repeats and the production training may spend the reserve. So may a trial that is all but
        trained: its cost would be lost for an epoch or two.

        done  epochs that it has finished
        """
        nearly_done = trial.epochs - done <= max(1, trial.epochs // 10)
        if nearly_done or trial.purpose in USES_RESERVE:
            return None
        return SHARE_SPENT if self._reached(at) else None

    def _reached(self, at: float) -> bool:
        """True once no more than the reserve is left of the budget."""
        if self.empty:
            return False
        ledger = self._ledger
        return ledger.left_s(at) <= self.slot_s() or ledger.wall_left_s(at) <= self.wall_s()

    def _measuring_s(self) -> float:
        """Seconds to leave for measuring on unseen images, at today's price."""
        return self._spec.measuring_s * max(1.0, self._prices.ratio)

    def _repeats_s(self) -> float:
        """Slot-seconds of all repeats at the price of their trials, within limits of the plan."""
        planned_s = MARGIN * sum(self._repeats.costs_s(self.repeats))
        return min(max(planned_s, self._spec.reserve_s), MOST * self._spec.reserve_s)
