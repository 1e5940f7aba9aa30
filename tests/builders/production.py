"""Studies with production trainings in virtual time, and trainers of known curves."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from automl.costs import shares
from automl.costs.budget import parse_all
from automl.costs.split import Division
from automl.errors import TrialError
from automl.records import EpochMetrics, Purpose, Slots, StudySpec, TrainJob, Trial, TrialRow
from tests.builders.factories import EPOCH_S, Played, make_metrics, make_prepared, make_spec

TRAIN = 60  # five trainings of twelve epochs


def spec_of(*budgets: str, slots: int = 1, train: int = TRAIN, compare: bool = True, **changes: Any) -> StudySpec:
    """A study with production trainings, and the reserve that the plan keeps for repeats beside them.

    compare  False: a study of an earlier version, which trains the winner alone, with half of its budget at most
    """
    places = Slots(count=slots, device="cpu")
    spec = make_spec(budgets=budgets, slots=places, train=train, compare=compare, **changes)
    parsed = parse_all(budgets, "cpu")
    if compare:
        left = Division(epochs=spec.epochs, production=train).searching(parsed, places, spec.epoch_s)
    else:
        half_s = 0.5 * min((budget.limit_s for budget in parsed if budget.limit_s is not None), default=1e9)
        last_s = min(half_s, shares.MARGIN * train * spec.epoch_s)
        left = tuple(budget.less(slot_s=last_s, wall_s=last_s, trials=1) for budget in parsed)
    repeats, reserve_s = shares.repeats(left, spec.epochs * spec.epoch_s, places, spec.confirm)
    return replace(spec, reserve_trials=repeats, reserve_s=reserve_s)


def produced(played: Played) -> list[TrialRow]:
    """The production trainings by number."""
    trials = played.record.trials
    return [trials[number] for number in sorted(trials) if trials[number].purpose is Purpose.PRODUCTION]


class Curve:
    """A trainer of known scores, which rise a little with each epoch: by default of trial 0 .5, of the others .6.

    scores   by trial number; the last one for those beyond, and for repeats
    long     the same for production trainings; None: as `scores`
    top      the epoch up to which a production training gets better
    epoch_s  by trial number; the last one for those beyond
    """

    def __init__(
        self,
        *,
        scores: tuple[float, ...] = (0.5, 0.6),
        long: tuple[float, ...] | None = None,
        top: int = 1000,
        epoch_s: tuple[float, ...] = (EPOCH_S,),
    ) -> None:
        self._scores, self._long, self._top, self._epoch_s = scores, long or scores, top, epoch_s

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> object:
        """The usual measurements."""
        return make_prepared()

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Epochs of the curve."""
        of = trial.number if trial.repeats is None else trial.repeats
        scores = self._long if trial.purpose is Purpose.PRODUCTION else self._scores
        base = scores[min(of, len(scores) - 1)]
        cost_s = self._epoch_s[min(trial.number, len(self._epoch_s) - 1)]
        for epoch in range(trial.done_epochs + 1, trial.epochs + 1):
            yield make_metrics(epoch, base + 1e-4 * min(epoch, self._top), train_s=cost_s, val_s=0.0)


class Breaking(Curve):
    """Raises in production trainings after so many epochs, or scores no number there.

    times  number of production trainings that break
    """

    def __init__(self, after: int, *, nan: bool = False, times: int = 1000) -> None:
        super().__init__()
        self._after, self._nan, self._left = after, nan, times

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Epochs of the curve up to the break."""
        breaks = trial.purpose is Purpose.PRODUCTION and self._left > 0
        self._left -= breaks
        for metrics in super().run(trial, job):
            last = breaks and metrics.epoch > self._after
            if last and not self._nan:
                raise TrialError("no memory is left")
            yield replace(metrics, map50_95=float("nan")) if last else metrics
