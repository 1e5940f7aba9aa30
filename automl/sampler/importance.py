"""Importance of parameters: shares in the difference between a study's best trials and the rest."""

from __future__ import annotations

import warnings
from collections.abc import Container, Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from automl.files.installed import check_names
from automl.records import Params
from automl.sampler import private_names
from automl.sampler.tpe import distribution
from automl.space import Parameter

FEWEST = 20  # trials that importances need


def importances(trials: Sequence[tuple[Params, float]], parameters: Sequence[Parameter]) -> Mapping[str, float]:
    """Share of each parameter, largest first; they add up to 1. Empty for fewer than FEWEST trials.

    trials      parameters and mAP50-95 of each; those that lack a parameter, or lie outside its range, are left
                out, and so is a parameter that most of them lack or that never varies

    Raises EngineMismatch where the installed Optuna cannot be used for it.

    Source: Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
    Subspaces", IJCAI 2023, as Optuna implements it.
    """
    known = [p for p in parameters if 2 * sum(p.name in v and p.holds(v[p.name]) for v, _ in trials) > len(trials)]
    complete = [(v, score) for v, score in trials if all(p.name in v and p.holds(v[p.name]) for p in known)]
    known = [p for p in known if len({v[p.name] for v, _ in complete}) > 1]
    if len(complete) < FEWEST or not known:
        return {}
    check_names(private_names.ENGINE, private_names.NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = _CompletedTrials({p.name: distribution(p) for p in known}, complete)
        shares = optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


class _CompletedTrials(optuna.Study):
    """A study of completed trials. Nothing is stored: a storage copies each trial with all its distributions."""

    def __init__(self, distributions: dict[str, BaseDistribution], scored: Sequence[tuple[Params, float]]) -> None:
        storage = optuna.storages.InMemoryStorage()
        storage.create_new_study([StudyDirection.MAXIMIZE], study_name="completed")
        super().__init__("completed", storage)
        self._trials = [
            FrozenTrial(
                number=number,
                trial_id=number,
                state=TrialState.COMPLETE,
                value=score,
                params={name: values[name] for name in distributions},
                distributions=distributions,
                datetime_start=None,
                datetime_complete=None,
                user_attrs={},
                system_attrs={},
                intermediate_values={},
            )
            for number, (values, score) in enumerate(scored)
        ]

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """All trials; callers must not change them."""
        return self._trials
