"""Names inside Optuna that a quick export into its database relies on."""

from __future__ import annotations

from automl.files.installed import PrivateName

ENGINE = "optuna"
_SLOWER = "an export into a database of Optuna takes a tenth of a second a trial"
_MODELS = "optuna.storages._rdb.models"
_PATHS = (
    "TrialModel",
    "TrialValueModel",
    "TrialValueModel.value_to_stored_repr",
    "TrialParamModel",
    "TrialIntermediateValueModel",
    "TrialIntermediateValueModel.intermediate_value_to_stored_repr",
    "TrialUserAttributeModel",
)

NAMES = tuple(
    PrivateName(f"{_MODELS}:{path}", "to add many trials at a time to a database", degraded=_SLOWER) for path in _PATHS
)
