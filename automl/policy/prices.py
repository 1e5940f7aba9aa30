"""Expected costs of epochs and trainings: the probed price, corrected by what recent trials have cost. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from automl.policy.operating import Operating
from automl.policy.runs import Run
from automl.records import Params, StudySpec
from automl.scores.halving import quantile

RECENT = 50  # trials of which the median ratio is taken


class Prices:
    """Prices of one study, in slot-seconds.

    runs  memory of the study's trials, shared with the search
    """

    def __init__(self, spec: StudySpec, operating: Operating, runs: Mapping[int, Run]) -> None:
        self._spec = spec
        self._operating = operating
        self._runs = runs
        self._ratios: deque[float] = deque(maxlen=RECENT)

    # -- events -----------------------------------------------------------------------------------

    def trial_ended(self, run: Run, cost_s: float, first_rung: int) -> None:
        """Learn from a trial of the search that has ended.

        cost_s      slot-seconds that it has cost
        first_rung  epochs below which the start-up dominates; such a trial counts only while no other does
        """
        probed_s = self._operating.epoch_s(run.trial.params)
        if run.scores and probed_s > 0 and (len(run.scores) >= first_rung or not self._ratios):
            self._ratios.append(cost_s / len(run.scores) / probed_s)

    # -- queries ----------------------------------------------------------------------------------

    @property
    def ratio(self) -> float:
        """Ratio of measured to probed epoch cost.

        The median over recent trials that reached a rung, since start-up dominates shorter ones. While none has
        ended, the largest ratio among running trials; 1 before the first epoch.
        """
        if self._ratios:
            return quantile(sorted(self._ratios), 0.5)
        return max(map(self._own_ratio, self._runs.values()), default=0.0) or 1.0

    def _own_ratio(self, run: Run) -> float:
        """Measured by probed seconds of the run's epochs; 0 where one of the two is unknown."""
        probed_s = self._operating.epoch_s(run.trial.params)
        return run.trained_s / len(run.scores) / probed_s if run.scores and probed_s > 0 else 0.0

    def epoch_s(self, params: Params | None = None) -> float:
        """Slot-seconds of an epoch with these parameters; of one where the search tunes if left out."""
        return self._operating.epoch_s(self._operating.arguments({}) if params is None else params) * self.ratio

    def training_s(self, trial: int | None = None) -> float:
        """Slot-seconds of a training to the horizon like that trial; of one where the search tunes if left out."""
        return self.epoch_s(None if trial is None else self._runs[trial].trial.params) * self._spec.epochs
