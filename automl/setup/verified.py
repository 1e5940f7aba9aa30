"""Recipes to verify: read from a file or from a study, with data and weights compared with those of the promise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from automl.data.dataset import Dataset, known_fingerprints, read_dataset, write_resolved
from automl.data.holdout import hold_back
from automl.drivers.final_evaluation import as_trained
from automl.errors import AutoMLError, BadData, BadWeights, DataChanged, StudyConflict
from automl.figures import format_cost
from automl.files.home import home_folder
from automl.files.moved import network
from automl.policy.production import PATIENCE
from automl.recipes import Promised, digest_of
from automl.recipes.reading import WrittenRecipe
from automl.records import Params, TrialRow, model_of, weights_for
from automl.reports.overview import Overview
from automl.scores.answer import Answer
from automl.scores.promise import from_scores, of_search
from automl.setup.halves import Place
from automl.setup.resumable import measures_test, with_data, with_weights
from automl.setup.spellings import data_file
from automl.trainers.ultralytics import pretrained, schema, values
from automl.trainers.ultralytics.weights import sha256

_NOT_OF_THE_TRAINER = ("data", "epochs", "patience", "seed", "pretrained", "model")
_PACKAGES = {"automl": "yolo-automl"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Everything that a further training of a recipe is trained with."""

    name: str  # in words
    promised: Promised
    write_data: Callable[[Path], Path]  # writes the data.yaml of the trainings
    params: Params
    fixed: Params
    trainer: str = "ultralytics"
    weights: str | None = None  # file; None: from scratch
    network: str = ""
    seed: int = 0
    study: str = ""
    trial: int | None = None
    cost: str = ""  # of one such training, in words
    notes: Sequence[str] = ()


# -- of a study ---------------------------------------------------------------------------------------


def of_study(overview: Overview, data: Path | None, home: str | Path | None, again: str, place: Place) -> Asked:
    """The recipe that a study hands over, at the length of its answer.

    again  command line to which `--data` can be added, for an error

    Raises StudyConflict before it has an answer, and AutoMLError where its data or weights have changed or are gone.
    """
    answer, study = overview.answer, overview.study
    if answer is None:
        raise StudyConflict(f"no trial of study '{study.name}' has a score yet, so it promises nothing.")
    spec = study.spec
    if spec.trainer == "ultralytics":
        spec = with_weights(spec)
    here = with_data(spec, data, home_folder(home), again)
    row, promised = _promised(overview, answer)
    trial = as_trained(row)
    model = model_of(here, trial.params)
    file, weights = network(here, model), weights_for(here, model)
    if Path(file).is_absolute() and not Path(file).is_file():
        raise AutoMLError(f"the network of study '{study.name}', {model}, is not there. Put the file back.")

    def write_data(target: Path) -> Path:
        dataset = read_dataset(here.data, test=measures_test(here))
        return write_resolved(hold_back(dataset, here.holdout, here.seed), target)

    return Asked(
        name=f"{_trial_words(answer)} of study '{study.name}'",
        promised=promised,
        write_data=write_data if spec.trainer == "ultralytics" else _no_data,
        params=trial.params,
        fixed=here.fixed,
        trainer=here.trainer,
        weights=weights.path if weights is not None else None,
        network=file if file != model else "",
        seed=row.seed,
        study=study.name,
        trial=answer.handed_over.trial.number,
        cost=format_cost(row.slot_s, here.slots.device),
        notes=(*_on_versions(here.versions), *_on_device(here.slots.device, place)),
    )


def _no_data(target: Path) -> Path:
    """A trainer without data reads none."""
    return target


def _trial_words(answer: Answer) -> str:
    number = answer.handed_over.trial.number
    return f"trial {number}" if answer.delivers else f"trial {number} (the defaults)"


def _promised(overview: Overview, answer: Answer) -> tuple[TrialRow, Promised]:
    """The training to repeat, and what is promised of it."""
    side, spec = answer.handed_over, overview.study.spec
    seeds = tuple(sorted({side.trained.seed, side.trial.seed, *range(spec.seed, spec.seed + len(side.scores))}))
    if answer.at_length:
        promise = from_scores(side.scores, side.trained.epochs, patience=PATIENCE, best=True)
        return side.trained, Promised(promise=promise, seeds=seeds)
    of_trial = of_search(side.trial, overview.verdict)
    if of_trial is None:
        raise StudyConflict(f"no trial of study '{overview.study.name}' has a score yet, so it promises nothing.")
    return side.trial, Promised(promise=of_trial, seeds=seeds)


# -- of a file ----------------------------------------------------------------------------------------


def of_recipe(recipe: WrittenRecipe, data: Path | None, home: str | Path | None, place: Place) -> Asked:
    """The recipe of a file, at the length of its figure.

    data  the data.yaml, where the data set has moved; None: the one that the recipe names

    Raises AutoMLError for arguments that cannot be used, and where data or weights are gone or are others.
    """
    arguments = _arguments(recipe)
    file = _data(recipe, data, home)
    weights = _weights(recipe)
    notes = [*_on_versions(_versions(recipe.facts)), *_on_device(_device(recipe.facts), place)]
    if recipe.promised.digest and recipe.promised.digest != digest_of(recipe.arguments):
        notes.append(f"arguments of {recipe.file.name} were changed after the export: its figure was not theirs.")
    if recipe.promised.data is None:
        notes.append("the recipe does not tell the data set's fingerprint: it is taken to be the same.")
    if recipe.older:
        notes.append("the recipe is of an earlier version: its interval is the recorded noise of seeds.")
    model = str(recipe.arguments["model"])
    study, trial = recipe.facts.get("study", ""), re.match(r"\d+", recipe.facts.get("trial", ""))
    return Asked(
        name=str(recipe.file),
        promised=recipe.promised,
        write_data=lambda target: write_resolved(_training(file), target),
        params={},
        fixed={**arguments, "model": _network(recipe.file, model)},
        weights=weights,
        seed=_whole(recipe, "seed", 0),
        study=study,
        trial=int(trial[0]) if trial is not None else None,
        cost=recipe.facts.get("cost of the trial", ""),
        notes=tuple(notes),
    )


