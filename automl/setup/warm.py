"""Earlier trainings: of this store, of a named study, and of the files of other tools.

Formats: YOLOv5's `evolve.csv` (`utils/general.py`, `print_mutation`: metrics, then the recipe, padded with
spaces), Ultralytics' `tune_results.ndjson` (`engine/tuner.py`, one JSON object a line) and its older
`tune_results.csv` (fitness, then the recipe), and one recipe as YAML in either schema.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.costs.budget import Ledger, limits_of
from automl.data.dataset import known_fingerprints
from automl.errors import AutoMLError, UnknownName
from automl.figures import listed
from automl.files.yaml_text import NotYaml, parse_yaml
from automl.policy import Search
from automl.records import Params, ParamValue, StudyRow, VariantWeights, model_of, weights_for
from automl.sampler import open_sampler
from automl.setup import request
from automl.space import SearchSpace, portfolio
from automl.space.earlier import Earlier
from automl.store import read
from automl.trainers.ultralytics import schema

if TYPE_CHECKING:
    from sqlalchemy import Engine

STUDIES = 5  # best earlier studies of the same data that are used without being named
FORMATS = (".csv", ".ndjson", ".jsonl", ".yaml", ".yml")
_SCORES = ("metrics/mAP_0.5:0.95", "metrics/mAP50-95(B)", "fitness")
_NOT_A_RECIPE = ("model", "imgsz", "batch")
_SET_BY_AUTO = ("optimizer", "lr0", "momentum", "warmup_bias_lr")


def with_earlier(engine: Engine, checked: request.Checked) -> request.Checked:
    """The checked request with the results of earlier trainings, and a sentence on the studies that nobody named.

    Raises AutoMLError for a source that cannot be used; it names the file and the line or key.
    """
    search = checked.request
    checked = replace(checked, same_data=_digests(engine, checked))
    sources = [_of_source(engine, source, checked) for source in search.warm_start]
    earlier = [training for trainings, _ in sources for training in trainings]
    notes = [note for _, lines in sources for note in lines]
    counts = {}
    for row in _same_data(engine, checked) if search.reuse else ():
        trainings = list(_of_study(engine, row, checked))
        if trainings and row.name not in {training.source for training in earlier}:
            earlier += trainings
            counts[row.name] = len(trainings)
    return replace(checked, earlier=tuple(earlier), notes=(*checked.notes, *notes, *_on_unnamed(counts)))


def _on_unnamed(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Sentence on the trials of each study that nobody named; nothing without trials."""
    if not counts:
        return ()
    trials = ", ".join(f"{count} of '{name}'" for name, count in counts.items())
    return (f"Begins with results of earlier trials on the same data: {trials} (switch off: --no-warm-start).",)


def _digests(engine: Engine, checked: request.Checked) -> frozenset[str]:
    """Digests by which earlier studies may know the data, with the test split that this search does not look at."""
    known, file = checked.same_data, str(checked.dataset.file)
    others = (row.spec for row in read.studies(engine) if row.spec.data_fingerprint not in known)
    if checked.request.test or not any(spec.data == file for spec in others):
        return known
    return known.union(known_fingerprints(file, test=False))


def _same_data(engine: Engine, checked: request.Checked) -> list[StudyRow]:
    alike = [
        row
        for row in read.studies(engine)
        if row.spec.data_fingerprint in checked.same_data and row.spec.trainer == checked.request.trainer
    ]
    best = sorted(alike, key=lambda row: -(row.best_map50_95 or 0.0))[:STUDIES]  # of equals the newest
    names = {row.name for row in best}
    return [row for row in alike if row.name in names]


def _of_source(engine: Engine, source: str, checked: request.Checked) -> tuple[list[Earlier], list[str]]:
    """Trainings of a file or a study, and notes on what is not used of them."""
    file = Path(source).expanduser()
    if file.suffix in FORMATS or os.path.isfile(file):  # noqa: PTH113 (False where the name is too long for a path)
        return read_file(file, request.known_keys(checked.request.trainer))
    try:
        row = read.study(engine, source)
    except UnknownName as error:
        raise AutoMLError(
            f"--warm-start {source}: no such file, and {error} Files end in {', '.join(FORMATS)}."
        ) from None
    if row.spec.trainer != checked.request.trainer:
        raise AutoMLError(
            f"--warm-start {source}: that study's trainer is {row.spec.trainer}, this one's {checked.request.trainer}. "
            "Its parameters mean nothing here; leave it out."
        )
    return list(_of_study(engine, row, checked)), []


