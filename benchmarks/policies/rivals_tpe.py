"""Optuna's estimator as its users call it: not our sampler, so that the peers are what they claim to be."""

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
    conditional    dimensions are suggested one after the other where they are active; False: all of them in one
                   flat space, which is all that Ray's OptunaSearch takes
    told           what a trial's value is: its best epoch, or its last, which is what Ray tells
    median_pruner  the study stops trials by its median pruner with its own defaults, and they are told as pruned
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        univariate: bool = False,
        conditional: bool = True,
        told: Literal["best", "last"] = "best",
        median_pruner: bool = False,
    ) -> None:
        self._space = space
        self._conditional = conditional
        self._told = told
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

    def ask(self, number: int, given: Params | None = None) -> Params:
        """A proposal; given values are enqueued first, as Optuna's users do."""
        if given is not None:
            self._study.enqueue_trial(dict(given))
        if self._conditional:
            trial = self._study.ask()
            values = self._suggest(trial)
        else:
            trial = self._study.ask({p.name: _distribution(p) for p in self._space.parameters})
            drawn: dict[str, ParamValue] = dict(trial.params)
            values = {}
            for parameter in self._space.parameters:  # what is inactive is drawn in vain
                if parameter.active(values):
                    values[parameter.name] = drawn[parameter.name]
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
        """An intermediate value."""
        self._open[number].report(score, epoch)

    def stops(self, number: int, scores: Sequence[float]) -> bool:
        """Whether the median pruner would stop the trial."""
        return self._open[number].should_prune()

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """Ends the trial; one without an epoch failed."""
        trial = self._open.pop(number)
        if not scores:
            self._study.tell(trial, state=TrialState.FAIL)
        elif stopped and self._pruner:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, max(scores) if self._told == "best" else scores[-1])


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.kind == "choice":
        return CategoricalDistribution(parameter.choices)
    if parameter.kind == "int":
        return IntDistribution(int(parameter.low), int(parameter.high))
    return FloatDistribution(parameter.low, parameter.high, log=parameter.kind == "log")
