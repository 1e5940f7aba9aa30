"""Names inside Optuna that a quick export into its database relies on."""

from __future__ import annotations

from automl.files.installed import PrivateName

ENGINE = "optuna"
_SLOWER = "an export into a database of Optuna takes a tenth of a second a trial"
_MODELS = (
    "TrialModel",
    "TrialValueModel.value_to_stored_repr",
    "TrialParamModel",
    "TrialIntermediateValueModel.intermediate_value_to_stored_repr",
    "TrialUserAttributeModel",
)

NAMES = (
    PrivateName("optuna.storages._rdb:models", "to add many trials at a time", degraded=_SLOWER),
    *(
        PrivateName(f"optuna.storages._rdb.models:{name}", "to add many trials at a time", degraded=_SLOWER)
        for name in _MODELS
    ),
)
