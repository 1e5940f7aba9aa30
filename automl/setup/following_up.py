"""The search that follows from a diagnosis: space file, options, command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automl.diagnosis.follow_up import order_of, space_of
from automl.errors import AutoMLError
from automl.files.atomic import replacing
from automl.files.home import shipped
from automl.files.shell import quoted
from automl.files.yaml_text import parse_yaml
from automl.records import Purpose, StudyRow, TrialRow
from automl.records.diagnosis import Diagnosis, FollowUp
from automl.space import POINT
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

_POINT = (POINT, "model", "imgsz")


def follow_up(engine: Engine, study: StudyRow, row: TrialRow, diagnoses: Sequence[Diagnosis]) -> FollowUp:
    """The search that follows from the symptoms of one trial. Raises AutoMLError where they ask for none."""
    named = [diagnosis for diagnosis in diagnoses if diagnosis.space or diagnosis.change]
    if not named:
        raise AutoMLError(
            f"trial {row.number} of study '{study.name}' shows nothing that another search could mend. "
            "Look at another one with --trial N."
        )
    known = parse_yaml(shipped("configs/spaces/scratch-low.yaml").read_text(encoding="utf-8")).values["parameters"]
    values = {**study.spec.fixed, **row.params, **(row.applied or {})}
    moved = {
        name: value
        for name, value in row.params.items()
        if name not in _POINT and name in study.spec.fixed and study.spec.fixed[name] != value
    }
    options, notes = _options(engine, study, row, named)
    return FollowUp(
        study=study.name,
        trial=row.number,
        space=space_of(named, known, values, moved) if study.spec.trainer == "ultralytics" else {},
        order=order_of(named),
        data=study.spec.data,
        budgets=study.spec.budgets,
        options=options,
        notes=tuple(notes),
    )


def check_space_file(file: Path) -> None:
    """Check that a space can be written there, before anything is predicted. Raises AutoMLError."""
    if file.suffix.lower() not in (".yaml", ".yml"):
        raise AutoMLError(f"-o {file}: a space is a YAML file. Name one such as space.yaml.")
    if not file.parent.is_dir():
        raise AutoMLError(f"-o {file}: there is no folder {file.parent}. Make it first, or name another place.")
    if file.is_dir():
        raise AutoMLError(f"-o {file} is a folder. Name a file such as {file / 'space.yaml'}.")


def write_space(follow: FollowUp, file: Path) -> Path | None:
    """Write the space file, which the command reads; None where the space stays as it is. Raises AutoMLError."""
    if not follow.space:
        return None
    title = f"Follows from the diagnosis of trial {follow.trial} of the study '{follow.study}'."
    text = yaml.safe_dump({"description": title, **follow.space}, sort_keys=False, default_flow_style=None, width=120)
    try:
        with replacing(file) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AutoMLError(f"-o {file} cannot be written ({error.strerror}). Name another place.") from error
    return file


def command_of(follow: FollowUp, words: str) -> str:
    """Command line that starts the search.

    words  the `--db` option with which it reaches the database
    """
    parts = ["automl", "search", "--data", follow.data]
    for budget in follow.budgets:
        parts += ["--budget", budget]
    for name, value in follow.options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            parts.append(flag)
        elif isinstance(value, list | tuple):
            joined = name in ("models", "imgsz")
            parts += [flag, ",".join(map(str, value))] if joined else [w for item in value for w in (flag, str(item))]
        else:
            parts += [flag, str(value)]
    return f"{quoted(*parts)}{words}"


def _options(
    engine: Engine, study: StudyRow, row: TrialRow, diagnoses: Sequence[Diagnosis]
) -> tuple[dict[str, Any], list[str]]:
    """Options of the search, and sentences on those that change."""
    spec = study.spec
    change: dict[str, Any] = {}
    for diagnosis in reversed(diagnoses):
        change |= diagnosis.change
    notes: list[str] = []
    weights = [own.path for own in spec.weights_of] or ([spec.weights] if spec.weights else [])
    models = [str(change["models"])] if "models" in change else list(spec.models)
    if "models" in change:
        weights, notes = ["auto"], [f"The weights of {models[0]} are looked for; name others with --weights."]
    options: dict[str, Any] = {
        "models": models,
        "imgsz": [int(change["imgsz"])] if "imgsz" in change else list(spec.imgsz),
        "epochs": int(change.get("epochs", spec.epochs)),
        "weights": ",".join(weights) or "none",
        "warm_start": [study.name],
        "name": _free_name(engine, study.name),
    }
    if row.purpose is Purpose.PRODUCTION:
        options |= {"epochs": spec.epochs, "train": int(change.get("epochs", row.epochs))}
    elif not spec.train:
        options["recipe_only"] = True
    if spec.trainer != "ultralytics":
        options["trainer"] = spec.trainer
        del options["weights"]
    if spec.slots.device == "cpu":
        options |= {"device": "cpu", "slots": spec.slots.count}
    return options, notes


def _free_name(engine: Engine, name: str) -> str:
    """Name of the study that follows: 'cells-2' for 'cells', 'cells-3' where that exists."""
    names = {row.name for row in read.studies(engine)}
    number = 2
    while f"{name}-{number}" in names:
        number += 1
    return f"{name}-{number}"
