"""Rows of new trials in Optuna's database, written many at a time.

Optuna's own way asks the database several times for each parameter: two thousand trials take minutes, here seconds.
Where the tables are not those that this was made for, nothing is written, and the caller goes Optuna's way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from automl.files.installed import check_names
from automl.trackers import private_names

# Columns that are written, by model. The first of each but TrialModel is numbered by the database.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "TrialModel": ("trial_id", "number", "study_id", "state", "datetime_start", "datetime_complete"),
    "TrialValueModel": ("trial_value_id", "trial_id", "objective", "value", "value_type"),
    "TrialParamModel": ("param_id", "trial_id", "param_name", "param_value", "distribution_json"),
    "TrialIntermediateValueModel": (
        *("trial_intermediate_value_id", "trial_id", "step", "intermediate_value", "intermediate_value_type"),
    ),
    "TrialUserAttributeModel": ("trial_user_attribute_id", "trial_id", "key", "value_json"),
}


def add_rows(storage: RDBStorage, study: optuna.Study, trials: Sequence[FrozenTrial]) -> bool:
    """Add trials at the end of a study, in one transaction. False, and nothing written, for tables that differ."""
    if check_names(private_names.ENGINE, private_names.NAMES):
        return False
    kinds = _models()
    if any(set(kinds[name].__table__.c.keys()) != set(columns) for name, columns in _COLUMNS.items()):
        return False
    key = storage.get_study_id_from_name(study.study_name)
    table = kinds["TrialModel"].__table__
    with storage.engine.begin() as connection:
        mine = table.c.study_id == key
        first = len(connection.execute(table.select().where(mine)).all())
        connection.execute(table.insert(), [_trial(key, first + n, trial) for n, trial in enumerate(trials)])
        added = connection.execute(table.select().where(mine, table.c.number >= first)).mappings().all()
        ids = {row["number"] - first: row["trial_id"] for row in added}
        for name, rows in _children(kinds, [(ids[n], trial) for n, trial in enumerate(trials)]).items():
            if rows:
                connection.execute(kinds[name].__table__.insert(), rows)
    return True


def _models() -> dict[str, Any]:
    """Optuna's models of the tables, by name."""
    from optuna.storages._rdb.models import (
        TrialIntermediateValueModel,
        TrialModel,
        TrialParamModel,
        TrialUserAttributeModel,
        TrialValueModel,
    )

    models = (TrialModel, TrialValueModel, TrialParamModel, TrialIntermediateValueModel, TrialUserAttributeModel)
    return {model.__name__: model for model in models}


def _trial(study: int, number: int, trial: FrozenTrial) -> dict[str, Any]:
    return {
        "study_id": study,
        "number": number,
        "state": trial.state,
        "datetime_start": _utc(trial.datetime_start),
        "datetime_complete": _utc(trial.datetime_complete),
    }


def _utc(local: datetime | None) -> datetime | None:
    """Optuna's local time as its tables have it: UTC without a zone."""
    return None if local is None else local.astimezone(UTC).replace(tzinfo=None)


def _children(kinds: Mapping[str, Any], trials: Sequence[tuple[int, FrozenTrial]]) -> dict[str, list[dict[str, Any]]]:
    """Rows of all other tables, by model.

    trials  each with its key
    """
    of_value = kinds["TrialValueModel"].value_to_stored_repr
    of_step = kinds["TrialIntermediateValueModel"].intermediate_value_to_stored_repr
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _COLUMNS if name != "TrialModel"}
    texts: dict[tuple[str, Any], str] = {}
    for key, trial in trials:
        for objective, value in enumerate(trial.values or ()):
            number, kind = of_value(value)
            rows["TrialValueModel"].append(
                {"trial_id": key, "objective": objective, "value": number, "value_type": kind}
            )
        for name, parameter in trial.params.items():
            distribution = trial.distributions[name]
            if (name, distribution) not in texts:
                texts[name, distribution] = distribution_to_json(distribution)
            text = texts[name, distribution]
            number = distribution.to_internal_repr(parameter)
            rows["TrialParamModel"].append(
                {"trial_id": key, "param_name": name, "param_value": number, "distribution_json": text}
            )
        for step, value in trial.intermediate_values.items():
            number, kind = of_step(value)
            rows["TrialIntermediateValueModel"].append(
                {"trial_id": key, "step": step, "intermediate_value": number, "intermediate_value_type": kind}
            )
        for name, attribute in trial.user_attrs.items():
            rows["TrialUserAttributeModel"].append({"trial_id": key, "key": name, "value_json": json.dumps(attribute)})
    return rows
