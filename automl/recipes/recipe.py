"""Complete recipe of a trial, as a `hyp.yaml` for Ultralytics or as plain JSON."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automl.data.dataset import read_dataset, write_resolved
from automl.data.holdout import hold_back
from automl.data.resolved import copy_resolved, is_whole, means_the_same, stands_alone
from automl.errors import AutoMLError, NoSpace, UnknownName
from automl.figures import format_cost, listed
from automl.files import folders
from automl.files.moved import network
from automl.files.shell import unfit_for_yolo, yolo_train
from automl.policy.production import PATIENCE, longer
from automl.recipes.place import TITLE, check_place
from automl.recipes.promised import KEY, promised_of
from automl.recipes.subject import Subject
from automl.records import (
    EvaluationRow,
    Slots,
    StudyRow,
    StudySpec,
    TrialRow,
    TrialState,
    model_of,
    weights_for,
)
from automl.scores.leaderboard import Verdict, gain
from automl.scores.words import (
    chance_text,
    gain_text,
    observed_text,
    production_text,
    score_definition,
    unseen_text,
    verdict_text,
)
from automl.space import EPOCH_KEYS
from automl.trainers.ultralytics import pretrained, schema
from automl.trainers.ultralytics.environment import loads_as_yolo
from automl.trainers.ultralytics.initial import Beginning, write_apart

if TYPE_CHECKING:
    pass

FORMATS = ("ultralytics", "json")
# Arguments of the machine or of the search, not of the recipe.
_NOT_IN_A_RECIPE = frozenset(("device", "workers", "cache", "data", "epochs", "seed", "model"))


def write_recipe(subject: Subject, output: Path, format: str) -> Path:
    """Write the trial's recipe to `output`, in a folder as `hyp.yaml`; return its path.

    Nothing that a recipe names lies in the study's folder. Initial weights of a pretrained trial are written beside
    it, as a file that Ultralytics loads. So is a data.yaml, where the user's own means something else to Ultralytics.

    Raises UnknownName for a format, AutoMLError for a trainer without recipes, and as `check_place`.
    """
    study = subject.study
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    if study.spec.trainer != "ultralytics":
        raise AutoMLError(no_recipe_text(study.spec.trainer))
    output = check_place(output, format)
    initial: Path | None = None
    start = beginning(study, subject.trial)
    if start is not None:
        initial = output.with_name(f"{output.stem}-init.pt").absolute()
        _write_initial(start, initial, Path(study.spec.directory))
    try:
        data = _write_data(study.spec, output.with_name(f"{output.stem}-data.yaml").absolute())
        own = _write_network(subject, output.absolute())
        text = recipe_text(subject, output.absolute(), format, initial, data, own)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NoSpace(f"{output} cannot be written ({error.strerror}). Choose another place.") from error
    return output


def _write_initial(start: Beginning, target: Path, directory: Path) -> None:
    """Write initial weights with the study's cache; with a temporary one where the study's folder is not here."""
    if directory.is_dir():
        write_apart(start, target, folders.cache(directory))
        return
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        write_apart(start, target, Path(folder))


def _write_network(subject: Subject, output: Path) -> Path | None:
    """Copy of a network that only the study has kept, beside the recipe; None for any other."""
    spec = subject.study.spec
    file = Path(network(spec, model_of(spec, subject.trial.params)))
    if not file.is_relative_to(spec.directory):
        return None
    copy = output.with_name(f"{output.stem}-{file.name}")  # its name may hold the network's scale
    copy.write_bytes(file.read_bytes())
    return copy


def _write_data(spec: StudySpec, target: Path) -> Path:
    """The data.yaml of a recipe: the user's own, else a copy of the study's, or of the user's after a move."""
    own, chosen = Path(spec.data), data_of(spec)
    if chosen != own:
        return copy_resolved(chosen, target)
    resolved = folders.data(spec.directory)
    if not own.is_file() or not resolved.is_file() or means_the_same(own, resolved):
        return own
    if not spec.holdout and stands_alone(own):
        return own
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        dataset = hold_back(read_dataset(own), spec.holdout, spec.seed)
        return copy_resolved(write_resolved(dataset, Path(folder) / "data.yaml"), target)


def no_recipe_text(trainer: str) -> str:
    """Sentence for a trainer whose trials have no recipe."""
    return f"the trainer '{trainer}' trains no network, so its trials have no recipe."


