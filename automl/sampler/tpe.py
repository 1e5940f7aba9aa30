"""Optuna's univariate tree-structured Parzen estimator, started near the defaults.

Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011. Univariate and without
constant liar: with halving it needed half the budget of Optuna 5's multivariate default on recorded
learning curves. Stopped trials are told with their extrapolated score, not as pruned.
"""

from __future__ import annotations

import heapq
import logging
import random
import warnings
import zlib
from contextlib import AbstractContextManager

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial

from automl.host.guest import log_levels
from automl.records import Params, ParamValue
from automl.space import Parameter, SearchSpace

STARTUP_TRIALS = 10  # draws near the defaults before the estimator has enough trials
LOCAL_PER = 300  # after so many trials every second proposal is a step from one of the best, then two of three
HISTORY = 200  # finished trials that the estimator sees at most: its cost grows with them


class TpeSampler:
    """Proposals from the best half of the history and the latest finished trials.

    An estimate costs CPU time with every dimension and finished trial, so its share falls as a search
    grows past hundreds of trials: the proposals in between are small steps from one of the best.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._open: dict[int, tuple[Params, dict[int, float]]] = {}
        self._history: list[tuple[int, optuna.trial.FrozenTrial]] = []
        self._finished = 0
        self._study = self._new_study()

    def ask(self, number: int, given: Params | None = None) -> Params:
        """The given values, or a proposal that depends only on seed, number and history."""
        if given is not None:
            values = dict(given)
        elif self._finished < STARTUP_TRIALS:
            values = self._space.draw(random.Random(f"{self._seed}:{number}"))
        elif number % (1 + self._finished // LOCAL_PER):
            rng = random.Random(f"{self._seed}:{number}")
            values = self._space.draw(rng, around=rng.choice(self._best(5)), spread=0.08)
        else:
            values = self._propose(number)
        self._open[number] = (values, {})
        return values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Keep the epoch for the trial's record in the history."""
        self._open[number][1][epoch] = score

    def tell(self, number: int, score: float | None) -> None:
        """Add the finished trial to the history; a failed one teaches nothing."""
        values, scores = self._open.pop(number)
        if score is None:
            return
        self._finished += 1
        known = {p.name: values[p.name] for p in self._space.parameters if p.name in values and p.holds(values[p.name])}
        record = create_trial(
            state=TrialState.COMPLETE,
            value=score,
            params=known,
            distributions={p.name: distribution(p) for p in self._space.parameters if p.name in known},
            intermediate_values=scores,
        )
        self._history.append((number, record))
        with _quiet():
            if len(self._history) > HISTORY * 3 // 2:
                self._forget()
            else:
                self._study.add_trial(record)

    def _propose(self, number: int) -> dict[str, ParamValue]:
        with _quiet():
            return self._proposed(number)

    def _proposed(self, number: int) -> dict[str, ParamValue]:
        # A new sampler for each ask depends only on the history: a resumed search asks alike.
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=0,
            multivariate=False,
            constant_liar=False,
            seed=zlib.crc32(f"{self._seed}:{number}".encode()),
        )
        trial = self._study.ask()
        values: dict[str, ParamValue] = {}
        for parameter in self._space.parameters:
            if parameter.active(values):
                values[parameter.name] = parameter.rounded(_suggest(trial, parameter))
        self._study.tell(trial, state=TrialState.FAIL)  # only the record below enters the history
        return values

    def _forget(self) -> None:
        best = heapq.nsmallest(HISTORY // 2, self._history, key=_rank)
        lasting = {id(item) for item in best} | {id(item) for item in self._history[-HISTORY // 2 :]}
        self._history = [item for item in self._history if id(item) in lasting]
        self._study = self._new_study()
        self._study.add_trials([record for _, record in self._history])

    def _best(self, count: int) -> list[Params]:
        return [record.params for _, record in heapq.nsmallest(count, self._history, key=_rank)]

    def _new_study(self) -> optuna.Study:
        with _quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())


def _quiet() -> AbstractContextManager[None]:
    """Hush Optuna within; its level is the user's."""
    return log_levels(("optuna",), logging.ERROR)


def _rank(item: tuple[int, optuna.trial.FrozenTrial]) -> tuple[float, int]:
    return -(item[1].value or 0.0), item[0]


def distribution(parameter: Parameter) -> BaseDistribution:
    """The dimension as a distribution of Optuna."""
    if parameter.kind == "choice":
        return CategoricalDistribution(parameter.choices)
    if parameter.kind == "int":
        return IntDistribution(int(parameter.low), int(parameter.high))
    return FloatDistribution(parameter.low, parameter.high, log=parameter.kind == "log")


def _suggest(trial: optuna.Trial, parameter: Parameter) -> ParamValue:
    if parameter.kind == "choice":
        choice: ParamValue = trial.suggest_categorical(parameter.name, parameter.choices)
        return choice
    if parameter.kind == "int":
        return trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high))
    return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.kind == "log")