def _of_study(engine: Engine, row: StudyRow, checked: request.Checked) -> Iterator[Earlier]:
    """The study's trials with their scores at the horizon, extrapolated by its own search if they were stopped."""
    spec, search = row.spec, checked.request
    known = request.known_keys(spec.trainer)
    holdout = search.holdout or 0.0
    same = (
        spec.data_fingerprint in checked.same_data
        and (spec.trainer, spec.holdout) == (search.trainer, holdout)
        and (not holdout or spec.seed == search.seed)
        and ("amp" in spec.fixed or spec.slots.device == "cpu")  # earlier versions took another precision on a GPU
    )
    rows = read.trials(engine, row.name)
    sampler = open_sampler("random", SearchSpace.from_document(spec.space), 0)
    searched = replace(spec, sampler="random", warm=(), confirming=None)
    past = Search(searched, sampler, Ledger(limits_of(searched)))
    past.replay(rows, read.epochs(engine, row.name))
    for trial in reversed(rows):
        score = past.runs[trial.number].told
        if score is not None and trial.purpose.searched:
            model = model_of(spec, trial.params)
            alike = same and _digest(weights_for(spec, model)) == _digest(checked.weights_for(model))
            yield Earlier(
                source=row.name,
                params={**known, **spec.fixed, **trial.params},
                score=score,
                done_epochs=trial.done_epochs,
                epochs=spec.epochs if alike else None,
            )


def _digest(weights: VariantWeights | None) -> str | None:
    return weights.sha256 if weights is not None else None


