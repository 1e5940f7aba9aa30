"""Recipes as YAML and JSON: one a file, or one a line.

YAML: `hyp.yaml` and `opt.yaml` of YOLOv5, `args.yaml` and `best_hyperparameters.yaml` of Ultralytics, recipes of
automl, `config.yaml` of W&B. JSON: recipes of automl, Ultralytics' `tune_results.ndjson` (`engine/tuner.py`), and Ray
Tune's `params.json` and `result.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl.files.yaml_text import NotYaml, parse_yaml
from automl.setup.foreign.content import Content, Row, bad, best_of, is_absent, leaves, number, score_of
from automl.setup.foreign.tables import schema_by_scores, scored
from automl.space.schemas import CLASSIC, Schema

_OURS = "# Training recipe found by automl."
OF_RUNS = ("optimizer", "cos_lr")  # arguments of YOLOv5's opt.yaml that belong to a recipe
_FOREIGN: Mapping[str, str] = {  # by a key of documents that are no recipes
    "backbone": "describes a network: name it with --models",
    "names": "describes a data set: name it with --data",
    "parameters": "is a search space: name it with --space",
}


def read_yaml(file: Path, text: str) -> Mapping[str, Any]:
    """The mapping of a YAML file, with that of W&B in plain form. Raises AutoMLError with the line."""
    try:
        document = parse_yaml(text)
    except NotYaml as error:
        raise bad(file, f"is not YAML: {error.problem}", error.line) from None
    if not isinstance(document.values, dict):
        raise bad(file, "is not a mapping of hyperparameters, such as 'lr0: 0.01'")
    for line, key in document.repeated:
        raise bad(file, f"names '{key}' twice; keep one of them", line)
    values = {str(key): value for key, value in document.values.items()}
    return _plain(values)


def yaml_recipe(file: Path, text: str) -> Content:
    """The recipe of a YAML file. Raises AutoMLError."""
    values = read_yaml(file, text)
    _check_recipe(file, values)
    kind, schema = "a recipe", None
    if text.startswith(_OURS):
        kind, schema = "a recipe of automl", Schema.ULTRALYTICS
    elif {"task", "mode"} <= set(values):
        kind, schema = "the arguments of an Ultralytics training", Schema.ULTRALYTICS
    elif file.name.startswith("best_hyperparameters"):
        kind, schema = "the best recipe of a tuning of Ultralytics", Schema.ULTRALYTICS
    elif any(key in values for key in CLASSIC):
        kind = "a recipe of classic YOLOv5"
    task = values.get("task", "detect")
    remarks = () if task == "detect" else (f"{file.name} is of a training for the task {task}, not for detection.",)
    return Content(file=file, kind=kind, rows=(Row(line=None, values=values),), schema=schema, remarks=remarks)


def opt_yaml(file: Path, text: str) -> tuple[Mapping[str, Any], str | None]:
    """Arguments of a YOLOv5 training's recipe in its opt.yaml, and the path of its hyp.yaml instead of them."""
    values = read_yaml(file, text)
    hyp = values.get("hyp")
    arguments = {key: values[key] for key in OF_RUNS if not is_absent(values.get(key))}
    if values.get("adam") is True:
        arguments["optimizer"] = "Adam"
    if isinstance(hyp, Mapping):
        return {**hyp, **arguments}, None
    return arguments, str(hyp) if hyp else None


def is_opt_yaml(values: Mapping[str, Any]) -> bool:
    """True for the arguments of a YOLOv5 training, which name its recipe as `hyp`."""
    return "hyp" in values and "lr0" not in values


