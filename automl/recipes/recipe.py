"""A trial's complete recipe, as a `hyp.yaml` for Ultralytics or as plain JSON."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from automl.data.resolved import copy_resolved, means_the_same
from automl.errors import AutoMLError, NoSpace, UnknownName
from automl.figures import format_cost, listed
from automl.files import folders
from automl.policy.production import PATIENCE, longer
from automl.records import EvaluationRow, Slots, StudyRow, StudySpec, TrialRow, TrialState
from automl.scores.leaderboard import Verdict, gain
from automl.scores.words import chance_text, production_text, score_definition, unseen_text, verdict_text
from automl.space import EPOCH_KEYS
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.initial import Beginning

FORMATS = ("ultralytics", "json")
LONG = 300  # epochs: the guide's production training
_TITLE = "# Training recipe found by automl."
_JSON = '{\n  "facts": {\n    "study": '  # how the other format begins
# Arguments that follow from the machine or belong to the search, not to the recipe.
_NOT_IN_A_RECIPE = frozenset(("amp", "device", "workers", "cache", "data", "epochs", "seed", "model"))


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trial and what is known of it: what a recipe is written from."""

    study: StudyRow
    trial: TrialRow
    baseline: TrialRow | None
    evaluations: Sequence[EvaluationRow] = ()
    verdict: Verdict | None = None
    production: TrialRow | None = None  # the longer training of what is taken home
    epochs: int | None = None  # of the training that the recipe is for; else the production's, else the trial's own

    @property
    def produced(self) -> TrialRow | None:
        """The production training of this very trial; None where it is another's or none."""
        found = self.production
        trained = found is not None and found.state in (TrialState.COMPLETED, TrialState.CUT)
        return found if found is not None and trained and found.repeats == self.trial.number else None

    @property
    def length(self) -> int:
        """Epochs of the training that the recipe is for."""
        made = self.produced
        return self.epochs or (made.epochs if made is not None else self.trial.epochs)


def write_recipe(subject: Subject, output: Path, format: str) -> Path:
    """Writes the trial's recipe to `output` and returns the path; `hyp.yaml` in a folder.

    For a study with --weights the initial weights go beside it, as a file that Ultralytics loads. So does a data.yaml
    where the user's own would not mean the same to Ultralytics: nothing that a recipe names lies in the study's folder.

    Raises UnknownName for a format, AutoMLError for a study whose trainer has no such recipe, and as `check_place`.
    """
    study = subject.study
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    if study.spec.trainer != "ultralytics":
        raise AutoMLError(f"trials of the trainer '{study.spec.trainer}' have no recipe: nothing was trained.")
    output = check_place(output, format)
    initial = output.with_name(f"{output.stem}-init.pt").absolute() if study.spec.weights is not None else None
    if initial is not None:
        beginning(study, subject.trial).write(initial, folders.cache(study.spec.directory))
    try:
        data = data_of(study.spec)
        if data != Path(study.spec.data):
            data = copy_resolved(data, output.with_name(f"{output.stem}-data.yaml").absolute())
        output.write_text(recipe_text(subject, output.absolute(), format, initial, data), encoding="utf-8")
    except OSError as error:
        raise NoSpace(f"{output} cannot be written ({error.strerror}). Choose another place with -o.") from error
    return output


def check_place(output: Path, format: str = "ultralytics") -> Path:
    """The file that a recipe for `output` goes to; its folder is made.

    Raises NoSpace where nothing can be written, and AutoMLError where a file lies that no export has written.
    """
    file = output / ("hyp.yaml" if format == "ultralytics" else "recipe.json") if output.is_dir() else output
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        there = file.exists()
        with file.open("a", encoding="utf-8"):
            pass
        if not there:
            file.unlink()
        text = file.read_text(encoding="utf-8", errors="replace") if there else ""
    except OSError as error:
        raise NoSpace(f"{output} cannot be written ({error.strerror}). Choose another place with -o.") from error
    if text.strip() and not text.startswith((_TITLE, _JSON)):
        raise AutoMLError(f"{file} exists and is no recipe of automl's. Choose another place, or move it away.")
    return file


def data_of(spec: StudySpec) -> Path:
    """The data.yaml that a recipe names: the user's own where it means to Ultralytics what was trained on, else the
    study's. Where that is gone there is only the user's own."""
    own, resolved = Path(spec.data), folders.data(spec.directory)
    return resolved if resolved.is_file() and not means_the_same(own, resolved) else own


