"""Optuna's estimator as its users call it, independent of our sampler."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from automl.records import Params, ParamValue
from automl.space import Parameter, SearchSpace

optuna.logging.set_verbosity(optuna.logging.ERROR)
logging.getLogger("optuna").setLevel(logging.ERROR)


class Tpe:
    """One Optuna study.

    univariate     multivariate=False and constant_liar=False, the defaults of Optuna 4; else those of Optuna 5
    conditional    suggest active dimensions one after the other; False: all dimensions in one flat space, the only
                   kind that Ray's OptunaSearch supports
    value          value of a trial: its best epoch, or its last, as under Ray
    median_pruner  the study stops trials by its median pruner with default settings, and marks them as pruned
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        univariate: bool = False,
        conditional: bool = True,
        value: Literal["best", "last"] = "best",
        median_pruner: bool = False,
    ) -> None:
        self._space = space
        self._conditional = conditional
        self._value = value
        self._pruner = median_pruner
        self._open: dict[int, optuna.Trial] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sampler = (
                optuna.samplers.TPESampler(multivariate=False, constant_liar=False, seed=seed)
                if univariate
                else optuna.samplers.TPESampler(seed=seed)
            )
            pruner = optuna.pruners.MedianPruner() if median_pruner else optuna.pruners.NopPruner()
            self._study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)

    def ask(self, number: int, start: Params | None = None) -> Params:
        """A proposal. Values of `start` are enqueued first, as Optuna's users do."""
        if start is not None:
            self._study.enqueue_trial(dict(start))
        if self._conditional:
            trial = self._study.ask()
            values = self._suggest(trial)
        else:
            trial = self._study.ask({p.name: _distribution(p) for p in self._space.parameters})
            every: dict[str, ParamValue] = dict(trial.params)
            values = {}
            for parameter in self._space.parameters:  # inactive dimensions are drawn in vain
                if parameter.active(values):
                    values[parameter.name] = every[parameter.name]
        self._open[number] = trial
        return values

    def _suggest(self, trial: optuna.Trial) -> dict[str, ParamValue]:
        values: dict[str, ParamValue] = {}
        for parameter in self._space.parameters:
            if not parameter.active(values):
                continue
            if parameter.kind == "choice":
                values[parameter.name] = trial.suggest_categorical(parameter.name, parameter.choices)
            elif parameter.kind == "int":
                values[parameter.name] = trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high))
            else:
                log = parameter.kind == "log"
                values[parameter.name] = trial.suggest_float(parameter.name, parameter.low, parameter.high, log=log)
        return values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Report an intermediate value."""
        self._open[number].report(score, epoch)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """True if the median pruner would stop the trial."""
        return self._open[number].should_prune()

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """End the trial; a trial without an epoch has failed."""
        trial = self._open.pop(number)
        if not scores:
            self._study.tell(trial, state=TrialState.FAIL)
        elif stopped and self._pruner:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, max(scores) if self._value == "best" else scores[-1])


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.kind == "choice":
        return CategoricalDistribution(parameter.choices)
    if parameter.kind == "int":
        return IntDistribution(int(parameter.low), int(parameter.high))
    return FloatDistribution(parameter.low, parameter.high, log=parameter.kind == "log")