def json_recipes(file: Path, text: str) -> Content:
    """The recipes of a JSON file: one document, or one on each line. Raises AutoMLError with the line."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        return _of_lines(file, text)
    documents = whole if isinstance(whole, list) else [whole]
    if all(isinstance(document, dict) for document in documents) and documents:
        line = 1 if file.suffix.lower() in (".ndjson", ".jsonl") else None
        return _of_documents(file, [(line, document) for document in documents])
    raise bad(file, 'is not a mapping of hyperparameters, such as {"lr0": 0.01}, nor a list of them')


def _of_lines(file: Path, text: str) -> Content:
    documents: list[tuple[int | None, Mapping[str, Any]]] = []
    for number_, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise bad(file, f"is not JSON: {error.msg}", number_) from None
        if not isinstance(document, dict):
            raise bad(file, "is not a mapping, as each line of Ultralytics' tune_results.ndjson is", number_)
        documents.append((number_, document))
    return _of_documents(file, documents)


def _of_documents(file: Path, documents: Sequence[tuple[int | None, Mapping[str, Any]]]) -> Content:
    """The content of JSON documents, which are of one form as their first tells."""
    if not documents:
        raise bad(file, "is empty")
    first = documents[0][1]
    if file.suffix == ".ndjson" or "hyperparameters" in first:
        return _of_tuning(file, documents)
    if isinstance(first.get("config"), dict):
        return _of_ray(file, documents)
    if isinstance(first.get("arguments"), dict) and "facts" in first:
        rows = [Row(line=None, values=document["arguments"]) for _, document in documents]
        return Content(file=file, kind="a recipe of automl", rows=tuple(rows), schema=Schema.ULTRALYTICS)
    for _, document in documents:
        _check_recipe(file, document)
    plain = [(line, leaves(_plain(document))) for line, document in documents]
    rows = [Row(line=line, values=values, score=score_of(file, line, values)) for line, values in plain]
    kind = "a table of recipes" if len(rows) > 1 else "a recipe"
    kind = "the recipe of a trial of Ray Tune" if file.name == "params.json" else kind
    return scored(Content(file=file, kind=kind, rows=tuple(rows)))


def _of_tuning(file: Path, documents: Sequence[tuple[int | None, Mapping[str, Any]]]) -> Content:
    """Ultralytics' tuning, without iterations of which every training failed."""
    rows, failures = [], 0
    for line, document in documents:
        hyp = document.get("hyperparameters")
        if not isinstance(hyp, dict):
            raise bad(file, "lacks the mapping 'hyperparameters' of Ultralytics' tune_results.ndjson", line)
        failed = set(document.get("failed_datasets") or ())
        score = number(file, line, "fitness", document.get("fitness"))
        if not math.isfinite(score) or (failed and not set(document.get("datasets") or ()) - failed):
            failures += 1
            continue
        rows.append(Row(line=line, values=hyp, score=score))
    trained = "a failed training is" if failures == 1 else "failed trainings are"
    remark = f"{failures} {'iteration' if failures == 1 else 'iterations'} of {file.name} with {trained} left out."
    return Content(
        file=file,
        kind="a tuning of Ultralytics",
        rows=tuple(rows),
        schema=Schema.ULTRALYTICS,
        run=_tuned_with([document for _, document in documents]),
        remarks=(remark,) if failures else (),
    )


def _tuned_with(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Optimizer of a tuning, from the arguments of the first of its trainings that still lies in its folder."""
    folders = [folder for document in documents for folder in dict(document.get("save_dirs") or {}).values()]
    for file in (Path(str(folder)) / "args.yaml" for folder in folders):
        if file.is_file():
            optimizer = read_yaml(file, file.read_text(encoding="utf-8-sig")).get("optimizer")
            return {} if optimizer is None else {"optimizer": optimizer}
    return {}


def _of_ray(file: Path, documents: Sequence[tuple[int | None, Mapping[str, Any]]]) -> Content:
    """The best line of each trial: Ray Tune writes one for each result, with the trial's arguments."""
    trials: dict[str, list[Row]] = {}
    for line, document in documents:
        config = document.get("config")
        if not isinstance(config, dict):
            raise bad(file, "lacks the mapping 'config' of Ray Tune's result.json", line)
        row = Row(line=line, values=leaves(config), score=score_of(file, line, document))
        trials.setdefault(str(document.get("trial_id", "")), []).append(row)
    rows = tuple(best_of(rows) for rows in trials.values())
    return scored(Content(file=file, kind="a trial of Ray Tune", rows=rows, schema=schema_by_scores(documents[0][1])))


def state_of_ray(file: Path, text: str) -> Content:
    """The trials in the state of an experiment of Ray Tune, with their last scores. Its pickles are not opened."""
    try:
        trials = [tuple(map(json.loads, pair)) for pair in json.loads(text)["trial_data"]]
        pairs = [(dict(state["config"]), dict(runtime.get("last_result") or {})) for state, runtime in trials]
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise bad(file, "holds no trials that can be read; name the folder of the experiment") from None
    rows = [Row(line=None, values=leaves(config), score=score_of(file, None, result)) for config, result in pairs]
    schema = schema_by_scores({name for _, result in pairs for name in result})
    return scored(Content(file=file, kind="an experiment of Ray Tune", rows=tuple(rows), schema=schema))


def _plain(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Arguments of W&B, which stand under `value` beside a description; others as they are."""
    inner = {key: value for key, value in values.items() if key not in ("_wandb", "wandb_version")}
    wrapped = [value for value in inner.values() if isinstance(value, Mapping) and "value" in value]
    if not inner or len(wrapped) < len(inner):
        return values
    return {key: value["value"] for key, value in inner.items()}


def _check_recipe(file: Path, values: Mapping[str, Any]) -> None:
    """Raise AutoMLError for a document of another purpose, with the option that takes it."""
    foreign = next((key for key in _FOREIGN if isinstance(values.get(key), list | dict)), None)
    if foreign is not None and "lr0" not in values:
        raise bad(file, f"holds no recipe: it {_FOREIGN[foreign]}")