def _training(file: Path) -> Dataset:
    """The data set, without a test split that cannot be used: the trainings read none."""
    try:
        return read_dataset(file)
    except BadData:
        return read_dataset(file, test=False)


def _arguments(recipe: WrittenRecipe) -> dict[str, Any]:
    """The arguments of the trainings that were promised. Raises AutoMLError for one that cannot be used."""
    merged = {**recipe.arguments, **recipe.promised.arguments}
    for key in ("model", "data"):
        if not isinstance(merged.get(key), str):
            raise AutoMLError(f"{recipe.file}: '{key}' is missing. Write the recipe again with automl export.")
    result = {key: value for key, value in merged.items() if key not in _NOT_OF_THE_TRAINER}
    known = schema.defaults()
    for key, value in result.items():
        problem = values.problem_of(key, value)
        if problem is not None:
            raise AutoMLError(f"{recipe.file}: {problem.rstrip('.')}.")
        if key not in known:
            made = _versions(recipe.facts).get("ultralytics", "")
            of = f" It was written with ultralytics {made}." if made else ""
            raise AutoMLError(
                f"{recipe.file}: '{key}' is no argument of the installed ultralytics {_installed('ultralytics')}.{of} "
                "Take it out, or install that version."
            )
    return result


def _whole(recipe: WrittenRecipe, key: str, default: int) -> int:
    value = recipe.arguments.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise AutoMLError(f"{recipe.file}: '{key}' is {value!r}, not a whole number of 0 or more.")
    return value


def _network(file: Path, model: str) -> str:
    """The network's file; the packaged one of its name where the recipe's is of another machine."""
    if not Path(model).is_absolute() or Path(model).is_file():
        return model
    name = schema.common_name(re.split(r"[\\/]", model)[-1])
    if name in schema.model_names():
        return name
    raise AutoMLError(f"{file}: its network {model} is not there. Put the file back, or name it as 'model'.")


def _data(recipe: WrittenRecipe, data: Path | None, home: str | Path | None) -> Path:
    """The data.yaml of a recipe, with the content of the promise."""
    named = data if data is not None else Path(str(recipe.arguments["data"]))
    if data is None and not named.is_file():
        raise BadData(str(named), f"no such file. If the data set of {recipe.file} has moved, name it with --data FILE")
    file = data_file(named, home_folder(home)) if data is not None else named
    digest = recipe.promised.data
    if digest is not None and digest not in known_fingerprints(file, test=False):
        raise DataChanged(
            f"{file} is not the data set of {recipe.file}: its images, labels or classes have changed, so a figure "
            "would not compare. Restore it, or name another place of it with --data FILE."
        )
    return file


def _weights(recipe: WrittenRecipe) -> str | None:
    """File of the weights to begin with: those of the search, whose head each seed draws, else the recipe's file."""
    given, digest, known = recipe.arguments.get("pretrained"), recipe.promised.weights, recipe.facts.get("weights", "")
    if not isinstance(given, str):
        if digest is not None:
            raise BadWeights(f"{recipe.file}: its figure began with weights, and 'pretrained' names none. Put it back.")
        return None
    if digest is None and known:
        raise BadWeights(f"{recipe.file}: its figure began from scratch, and 'pretrained' names weights. Take it out.")
    original = pretrained.again(known.partition(" sha256:")[0], digest or "")
    if digest is not None and Path(original).is_file() and sha256(original) == digest:
        return original
    if not Path(given).is_file():
        raise BadWeights(f"{recipe.file}: its initial weights {given} are not there. Put the file back.")
    if recipe.promised.initial is not None and sha256(given) != recipe.promised.initial:
        raise BadWeights(f"{recipe.file}: its initial weights {given} have changed. Write the recipe again.")
    return given


# -- versions and machines ----------------------------------------------------------------------------


def _versions(facts: Mapping[str, str]) -> dict[str, str]:
    """Versions by name of the fact 'automl 0.1.0, python 3.11.2, torch 2.4.1'."""
    pairs = [part.strip().rpartition(" ") for part in facts.get("versions", "").split(",")]
    return {name: number for name, _, number in pairs if name}


def _device(facts: Mapping[str, str]) -> str:
    return "gpu" if facts.get("ran on", "").startswith("a GPU") else "cpu"


def _installed(name: str) -> str:
    if name == "python":
        import platform

        return platform.python_version()
    try:
        return metadata.version(_PACKAGES.get(name, name))
    except metadata.PackageNotFoundError:
        return ""


def _on_versions(known: Mapping[str, str]) -> list[str]:
    """Sentence on the versions that differ from those of the promise."""
    now = {name: _installed(name) for name in known}
    differ = [f"{name} {now[name] or 'not installed'} (was {before})" for name, before in known.items()]
    differ = [text for text, (name, before) in zip(differ, known.items(), strict=True) if now[name] != before]
    return [f"versions differ: {', '.join(differ)}."] if differ else []


def _on_device(before: str, place: Place) -> list[str]:
    names = {"cpu": "a CPU", "gpu": "a GPU"}
    return [] if before == place.kind else [f"trained on {names[place.kind]} now, on {names[before]} before."]
