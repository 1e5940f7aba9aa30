"""Complete recipe of a trial, as a `hyp.yaml` for Ultralytics or as plain JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automl.data.resolved import copy_resolved, means_the_same
from automl.errors import AutoMLError, NoSpace, UnknownName
from automl.figures import format_cost, listed
from automl.files import folders
from automl.policy.production import PATIENCE, longer
from automl.records import (
    PRODUCTION_EPOCHS,
    EvaluationRow,
    Purpose,
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
from automl.store import read
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.environment import loads_as_yolo
from automl.trainers.ultralytics.initial import Beginning, write_apart

if TYPE_CHECKING:
    from sqlalchemy import Engine

FORMATS = ("ultralytics", "json")
LONG = PRODUCTION_EPOCHS
_TITLE = "# Training recipe found by automl."
_JSON = '{\n  "facts": {\n    "study": '  # beginning of the other format
# Arguments of the machine or of the search, not of the recipe.
_NOT_IN_A_RECIPE = frozenset(("device", "workers", "cache", "data", "epochs", "seed", "model"))


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trial with the facts that its recipe states."""

    study: StudyRow
    trial: TrialRow
    baseline: TrialRow | None
    evaluations: Sequence[EvaluationRow] = ()
    verdict: Verdict | None = None
    production: TrialRow | None = None  # production training, perhaps of another trial
    epochs: int | None = None  # of the training that the recipe is for; None: those of production
    answer: Sequence[tuple[str, str]] = ()  # labelled lines of the study's answer

    @property
    def produced(self) -> TrialRow | None:
        """The ended production training of this very trial; None where there is none, or of another trial."""
        production = self.production
        if production is None or production.repeats != self.trial.number:
            return None
        return production if production.state in (TrialState.COMPLETED, TrialState.CUT) else None

    @property
    def length(self) -> int:
        """Epochs of the training that the recipe is for."""
        spec, production = self.study.spec, self.produced
        if self.epochs is not None:
            return self.epochs
        return production.epochs if production is not None else max(self.trial.epochs, spec.train or LONG)


def subject_of(
    engine: Engine,
    study: StudyRow,
    trial: TrialRow,
    *,
    baseline: TrialRow | None,
    evaluations: Sequence[EvaluationRow],
    verdict: Verdict | None,
    production: TrialRow | None,
    epochs: int | None = None,
    answer: Sequence[tuple[str, str]] = (),
) -> Subject:
    """The subject of a trial's recipe. A production training has the recipe of the trial that it trains for longer."""
    if trial.purpose is Purpose.PRODUCTION and trial.repeats is not None:
        trial, production = read.trial(engine, study.name, trial.repeats), trial
    return Subject(
        study=study,
        trial=trial,
        baseline=baseline,
        evaluations=evaluations,
        verdict=verdict,
        production=production,
        epochs=epochs,
        answer=answer,
    )


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
        write_apart(start, initial, folders.cache(study.spec.directory))
    try:
        data = data_of(study.spec)
        if data != Path(study.spec.data):
            data = copy_resolved(data, output.with_name(f"{output.stem}-data.yaml").absolute())
        output.write_text(recipe_text(subject, output.absolute(), format, initial, data), encoding="utf-8")
    except OSError as error:
        raise NoSpace(f"{output} cannot be written ({error.strerror}). Choose another place with -o.") from error
    return output


def no_recipe_text(trainer: str) -> str:
    """Sentence for a trainer whose trials have no recipe."""
    return f"the trainer '{trainer}' trains no network, so its trials have no recipe."


def check_place(output: Path, format: str = "ultralytics") -> Path:
    """The file that a recipe for `output` is written to; its folder is created.

    Raises NoSpace where nothing can be written, and AutoMLError for a file that no export has written.
    """
    file = output / ("hyp.yaml" if format == "ultralytics" else "recipe.json") if output.is_dir() else output
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        exists = file.exists()
        with file.open("a", encoding="utf-8"):
            pass
        if not exists:
            file.unlink()
        text = file.read_text(encoding="utf-8", errors="replace") if exists else ""
    except OSError as error:
        raise NoSpace(f"{output} cannot be written ({error.strerror}). Choose another place with -o.") from error
    if text.strip() and not text.startswith((_TITLE, _JSON)):
        raise AutoMLError(f"{file} exists and is no recipe of automl's. Choose another place, or move it away.")
    return file


def defaults_beside(output: Path) -> Path:
    """The file beside a recipe for that of the defaults: `hyp-defaults.yaml` for `hyp.yaml`."""
    return output.with_name(f"{output.stem}-defaults{output.suffix}")


def data_of(spec: StudySpec) -> Path:
    """The data.yaml that a recipe names.

    The user's own where Ultralytics reads the same data from it, else the study's; the user's own too where the
    study's is gone.
    """
    own, resolved = Path(spec.data), folders.data(spec.directory)
    return resolved if resolved.is_file() and not means_the_same(own, resolved) else own


def recipe_text(
    subject: Subject, output: Path, format: str, initial: Path | None = None, data: Path | None = None
) -> str:
    """Text of the recipe in a file called `output`.

    initial  file of the trial's initial weights
    data     data.yaml that it names; None: that of `data_of`
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
    if subject.length != trial.epochs:
        fact, changes = _longer(subject, values)
        facts["epochs"] = fact
        values |= changes
    if production is not None:
        facts["production"] = production_text(production, study.spec.slots.device, subject.evaluations)
    if format == "ultralytics":
        return render_ultralytics(facts, values, output)
    return json.dumps({"facts": facts, "arguments": values}, indent=2) + "\n"


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
        "model": str(schema.model_yaml(str(model))),
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
    as_yolo = loads_as_yolo(spec.fixed)
    return Beginning(model=model, data=spec.data, weights=weights.path, seed=trial.seed, as_yolo=as_yolo)


def render_ultralytics(facts: Mapping[str, str], arguments: Mapping[str, Any], output: Path) -> str:
    """Text of a `hyp.yaml`: a header of comments, then the arguments."""
    header = "".join(f"# {key}: {value}\n" for key, value in facts.items())
    command = f"yolo detect train cfg={output}"
    body = yaml.safe_dump(dict(arguments), sort_keys=False, allow_unicode=True)
    return f"{_TITLE} Train it with:\n#   {command}\n#\n{header}\n{body}"


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