def read_file(file: Path, known: Params) -> tuple[list[Earlier], list[str]]:
    """Recipes of another tool's file, on the scale of the trainer, and notes on what is left out.

    known  the trainer's keys with their defaults; other columns are left out

    Ultralytics' files name no optimizer. Its default, auto, ignores lr0, momentum and warmup_bias_lr, so those
    are left out unless the file names an optimizer. Every full recipe has arguments of the search or of another
    task too; they are left out without a note.

    Raises AutoMLError with the file and the line or key.
    """
    if file.is_dir():
        raise _bad(file, f"is a folder; name a file that ends in {', '.join(FORMATS)}")
    if file.suffix not in FORMATS:
        raise _bad(file, f"is of a kind that is not known; files end in {', '.join(FORMATS)}")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _bad(file, "is no text in UTF-8") from None
    except OSError as error:
        raise _bad(file, f"cannot be read ({error.strerror}). Check the path") from None
    try:
        rows = list(_rows(file, text))
        recipes = [
            Earlier(source=file.name, params=params, score=score)
            for line, hyp, score in rows
            if (params := _recipe(file, line, hyp, known))
        ]
    except (csv.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _bad(file, f"cannot be read ({error})") from None
    left_out = _left_out(file, [hyp for _, hyp, _ in rows], known)
    if not recipes:
        some = ", ".join([key for key in known if key not in _NOT_A_RECIPE][:6])
        reasons = "".join(f"; {reason}" for reason in left_out)
        raise _bad(file, f"holds no recipe that could be tried{reasons}. A recipe holds arguments such as {some}")
    return recipes, [f"{reason}." for reason in left_out]


Row = tuple[int | None, Mapping[str, Any], float | None]  # line, recipe, score


def _rows(file: Path, text: str) -> Iterator[Row]:
    if file.suffix == ".csv":
        return _csv_rows(file, text)
    if file.suffix in (".yaml", ".yml"):
        return iter([(None, _yaml_mapping(file, text), None)])
    return _json_rows(file, text)


def _csv_rows(file: Path, text: str) -> Iterator[Row]:
    lines = list(csv.reader(text.splitlines()))
    if len(lines) < 2:
        raise _bad(file, "has no line below its header")
    header = [name.strip() for name in lines[0]]
    scored = next((header.index(name) for name in _SCORES if name in header), None)
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise _bad(file, f"has {len(cells)} columns where the header has {len(header)}", number)
        values = {name: _number(file, number, name, cell) for name, cell in zip(header, cells, strict=True)}
        score = None if scored is None else values[header[scored]]
        if score is None or math.isfinite(score):
            yield number, values, score


def _json_rows(file: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise _bad(file, f"is not JSON: {error.msg}", number) from None
        hyp = document.get("hyperparameters") if isinstance(document, dict) else None
        if not isinstance(hyp, dict):
            raise _bad(file, "lacks the mapping 'hyperparameters' of Ultralytics' tune_results.ndjson", number)
        failed = document.get("failed_datasets") or ()
        score = _number(file, number, "fitness", document.get("fitness"))
        if math.isfinite(score) and (not failed or set(document.get("datasets") or ()) - set(failed)):
            yield number, hyp, score


def _yaml_mapping(file: Path, text: str) -> Mapping[str, Any]:
    try:
        document = parse_yaml(text)
    except NotYaml as error:
        raise _bad(file, f"is not YAML: {error.problem}", error.line) from None
    if not isinstance(document.values, dict):
        raise _bad(file, "is not a mapping of hyperparameters, such as 'lr0: 0.01'")
    for line, key in document.repeated:
        raise _bad(file, f"names '{key}' twice; keep one of them", line)
    return {str(key): value for key, value in document.values.items()}


def _recipe(file: Path, line: int | None, hyp: Mapping[str, Any], known: Params) -> dict[str, ParamValue]:
    """Arguments of a row for the trainer, on its scale."""
    usable = {key: value for key, value in hyp.items() if key in known or key in portfolio.CLASSIC}
    values = {key: _value(file, line, key, value, known) for key, value in usable.items()}
    if "optimizer" in known:
        if portfolio.is_classic(values):
            values = portfolio.translated(values)
        elif _is_auto(values):
            values = {key: value for key, value in values.items() if key not in _SET_BY_AUTO}
    return {key: value for key, value in values.items() if key in known and key not in _NOT_A_RECIPE}


def _left_out(file: Path, hyps: Sequence[Mapping[str, Any]], known: Params) -> list[str]:
    """Clauses on the unused keys of a file, each with the reason and the remedy; a key once, not per row."""
    ultralytics = "optimizer" in known
    classic = [hyp for hyp in hyps if ultralytics and portfolio.is_classic(hyp)]
    of_classic = {key for hyp in classic for key in hyp if key in (*portfolio.CLASSIC, "cls_pw")}
    by_auto = [hyp for hyp in hyps if ultralytics and hyp not in classic and _is_auto(hyp)]
    ignored = {key for hyp in by_auto for key in hyp if key in _SET_BY_AUTO and key != "optimizer"}
    unknown = {key for hyp in hyps for key in hyp if not _is_known(key, known)} - of_classic
    order = list(dict.fromkeys(key for hyp in hyps for key in hyp))
    clauses = []
    if ignored:
        reason, remedy = "the file names no optimizer, and auto would ignore", "add optimizer: SGD"
        if any("optimizer" in hyp for hyp in by_auto):
            reason, remedy = "the file's optimizer is auto, which ignores", "name one, as in optimizer: SGD"
        if file.suffix not in (".yaml", ".yml"):
            remedy = "write the recipe as YAML with optimizer: SGD"
        pronoun = "it" if len(ignored) == 1 else "them"
        clauses.append(f"{_some(order, ignored, file)} not used: {reason} {pronoun}; {remedy}")
    if of_classic:
        clauses.append(f"{_some(order, of_classic, file)} left out: only classic YOLOv5 has such arguments")
    if unknown:
        clauses.append(f"{_some(order, unknown, file)} unknown to the trainer and left out")
    return clauses


def _is_auto(hyp: Mapping[str, Any]) -> bool:
    """True if the trainer would choose the recipe's optimizer, learning rate and momentum by itself."""
    return str(hyp.get("optimizer", "auto")).lower() == "auto"


def _is_known(key: str, known: Params) -> bool:
    """True for an argument of the trainer, and for a measurement beside the recipes, which needs no note."""
    measured = key in _SCORES or "/" in key or not key
    return measured or key in known or ("optimizer" in known and schema.is_argument(key))


def _some(order: Sequence[str], keys: Collection[str], file: Path) -> str:
    """The keys in the order of the file, with the verb: 'lr0 and momentum of hyp.yaml are'."""
    return f"{listed([key for key in order if key in keys])} of {file.name} {'is' if len(keys) == 1 else 'are'}"


def _value(file: Path, line: int | None, key: str, value: Any, known: Params) -> ParamValue:
    default = known.get(key, 0.0)
    if isinstance(default, int | float) and not isinstance(default, bool):
        number = _number(file, line, key, value)
        if not math.isfinite(number):
            raise _bad(file, f"'{key}' is {value}, not a finite number", line)
        return int(number) if isinstance(default, int) and number == int(number) else number
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise _bad(file, f"'{key}' is {value!r}, not a single value", line)


def _number(file: Path, line: int | None, key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise _bad(file, f"'{key}' is {value!r}, not a number", line) from None


def _bad(file: Path, problem: str, line: int | None = None) -> AutoMLError:
    where = f"{file}:{line}" if line is not None else f"{file}"
    return AutoMLError(f"--warm-start {where}: {problem}.")


__all__: Sequence[str] = ("read_file", "with_earlier")
