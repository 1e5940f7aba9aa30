"""Recipes of another tool in the terms of the trainer, and sentences on what was changed and what is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.figures import listed
from automl.records import Params, ParamValue
from automl.setup.foreign.content import Content, Row, bad, is_absent, number
from automl.space.earlier import Earlier
from automl.space.schemas import BOX, Schema, dropped, schema_of, translated
from automl.trainers.ultralytics import schema as trainer

MOST = 1000  # recipes of one file that are considered, the best: at most a few of them run
_NOT_A_RECIPE = ("model", "imgsz", "batch")
_MAY_BE_LISTS = ("freeze", "classes", "scale", "fraction")
_OPTIMIZERS = ("SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Recipes of one source, and sentences on them."""

    recipes: tuple[Earlier, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """The keys of a file, by their use."""

    read: Sequence[str]
    dropped: Mapping[str, str]  # reason by key
    by_auto: Sequence[str]  # that the file's optimizer, auto, ignored
    listed: Sequence[str]  # with several values where one is searched
    of_runs: Sequence[str]  # arguments of the run or of another task
    unknown: Sequence[str]


def understand(content: Content, known: Params, source: str) -> Reading:
    """The content's recipes on the scale of the trainer, with notes. A file that names no optimizer keeps none.

    known   the trainer's keys with their defaults
    source  name of the recipes in the plan

    Raises AutoMLError with the file and the line or key; for a file of which nothing is used it says why.
    """
    rows = sorted(content.rows, key=_rank)[:MOST]
    order = list(dict.fromkeys(key for row in content.rows for key in row.values))
    schema = _schema(content, rows, order) if "optimizer" in known else Schema.EITHER
    keys = _sorted_keys(content, order, schema, known)
    recipes = []
    for row in rows:
        values = {key: value for key, value in row.values.items() if key in keys.read and not is_absent(value)}
        if not set(values) - {"optimizer"}:
            continue
        run = {key: value for key, value in content.run.items() if key in known and key not in keys.dropped}
        values = {**run, **values}
        arguments = {key: _value(content.file, row.line, key, value, known) for key, value in values.items()}
        if arguments.get("optimizer") == "auto" and keys.by_auto:
            del arguments["optimizer"]
        if arguments:
            recipes.append(Earlier(source=source, params=translated(arguments, schema), score=row.score))
    left_out = list(_left_out(content, keys, known))
    if not recipes:
        some = ", ".join([key for key in known if key not in _NOT_A_RECIPE][:6])
        reasons = "".join(f"; {reason}" for reason in left_out)
        passed = "".join(f" {remark}" for remark in content.remarks)
        problem = f"holds no recipe that could be tried{reasons}. A recipe holds arguments such as {some}"
        raise bad(content.file, f"{problem}.{passed}".rstrip("."))
    notes = [_summary(content, recipes, known), *content.remarks, *_on_translation(content, recipes, schema)]
    return Reading(recipes=tuple(recipes), notes=(*notes, *(f"{reason}." for reason in left_out)))


def _rank(row: Row) -> float:
    return -row.score if row.score is not None else 0.0


def _schema(content: Content, rows: Sequence[Row], order: Sequence[str]) -> Schema:
    boxes = [value for row in rows if (value := _float(row.values.get("box"))) is not None]
    return schema_of(order, boxes, content.schema)


def _sorted_keys(content: Content, order: Sequence[str], schema: Schema, known: Params) -> _Keys:
    ultralytics = "optimizer" in known
    lost = dropped(schema, order) if ultralytics else {}
    named = [str(row.values["optimizer"]).lower() for row in content.rows if "optimizer" in row.values]
    named = named or [str(content.run["optimizer"]).lower()] if "optimizer" in content.run else named
    auto = ultralytics and bool(named) and all(name == "auto" for name in named)
    lists = {key for row in content.rows for key, value in row.values.items() if isinstance(value, list | tuple)}
    several = [key for key in order if key in lists and key in _MAY_BE_LISTS]
    kept = [key for key in order if key not in lost and key not in several]
    usable = [key for key in kept if key in known and key not in _NOT_A_RECIPE]
    others = [key for key in kept if key not in usable and not _is_measured(key)]
    return _Keys(
        read=[key for key in usable if not (auto and key in (*trainer.SET_BY_AUTO, "optimizer"))],
        dropped=lost,
        by_auto=[key for key in usable if auto and key in trainer.SET_BY_AUTO],
        listed=[key for key in several if key in known],
        of_runs=[key for key in others if ultralytics and _of_run(key)],
        unknown=[key for key in others if not (ultralytics and _of_run(key))],
    )


def _of_run(key: str) -> bool:
    return key in _NOT_A_RECIPE or trainer.is_argument(key)


def _is_measured(key: str) -> bool:
    """True for a measurement beside the recipes, or an index column, which needs no note."""
    return "/" in key or not key


def _is_empty_somewhere(rows: Sequence[Row], key: str) -> bool:
    return any(is_absent(row.values.get(key)) for row in rows)


def _left_out(content: Content, keys: _Keys, known: Params) -> Iterator[str]:
    """Clauses on the unused keys of a file, each with its reason; a key once, not per row."""
    file = content.file
    if keys.by_auto:
        pronoun = "it" if len(keys.by_auto) == 1 else "them"
        way_out = "; name one in the file, as in optimizer: SGD" if file.suffix in (".yaml", ".yml") else ""
        yield f"{_some(keys.by_auto, file)} not used: its optimizer is auto, which ignores {pronoun}{way_out}"
    reasons: dict[str, list[str]] = {}
    for key, reason in keys.dropped.items():
        reasons.setdefault(reason, []).append(key)
    for reason, dropped_keys in reasons.items():
        plural = reason.replace("have it", "have them").replace("its meaning differs", "their meanings differ")
        yield f"{_some(dropped_keys, file)} left out: {plural if len(dropped_keys) > 1 else reason}"
    if keys.listed:
        yield f"{_some(keys.listed, file)} left out: a list, where one value is searched"
    empty = [key for key in keys.read if known.get(key) is not None and _is_empty_somewhere(content.rows, key)]
    if empty:
        some = "in some recipes" if len(content.rows) > 1 else "there"
        yield f"{_some(empty, file)} empty {some}; this search's own values stand in for them"
    if keys.unknown:
        yield f"{_some(keys.unknown, file)} unknown to the trainer and left out"
    if keys.of_runs:
        yield f"{_some(keys.of_runs, file)} left to this search, which sets its own run"


def _some(keys: Sequence[str], file: Path) -> str:
    """The keys with their file and the verb: 'lr0 and momentum of hyp.yaml are'."""
    return f"{listed(keys)} of {file.name} {'is' if len(keys) == 1 else 'are'}"


def _summary(content: Content, recipes: Sequence[Earlier], known: Params) -> str:
    """Sentence on what a file is, and on the arguments that are taken from it: those unlike the defaults first."""
    changed = {key for recipe in recipes for key, value in recipe.params.items() if value != known.get(key)}
    keys = sorted(dict.fromkeys(key for recipe in recipes for key in recipe.params), key=lambda key: key not in changed)
    if not _names_optimizer(content):
        keys = [key for key in keys if key != "optimizer"]  # of the translation, which says so itself
    if len(content.rows) == 1:
        return f"{content.file.name}, {content.kind}: {listed(keys)} {'is' if len(keys) == 1 else 'are'} read."
    count = f"{len(content.rows)} recipes"
    if len(recipes) < len(content.rows):
        count = f"the best {len(recipes)} of {count}" if len(content.rows) > MOST else f"{len(recipes)} of {count}"
    scores = "" if any(recipe.score is not None for recipe in recipes) else ", without scores, the first ones first"
    return f"{content.file.name}, {content.kind}: {count} with {listed(keys)} are read{scores}."


def _names_optimizer(content: Content) -> bool:
    return "optimizer" in content.run or any(not is_absent(row.values.get("optimizer")) for row in content.rows)


def _on_translation(content: Content, recipes: Sequence[Earlier], schema: Schema) -> Iterator[str]:
    if not schema.is_classic:
        return
    name = content.file.name
    if schema is Schema.CLASSIC and any("box" in recipe.params for recipe in recipes):
        best = recipes[0].params.get("box")
        example = f": {float(best) / BOX:.6g} becomes {best}" if isinstance(best, int | float) else ""
        yield f"box of {name} is translated from YOLOv5's scale to Ultralytics', {BOX:g} times as high{example}."
    elif any("box" in recipe.params for recipe in recipes):
        yield f"box of {name} is on Ultralytics' scale already and is not translated."
    if not _names_optimizer(content):
        yield f"{name} names no optimizer and is taken to be trained with SGD, YOLOv5's default."


def _value(file: Path, line: int | None, key: str, value: Any, known: Params) -> ParamValue:
    """The value in the type of the trainer's default. Raises AutoMLError."""
    default = known.get(key, 0.0)
    if key == "optimizer":
        return _optimizer(str(value))
    if isinstance(default, bool):
        return _switch(value)
    if isinstance(default, int | float):
        amount = number(file, line, key, value)
        if not math.isfinite(amount):
            raise bad(file, f"'{key}' is {value}, not a finite number", line)
        return int(amount) if isinstance(default, int) and amount == int(amount) else amount
    if isinstance(value, str) and default is None:
        amount_or_none = _float(value)
        if amount_or_none is not None and math.isfinite(amount_or_none):
            return int(amount_or_none) if amount_or_none == int(amount_or_none) else amount_or_none
    if isinstance(value, bool | int | float | str):
        return value
    raise bad(file, f"'{key}' is {value!r}, not a single value", line)


def _switch(value: Any) -> ParamValue:
    """True or False as a table or YAML writes it; another value as it is, such as amp's bf16."""
    text = str(value).strip().lower()
    if text in ("true", "yes", "on", "1", "1.0"):
        return True
    if text in ("false", "no", "off", "0", "0.0"):
        return False
    return value if isinstance(value, int | float | str) else str(value)


def _optimizer(name: str) -> str:
    """The optimizer as Ultralytics spells it."""
    return next((known for known in (*_OPTIMIZERS, "auto") if known.lower() == name.strip().lower()), name.strip())


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