def recipe_text(
    subject: Subject, output: Path, format: str, initial: Path | None = None, data: Path | None = None
) -> str:
    """The recipe as it stands in a file called `output`.

    initial  file of a study's initial weights
    data     the data.yaml that it names; what `data_of` says if left out
    """
    study, trial, epochs = subject.study, subject.trial, subject.length
    made = subject.produced
    data = data or data_of(study.spec)
    facts = {**_facts(study, trial, subject.baseline), **_confirmed_facts(trial, subject.verdict)}
    facts |= _unseen_facts(trial, subject.evaluations)
    if study.spec.holdout:
        below = ", which is `test` in the data.yaml below" * (data != Path(study.spec.data))
        facts["held back"] = f"{study.spec.holdout:.0%} of val{below}"
    given = arguments(study, trial, data, initial)
    if epochs != trial.epochs:
        searched = trial.number if trial.repeats is None else trial.repeats
        changes = longer(study.spec, searched, given, trial.epochs, epochs)
        shares = [key for key in changes if key in EPOCH_KEYS]
        kept = "every other argument is the trial's"
        if shares:
            kept = f"{listed(shares)} {'keeps its' if len(shares) == 1 else 'keep their'} share of it, {kept}"
        elif changes:
            kept = f"{listed(list(changes))} as optimizer=auto has them at that length, {kept}"
        as_made = made is not None and made.epochs == epochs
        asked = "as its production training had" if as_made else "as asked for"
        facts["epochs"] = f"{epochs}, {asked}; searched with {trial.epochs}; {kept}"
        given |= {"epochs": epochs, "patience": PATIENCE if as_made else epochs, **changes}
    if made is not None:
        facts["production"] = production_text(made, study.spec.slots.device, subject.evaluations)
    if format == "ultralytics":
        return render_ultralytics(facts, given, output)
    return json.dumps({"facts": facts, "arguments": given}, indent=2) + "\n"


def arguments(study: StudyRow, trial: TrialRow, data: Path, initial: Path | None) -> dict[str, Any]:
    """Every argument that `yolo train` needs to repeat the trial, with nothing left to a default.

    What the trainer was read back to have applied counts, where a first epoch was reported.
    """
    spec = study.spec
    merged: dict[str, Any] = {**spec.fixed, **trial.params, **(trial.applied or {})}
    model = {**spec.fixed, **trial.params}.get("model")
    known = {key: value for key, value in sorted(merged.items()) if key not in _NOT_IN_A_RECIPE}
    return {
        "model": str(schema.model_yaml(str(model))),
        "data": str(data),
        "epochs": trial.epochs,
        "patience": trial.epochs,  # as in the search: a schedule is run to its end
        "seed": trial.seed,
        "pretrained": str(initial) if initial is not None else False,
        **known,
    }


def beginning(study: StudyRow, trial: TrialRow) -> Beginning:
    """What a trial of a study with --weights began from."""
    spec = study.spec
    return Beginning(
        model=str({**spec.fixed, **trial.params}.get("model")),
        data=spec.data,
        weights=str(spec.weights),
        seed=trial.seed,
    )


def render_ultralytics(facts: Mapping[str, str], arguments: Mapping[str, Any], output: Path) -> str:
    """The text of a `hyp.yaml`: a header of comments, then the arguments."""
    header = "".join(f"# {key}: {value}\n" for key, value in facts.items())
    command = f"yolo detect train cfg={output}"
    body = yaml.safe_dump(dict(arguments), sort_keys=False, allow_unicode=True)
    return f"{_TITLE} Train it with:\n#   {command}\n#\n{header}\n{body}"


def _facts(study: StudyRow, trial: TrialRow, baseline: TrialRow | None) -> Mapping[str, str]:
    spec = study.spec
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
    if trial.epochs < LONG:
        facts["epochs"] = (
            f"{trial.epochs} is the search's horizon; for production: "
            f"automl export {shlex.quote(spec.name)} --trial {trial.number} --epochs {spec.train or LONG} -o hyp.yaml"
        )
    facts |= {
        "cost of the trial": format_cost(trial.slot_s, spec.slots.device),
        "cost of the study": format_cost(study.slot_s, spec.slots.device),
        "data": f"{spec.data} {spec.data_fingerprint}",
        "weights": f"{spec.weights} sha256:{spec.weights_sha256}" if spec.weights else "none (from scratch)",
        "ran on": _machine(spec.slots),
        "versions": ", ".join(f"{k} {v}" for k, v in _versions(spec.versions).items()),
    }
    return facts


def _confirmed_facts(trial: TrialRow, verdict: Verdict | None) -> Mapping[str, str]:
    """What repeats with other seeds said of the trial, and of the defaults."""
    if verdict is None:
        return {}
    facts = {"verdict": verdict_text(verdict)}
    found = verdict.of(trial.number)
    if found is not None:
        score = found.score
        told = (
            f"{score.mean:.4f}, 90 % interval {score.low:.4f} to {score.high:.4f}, best epochs of {found.seeds} seed(s)"
        )
        if found.chance is not None:
            told += f"; chance to beat the defaults {chance_text(found.chance)}"
        facts["confirmed mAP50-95 on val"] = told
    else:
        facts["confirmed mAP50-95 on val"] = "this trial did not run again: its score is one seed's"
    return facts


def _unseen_facts(trial: TrialRow, evaluations: Sequence[EvaluationRow]) -> Mapping[str, str]:
    """What the weights scored on images that the search never saw."""
    facts = {}
    for row in evaluations:
        if row.trial in (0, trial.number) and row.images:
            whose = "" if row.trial == trial.number else ", defaults"
            facts[f"mAP50-95 on {row.split}{whose}"] = unseen_text(row, digits=4)
            if row.low is not None:
                facts[f"intervals on {row.split}"] = "90 %, over the images; the seeds of trainings differ too"
    return facts


def _machine(slots: Slots) -> str:
    """What gives the very same figures: other loaders draw other batches, other threads round otherwise."""
    if slots.device == "gpu":
        return "a GPU"
    return f"a CPU with {slots.threads} thread(s) and workers=0: only so do the figures come back to the digit"


def _versions(of_trainer: Mapping[str, str]) -> dict[str, str]:
    return {"automl": version("yolo-automl"), "python": platform.python_version(), **of_trainer}