def data_of(spec: StudySpec) -> Path:
    """The data.yaml that a recipe names.

    The user's own where Ultralytics reads the same data from it, else the study's; the user's own too where the
    study's is gone, or names images that have moved.
    """
    own, resolved = Path(spec.data), folders.data(spec.directory)
    return resolved if is_whole(resolved) and not means_the_same(own, resolved) else own


def recipe_text(
    subject: Subject,
    output: Path,
    format: str,
    initial: Path | None = None,
    data: Path | None = None,
    own: Path | None = None,
) -> str:
    """Text of the recipe in a file called `output`.

    initial  file of the trial's initial weights
    data     data.yaml that it names; None: that of `data_of`
    own      file of its network; None: that of the study
    """
    study, trial, production = subject.study, subject.trial, subject.produced
    data = data or data_of(study.spec)
    stated = {**_facts(study, trial, subject.baseline), **_confirmed_facts(trial, subject.verdict)}
    answer = {f"answer, {label}": text for label, text in subject.answer}
    facts = {"study": stated.pop("study"), **answer, **stated}  # it comes first: `check_place` knows a recipe by it
    facts |= _unseen_facts(trial, subject.evaluations)
    if study.spec.holdout:
        held = f"{study.spec.holdout:.0%} of val"
        whole = data == Path(study.spec.data)
        facts["held back"] = held if whole else f"{held}, which is `test` in the data.yaml below"
    values = arguments(study, trial, data, initial)
    values |= {"model": str(own)} if own is not None else {}
    if subject.length != trial.epochs:
        fact, changes = _longer(subject, values)
        facts["epochs"] = fact
        values |= changes
    if production is not None:
        facts["production"] = production_text(production, study.spec.slots.device, subject.evaluations)
    kept = promised_of(subject, values, arguments(study, trial, data, initial), data, initial)
    if format == "ultralytics":
        kept_line = {KEY: json.dumps(kept.document())} if kept is not None else {}
        return render_ultralytics({**facts, **kept_line}, values, output)
    document = {"facts": facts, "arguments": values}
    document |= {KEY: kept.document()} if kept is not None else {}
    return json.dumps(document, indent=2) + "\n"


