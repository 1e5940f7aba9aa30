"""Names inside Optuna that the importances rely on."""

from __future__ import annotations

from automl.files.installed import PrivateName

ENGINE = "optuna"

NAMES = (
    PrivateName(
        "optuna:Study.get_trials",
        "to weigh parameters without copying every trial",
        "optuna.importance._ped_anova.evaluator:_get_filtered_trials",
    ),
)
