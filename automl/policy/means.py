"""The means of a search: what it may still promise to a new trial, beside what is kept and what runs. Pure."""

from __future__ import annotations

import math

from automl.costs.budget import Ledger
from automl.figures import format_cost
from automl.policy.operating import Operating
from automl.policy.prices import Prices
from automl.policy.reserve import SHARE_SPENT, Reserve
from automl.policy.runs import Runs
from automl.records import StudySpec
from automl.scores.halving import Rungs


class Means:
    """Slot time and wall time that one study still has for trials, at today's prices."""

    def __init__(
        self,
        spec: StudySpec,
        ledger: Ledger,
        prices: Prices,
        reserve: Reserve,
        runs: Runs,
        rungs: Rungs,
        operating: Operating,
    ) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._reserve = reserve
        self._runs = runs
        self._rungs = rungs
        self._operating = operating

    def spent(self, at: float) -> str | None:
        """Reason why no trial may begin now; None while one may, or once a running one ends."""
        return self._reserve.search_over(at, len(self._runs)) or self.unpaid(at)

    def unpaid(self, at: float) -> str | None:
        """Reason why what is left pays no training; None if it does, or may once a running trial ends."""
        if self._ledger.held or self._runs.baseline is None or self.pays(at):
            return None
        cost = format_cost(self._prices.training_s(), self._spec.slots.device)
        return f"what is left cannot pay for another training ({cost})" if self._reserve.empty else SHARE_SPENT

    def pays(self, at: float) -> bool:
        """True if what is left pays for another training to the horizon."""
        return min(self.left_s(at)) >= self._prices.training_s()

    def left_s(self, at: float) -> tuple[float, float]:
        """Slot-seconds and wall seconds that a new trial may use."""
        left_s = self._ledger.left_s(at) - self._reserve.slot_s()
        left_s -= self._committed_s() if math.isfinite(left_s) else 0.0
        return left_s, self._ledger.wall_left_s(at) - self._reserve.wall_s()

    def _committed_s(self) -> float:
        """Slot-seconds that the running trials need to their next rung: theirs before a newcomer's."""
        committed_s = 0.0
        for number in self._ledger.held:
            trial = self._runs[number].trial
            if trial.purpose.searched:
                done = len(self._runs[number].scores)
                levels = self._rungs.levels[-1:] if self._operating.exempt(number) else self._rungs.levels
                epochs = next((level - done for level in levels if level > done), 0)
                committed_s += epochs * self._operating.epoch_s(trial.params)
        return committed_s * self._prices.ratio