def _longer(subject: Subject, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The fact on a training of another length, and the arguments that change for it."""
    trial, production, epochs = subject.trial, subject.produced, subject.length
    searched = trial.number if trial.repeats is None else trial.repeats
    changes = longer(subject.study.spec, searched, values, trial.epochs, epochs)
    shares = [key for key in changes if key in EPOCH_KEYS]
    rest = "every other argument is the trial's"
    if shares:
        rest = f"{listed(shares)} {'keeps its' if len(shares) == 1 else 'keep their'} share of it, {rest}"
    elif changes:
        rest = f"{listed(list(changes))} as optimizer=auto has them at that length, {rest}"
    as_production = subject.epochs is None
    source = "as its production training had" if production is not None and as_production else "for production"
    source = source if as_production else "as asked for"
    fact = f"{epochs}, {source}; searched with {trial.epochs}; {rest}"
    return fact, {"epochs": epochs, "patience": PATIENCE if as_production else epochs, **changes}


def arguments(study: StudyRow, trial: TrialRow, data: Path, initial: Path | None) -> dict[str, Any]:
    """Every argument with which `yolo train` repeats the trial; nothing is left to a default.

    Arguments read back from the trainer with its first epoch take precedence.
    """
    spec = study.spec
    merged: dict[str, Any] = {**spec.fixed, **trial.params, **(trial.applied or {})}
    model = {**spec.fixed, **trial.params}.get("model")
    known = {key: value for key, value in sorted(merged.items()) if key not in _NOT_IN_A_RECIPE}
    if "amp" not in spec.fixed and spec.slots.device == "cpu":  # an earlier version switched it off there
        known.pop("amp", None)
    return {
        "model": str(schema.model_yaml(network(spec, str(model)))),
        "data": str(data),
        "epochs": trial.epochs,
        "patience": trial.epochs,  # as in the search: a schedule is run to its end
        "seed": trial.seed,
        "pretrained": str(initial) if initial is not None else False,
        **known,
    }


def beginning(study: StudyRow, trial: TrialRow) -> Beginning | None:
    """Initial weights of a pretrained trial; None of one that starts from scratch."""
    spec, model = study.spec, model_of(study.spec, trial.params)
    weights = weights_for(spec, model)
    if weights is None:
        return None
    resolved = folders.data(spec.directory)
    data = str(resolved) if not Path(spec.data).is_file() and resolved.is_file() else spec.data
    return Beginning(
        model=network(spec, model),
        data=data,
        weights=pretrained.again(weights.path, weights.sha256),
        seed=trial.seed,
        as_yolo=loads_as_yolo(spec.fixed),
    )


def render_ultralytics(facts: Mapping[str, str], arguments: Mapping[str, Any], output: Path) -> str:
    """Text of a `hyp.yaml`: a header of comments, then the arguments."""
    header = "".join(f"# {key}: {' '.join(value.splitlines())}\n" for key, value in facts.items())
    command = yolo_train(output if not unfit_for_yolo(output) else output.name)
    body = yaml.safe_dump(dict(arguments), sort_keys=False, allow_unicode=True)
    return f"{TITLE} Train it with:\n#   {command}\n#\n{header}\n{body}"


def _facts(study: StudyRow, trial: TrialRow, baseline: TrialRow | None) -> Mapping[str, str]:
    spec = study.spec
    weights = weights_for(spec, model_of(spec, trial.params))
    best = trial.best_map50_95
    facts = {
        "study": spec.name,
        "trial": f"{trial.number} ({trial.origin}), {trial.done_epochs} of {trial.epochs} epochs trained",
        "mAP50-95 on val": "none yet" if best is None else f"{best:.4f} at epoch {trial.best_epoch}, one seed",
        "mAP50 on val": "none yet" if trial.best_map50 is None else f"{trial.best_map50:.4f}",
    }
    above = gain(trial, baseline)
    if trial.score is not None:
        facts["score"] = f"{trial.score:.4f} mAP50-95, {score_definition(trial.epochs)}, by which trials are compared"
    if above is not None and trial.number != 0 and baseline is not None:
        facts["score against the defaults"] = f"{above:+.4f} ({baseline.score:.4f}), one seed each"
    if trial.state is not TrialState.COMPLETED:
        facts["caution"] = f"this trial is {trial.state.value}: {trial.reason or 'it has not reached its last epoch'}"
    facts |= {
        "cost of the trial": format_cost(trial.slot_s, spec.slots.device),
        "cost of the study": format_cost(study.slot_s, spec.slots.device),
        "data": f"{spec.data} {spec.data_fingerprint}",
        "weights": f"{weights.path} sha256:{weights.sha256}" if weights is not None else "none (from scratch)",
        "ran on": _machine(spec.slots),
        "versions": ", ".join(f"{k} {v}" for k, v in _versions(spec.versions).items()),
    }
    return facts


def _confirmed_facts(trial: TrialRow, verdict: Verdict | None) -> Mapping[str, str]:
    """Verdict, and the trial's runs with several seeds."""
    if verdict is None:
        return {}
    facts, estimate = {"verdict": verdict_text(verdict)}, verdict.of(trial.number)
    if estimate is None or not estimate.new_seeds:
        facts["seeds"] = "no seed repeats of this trial: its score is one seed's"
        return facts
    text = f"{observed_text(estimate)} (mAP50-95 on val, {estimate.seeds} seeds)"
    if estimate.chance is not None and estimate.gain is not None:
        text += f"; expected gain {gain_text(estimate.gain, 4)}, {chance_text(estimate.chance)} sure"
    facts["seeds"] = text
    return facts


def _unseen_facts(trial: TrialRow, evaluations: Sequence[EvaluationRow]) -> Mapping[str, str]:
    """Figures of the weights on images that the search never saw."""
    facts = {}
    for row in evaluations:
        if row.trial in (0, trial.number) and row.images:
            owner = "" if row.trial == trial.number else ", defaults"
            facts[f"mAP50-95 on {row.split}{owner}"] = unseen_text(row, digits=4)
            if row.low is not None:
                facts[f"intervals on {row.split}"] = "90 %, over the images; the seeds of trainings differ too"
    return facts


def _machine(slots: Slots) -> str:
    """Machine that gives the very same figures: other loaders draw other batches, other threads round otherwise."""
    if slots.device == "gpu":
        return "a GPU"
    return f"a CPU with {slots.threads} thread(s) and workers=0: only so do the figures come back to the digit"


def _versions(of_trainer: Mapping[str, str]) -> dict[str, str]:
    return {"automl": version("yolo-automl"), "python": platform.python_version(), **of_trainer}
