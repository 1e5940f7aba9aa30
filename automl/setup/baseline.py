"""The trained model that judges labels: a study's, or a weights file of the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from automl.data import Dataset, read_dataset
from automl.errors import AutoMLError, BadData, BadWeights
from automl.figures import listed
from automl.files import folders, moved
from automl.records import ParamValue, StudySpec, TrialRow, model_of, weights_for
from automl.scores import leaderboard
from automl.setup.halves import MOST_EPOCHS, Recipe
from automl.setup.opening import reader
from automl.store import read
from automl.trainers.ultralytics import pretrained
from automl.trainers.ultralytics.predict import Facts, facts_of
from automl.trainers.ultralytics.weights import SUFFIXES, check_weights

_FLAG = "--baseline"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A trained model, and everything that is known of its training."""

    words: str  # for the report: "trial 0 of the study 'cells'"
    weights: Path
    facts: Facts
    imgsz: int
    seen: frozenset[Path] | None  # images that it was trained on; None: unknown
    recipe: Recipe | None  # for the half-trained models
    problem: str = ""  # why there is no such recipe, a sentence's end
    map50_95: float | None = None  # its best on val; None for a file

    def ids(self, dataset: Dataset) -> Mapping[int, int]:
        """Ids of the data set's classes by those of the model's. Classes are the same if their names are.

        Raises BadWeights with the names of the classes that the model lacks.
        """
        own = {name: number for number, name in reversed(list(enumerate(self.facts.names)))}
        names = dataset.names
        if dataset.former_names and not set(names) <= set(own) and set(dataset.former_names) <= set(own):
            names = dataset.former_names  # Ultralytics has read them so from the very file
        lacking = [name for name in names if name not in own]
        if lacking:
            raise BadWeights(
                f"{_FLAG} {self.words}: the model lacks {listed(lacking)} of the classes of {dataset.file}, so it "
                f"cannot judge them; it knows {listed(self.facts.names)}. Give a model of these classes."
            )
        return {own[name]: number for number, name in enumerate(names)}

    def has_seen(self, dataset: Dataset, split: str) -> frozenset[Path]:
        """Images of a split that the model was trained on, as far as that is known.

        A weights file does not name its images. With just these classes it is taken for one of this train split;
        with other classes besides it was trained on other data.
        """
        images = frozenset(dataset.splits[split].images)
        if self.seen is not None:
            resolved = {image.resolve() for image in self.seen}
            return frozenset(image for image in images if image.resolve() in resolved)
        same = set(self.facts.names) in (set(dataset.names), set(dataset.former_names))
        return images if split == "train" and same else frozenset()


def find_baseline(baseline: str | Path, *, home: str | Path | None, db: str | None) -> Baseline:
    """The model that `--baseline` names: a weights file, or a study by its name.

    Raises AutoMLError: UnknownName for a study that there is not, BadWeights for a file that can judge nothing.
    """
    path = Path(baseline).expanduser()
    if path.suffix in SUFFIXES or path.is_file():
        return _of_file(path, str(baseline))
    return _of_study(str(baseline), home, db)


def _of_file(path: Path, words: str) -> Baseline:
    file = check_weights(path, _FLAG)
    facts = facts_of(file)
    imgsz = facts.imgsz or 640
    recipe, problem = None, "its network is none of Ultralytics' own, so no half-trained models can be made like it"
    if facts.model is not None:
        asset = pretrained.asset_of(facts.model)
        start = pretrained.find(asset) if asset is not None else None
        begin = f"from {start.name}" if start is not None else "from scratch, since no pretrained weights are here"
        params: dict[str, ParamValue] = {"model": facts.model, "imgsz": imgsz, "amp": True}
        recipe = Recipe(
            params=params,
            weights=None if start is None else str(start),
            epochs=MOST_EPOCHS,
            origin=f"Ultralytics' defaults for {facts.model} at {imgsz} px, {begin}",
        )
    return Baseline(
        words=words, weights=file, facts=facts, imgsz=imgsz, seen=None, recipe=recipe, problem="" if recipe else problem
    )


def _of_study(name: str, home: str | Path | None, db: str | None) -> Baseline:
    engine = reader(home, db)
    study = read.study(engine, name)
    spec = study.spec
    trials = read.trials(engine, name)
    row = _trial_with_weights(spec, trials)
    if row is None:
        raise AutoMLError(
            f"{_FLAG} {name}: neither trial 0 nor the winner of the study has weights in {spec.directory}. Name a "
            "weights file, or another study."
        )
    weights = folders.trial(spec.directory, row.number) / "best.pt"
    recipe = _recipe(spec, row)
    what = "the baseline" if row.number == 0 else "the winner, since trial 0 has no weights"
    return Baseline(
        words=f"trial {row.number} of the study '{name}' ({what})",
        weights=weights,
        facts=facts_of(weights),
        imgsz=recipe.imgsz,
        seen=_seen(spec),
        recipe=recipe,
        map50_95=row.best_map50_95,
    )


def _trial_with_weights(spec: StudySpec, rows: list[TrialRow]) -> TrialRow | None:
    """Trial 0, or the winner if that alone has weights."""
    candidates = [next((row for row in rows if row.number == 0), None), leaderboard.winner(rows)]
    there = (row for row in candidates if row is not None)
    return next((row for row in there if (folders.trial(spec.directory, row.number) / "best.pt").is_file()), None)


def _recipe(spec: StudySpec, row: TrialRow) -> Recipe:
    """The recipe of a trial, as its own training began."""
    model = model_of(spec, row.params)
    start = weights_for(spec, model)
    file = moved.network(spec, model)
    there = None if start is None else pretrained.again(start.path, start.sha256)
    usable = there is not None and Path(there).is_file()
    begin = f"from {Path(str(there)).name}" if usable else "from scratch"
    return Recipe(
        params={**spec.fixed, **row.params},
        weights=there if usable else None,
        epochs=min(row.epochs, MOST_EPOCHS),
        seed=row.seed,
        network=file if file != model else "",
        origin=f"the recipe of trial {row.number}, {begin}",
    )


def _seen(spec: StudySpec) -> frozenset[Path] | None:
    """Images of the study's own train split; None if its data set cannot be read any more."""
    try:
        return frozenset(read_dataset(folders.data(spec.directory), test=False).train.images)
    except BadData:
        return None
