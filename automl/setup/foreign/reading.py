"""Files and folders of other tools, read as recipes that a search can begin with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from automl.figures import listed
from automl.figures import score as score_text
from automl.records import Params
from automl.setup.foreign import documents, places, tables
from automl.setup.foreign.content import Content, Row, bad, best_of, leaves
from automl.setup.foreign.text import read_text
from automl.setup.foreign.understood import Reading, understand
from automl.space.schemas import Schema

_TABLES = (".csv",)
_YAML = (".yaml", ".yml")


def read_source(path: Path, known: Params, source: str | None = None) -> Reading:
    """Recipes of another tool's file or folder, on the scale of the trainer, and notes on all that was done to them.

    known   the trainer's keys with their defaults
    source  name of the recipes in the plan; None for the file's own

    Raises AutoMLError with the file and the line or key, and where nothing is used, with the reason.
    """
    content = _of_folder(path, known) if path.is_dir() else _of_file(path, known)
    return understand(content, known, source or content.file.name)


def _of_folder(folder: Path, known: Params) -> Content:
    file = places.file_in(folder)
    if file is None:
        return _of_trials(folder)
    content = _of_file(file, known)
    if file.name == "args.yaml":
        content = _with_curve(content, file.with_name("results.csv"))
    where = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name
    return replace(content, remarks=(f"{where} is what was read of the folder {folder}.", *content.remarks))


def _of_file(file: Path, known: Params) -> Content:
    text = read_text(file)
    if file.suffix.lower() in _TABLES:
        return _of_table(file, text, known)
    if file.suffix.lower() in _YAML:
        return _of_yaml(file, text)
    if file.name.startswith("experiment_state"):
        return _of_state(file, text)
    return _with_result(documents.json_recipes(file, text))


def _of_table(file: Path, text: str, known: Params) -> Content:
    table = tables.read_table(file, text)
    if table.is_curve(known):
        return _of_curve(table, known)
    return _with_run(tables.recipes(table, known))


def _of_curve(table: tables.Table, known: Params) -> Content:
    """The recipe beside the curve of one training, with the best score of the curve."""
    file = table.file
    recipe = places.beside(file)
    if recipe is None:
        raise bad(
            file,
            "holds the curve of one training and no recipe. Its recipe is the args.yaml (Ultralytics), hyp.yaml "
            "(YOLOv5) or params.json (Ray Tune) of the same folder, which is not there: name that file",
        )
    content = _of_file(recipe, known)
    remark = f"{file.name} holds the curve of one training and no recipe; {recipe.name} beside it does."
    return _with_score(replace(content, remarks=(remark, *content.remarks)), file, tables.best_epoch(table))


def _with_curve(content: Content, file: Path) -> Content:
    """The content with the best score of its training's curve, if that is there."""
    if not file.is_file():
        return content
    return _with_score(content, file, tables.best_epoch(tables.read_table(file, read_text(file))))


def _with_score(content: Content, file: Path, score: float | None) -> Content:
    if score is None:
        return content
    rows = tuple(replace(row, score=score) for row in content.rows)
    remark = f"Its best mAP50-95 in {file.name} is {score_text(score)}."
    return replace(content, rows=rows, remarks=(*content.remarks, remark))


def _of_yaml(file: Path, text: str) -> Content:
    values = documents.read_yaml(file, text)
    if not documents.is_opt_yaml(values):
        return _with_run(documents.yaml_recipe(file, text))
    arguments, path = documents.opt_yaml(file, text)
    if path is None and set(arguments) - set(documents.OF_RUNS):
        return Content(file=file, kind="the arguments of a YOLOv5 training", rows=(Row(line=None, values=arguments),))
    hyp = next((hyp for hyp in _hyp_files(file, path or "") if hyp.is_file()), None)
    if hyp is None:
        raise bad(file, f"holds no recipe; it names {path or 'none'}, which is not there: name that file")
    content = replace(documents.yaml_recipe(hyp, read_text(hyp)), run=arguments)
    remark = f"{file.name} holds the arguments of a YOLOv5 training; {hyp.name}, which it names, holds the recipe."
    return replace(content, remarks=(remark, *content.remarks))


def _hyp_files(file: Path, path: str) -> Iterator[Path]:
    """Places of the recipe of a YOLOv5 training: the copy in its own folder, then where it was read from."""
    yield file.with_name("hyp.yaml")
    if path:
        yield Path(path)
        yield from (folder / path for folder in file.absolute().parents)


def _with_run(content: Content) -> Content:
    """The content of a YOLOv5 training with the arguments of the opt.yaml beside it that belong to a recipe."""
    opt = content.file.with_name("opt.yaml")
    if content.schema is Schema.ULTRALYTICS or not opt.is_file():
        return content
    arguments, _ = documents.opt_yaml(opt, read_text(opt))
    run = {key: arguments[key] for key in documents.OF_RUNS if key in arguments}
    remark = f"{listed(list(run))} of that training {'is' if len(run) == 1 else 'are'} read from opt.yaml beside it."
    return replace(content, run=run, remarks=(*content.remarks, remark)) if run else content


def _of_state(file: Path, text: str) -> Content:
    """The trials of an experiment of Ray Tune: from their folders beside its state, else from the state itself."""
    if places.trials_in(file.absolute().parent):
        content = _of_trials(file.absolute().parent)
        remark = f"{file.name} holds the state of an experiment; the folders of its trials beside it were read."
        return replace(content, remarks=(remark, *content.remarks))
    return documents.state_of_ray(file, text)


def _of_trials(folder: Path) -> Content:
    """The recipe of each trial of an experiment of Ray Tune, with its best score."""
    rows, scored, names = [], False, set[str]()
    trials = places.trials_in(folder)
    remark = f"{folder.name} has {len(trials)} trials, of which the first {places.MOST_TRIALS} are read."
    for trial in trials[: places.MOST_TRIALS]:
        row, measured = _of_trial(trial)
        rows.append(row)
        names |= measured
        scored = scored or row.score is not None
    content = Content(
        file=folder,
        kind="an experiment of Ray Tune",
        rows=tuple(rows),
        schema=tables.schema_by_scores(names),
        remarks=(remark,) if len(trials) > places.MOST_TRIALS else (),
    )
    return tables.scored(content, has_scores=scored)


def _of_trial(trial: Path) -> tuple[Row, set[str]]:
    """The best result of a trial and the names of its measurements; its recipe alone where it has no result."""
    result = trial / "result.json"
    if result.is_file() and result.stat().st_size:
        content = documents.json_recipes(result, read_text(result))
        if content.rows:
            first = json.loads(read_text(result).splitlines()[0])
            return replace(best_of(content.rows), line=None), {str(name) for name in first}
    parameters = trial / "params.json"
    try:
        values = json.loads(read_text(parameters))
    except json.JSONDecodeError as error:
        raise bad(parameters, f"is not JSON: {error.msg}", error.lineno) from None
    if not isinstance(values, dict):
        raise bad(parameters, "is not a mapping of hyperparameters")
    return Row(line=None, values=leaves(values)), set()


def _with_result(content: Content) -> Content:
    """The recipe of a trial of Ray Tune with its best score, from the results beside it."""
    result = content.file.with_name("result.json")
    if content.file.name != "params.json" or not result.is_file() or not result.stat().st_size:
        return content
    results = documents.json_recipes(result, read_text(result))
    score = best_of(results.rows).score if results.rows else None
    return _with_score(replace(content, schema=results.schema), result, score)
