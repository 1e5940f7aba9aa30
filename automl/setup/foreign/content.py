"""Content of a file of another tool, before its arguments are understood, and errors that name its place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError
from automl.space.schemas import Schema

# Scores by which tools rank trainings, the closest to mAP50-95 first. Higher is better.
SCORES = (
    *("metrics/mAP50-95(B)", "metrics/mAP_0.5:0.95", "metrics/mAP_0.5:0.95(B)"),
    *("mAP50-95", "mAP_0.5:0.95", "mAP@0.5:0.95", "map50_95", "map50-95", "fitness"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recipe of a file."""

    line: int | None  # from 1, of a file with a recipe on each line
    values: Mapping[str, Any]
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """Recipes of one file or folder, as their tool wrote them."""

    file: Path  # that holds the recipes
    kind: str  # "an evolution of YOLOv5"
    rows: tuple[Row, ...]
    schema: Schema | None = None  # of the tool that wrote it, where the form of the file tells
    run: Mapping[str, Any] = field(default_factory=dict)  # arguments that another file of the same training names
    remarks: tuple[str, ...] = ()  # sentences on where it was read from, and on rows that were passed over


def bad(file: Path, problem: str, line: int | None = None) -> AutoMLError:
    """Error of the option that names the file, the line if there is one, and the problem."""
    where = f"{file}:{line}" if line is not None else f"{file}"
    return AutoMLError(f"--warm-start {where}: {problem}.")


def number(file: Path, line: int | None, key: str, value: Any) -> float:
    """The value as a number. Raises AutoMLError."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        comma = isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+,\d+\s*", value)
        hint = "; write decimals with a point" if comma else ""
        raise bad(file, f"'{key}' is {value!r}, not a number{hint}", line) from None


def score_of(file: Path, line: int | None, values: Mapping[str, Any]) -> float | None:
    """Score of a training among its measurements; None without any, NaN for an empty one. Raises AutoMLError."""
    name = next((name for name in SCORES if name in values), None)
    if name is None:
        return None
    return math.nan if is_absent(values[name]) else number(file, line, name, values[name])


def is_absent(value: Any) -> bool:
    """True for an empty cell, and for NaN, with which tables mark one."""
    if isinstance(value, str):
        return value.strip().lower() in ("", "nan", "none", "null", "na", "n/a")
    return value is None or (isinstance(value, float) and math.isnan(value))


def leaves(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of nested mappings by their own names, without Ray Tune's pickles; of equal names the outer one."""
    if "CLOUDPICKLE_FALLBACK" in values.values():
        return {}
    flat = {str(key): value for key, value in values.items() if not isinstance(value, Mapping)}
    for value in values.values():
        if isinstance(value, Mapping):
            flat = {**leaves(value), **flat}
    return flat


def best_of(rows: Sequence[Row]) -> Row:
    """The row with the best score; the first without any."""
    return max(rows, key=lambda row: row.score if row.score is not None and math.isfinite(row.score) else -math.inf)
