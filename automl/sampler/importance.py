"""Which parameters mattered: shares of what separates a study's best trials from the rest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState, create_trial

from automl.records import Params
from automl.sampler.tpe import distribution
from automl.space import Parameter

FEWEST = 20  # trials below which nothing is said


def importances(trials: Sequence[tuple[Params, float]], parameters: Sequence[Parameter]) -> Mapping[str, float]:
    """Share of each parameter, largest first; they add up to 1. Empty for fewer than FEWEST trials.

    trials      parameters and mAP50-95 of each; those that lack a parameter, or lie outside its range, are left
                out, and so is a parameter that most of them lack or that never varies

    Source: Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
    Subspaces", IJCAI 2023, as Optuna implements it.
    """
    known = [p for p in parameters if 2 * sum(p.name in v and p.holds(v[p.name]) for v, _ in trials) > len(trials)]
    complete = [(v, score) for v, score in trials if all(p.name in v and p.holds(v[p.name]) for p in known)]
    known = [p for p in known if len({v[p.name] for v, _ in complete}) > 1]
    if len(complete) < FEWEST or not known:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(direction="maximize")
        distributions = {p.name: distribution(p) for p in known}
        study.add_trials(
            create_trial(
                state=TrialState.COMPLETE,
                value=score,
                params={p.name: values[p.name] for p in known},
                distributions=distributions,
            )
            for values, score in complete
        )
        found = optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
