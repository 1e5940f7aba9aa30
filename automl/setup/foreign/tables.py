"""Tables of recipes as CSV: evolutions, tunings, studies and trials.

YOLOv5's `evolve.csv` (`print_mutation`: metrics, then the recipe, padded with spaces), Ultralytics' older
`tune_results.csv` (fitness, then the recipe), Optuna's `trials_dataframe` (`params_lr0`, `value`, `state`), Ray Tune's
`progress.csv` and `get_dataframe` (`config/lr0`), MLflow's `search_runs` (`params.lr0`), and any other table whose
columns are arguments.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from automl.figures import listed
from automl.setup.foreign.content import SCORES, Content, Row, bad, best_of, is_absent, number, score_of
from automl.space.schemas import CLASSIC, Schema

_PREFIXES = ("params_", "config/", "params.", "config.", "hyp/", "hyp.")
_RANKS = ("value", "values_0")  # objective of an Optuna study


@dataclass(frozen=True, kw_only=True)
class Table:
    """A CSV with a header."""

    file: Path
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]  # number from 1, and its cells

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Number and cells of each line by column, without empty ones."""
        for number_, cells in self.lines:
            pairs = zip(self.header, cells, strict=True)
            yield number_, {name: cell.strip() for name, cell in pairs if name and not is_absent(cell)}

    def is_curve(self, known: Collection[str]) -> bool:
        """True for the epochs of one training, without its arguments."""
        return "epoch" in self.header and not self.arguments(known)

    def arguments(self, known: Collection[str]) -> list[str]:
        """Columns that hold arguments of a recipe."""
        return [name for name in self.header if _argument(name) in known or _argument(name) in CLASSIC]


def read_table(file: Path, text: str) -> Table:
    """The table of a CSV. Raises AutoMLError with the line."""
    reader = csv.reader(io.StringIO(text, newline=""))
    lines: list[tuple[int, tuple[str, ...]]] = []
    try:
        lines += [(reader.line_num, tuple(cells)) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise bad(file, f"cannot be read as CSV ({error})", reader.line_num) from None
    header = tuple(name.strip() for name in lines[0][1]) if lines else ()
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise bad(file, "has no commas between its columns; save it as CSV with commas, and with points in the numbers")
    if len(lines) < 2:
        raise bad(file, "has no line below its header")
    twice = next((name for name, count in Counter(header).items() if name and count > 1), None)
    if twice is not None:
        flat = "; write Optuna's table without multi_index" if twice == "params" else "; keep one of them"
        raise bad(file, f"names the column '{twice}' twice{flat}", lines[0][0])
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise bad(file, f"has {len(cells)} columns where the header has {len(header)}", line)
    return Table(file=file, header=header, lines=tuple(lines[1:]))


def recipes(table: Table, known: Collection[str]) -> Content:
    """The recipes of a table that is no curve."""
    names = set(table.header)
    if "number" in names and names & set(_RANKS) and any(name.startswith("params_") for name in names):
        return _of_optuna(table)
    if any(name.startswith("config/") for name in names):
        return _of_ray(table)
    rows = [_row(table.file, line, cells) for line, cells in table.rows()]
    content = Content(file=table.file, kind="a table of recipes", rows=tuple(rows))
    if "fitness" in names:
        content = replace(content, kind="a tuning of Ultralytics", schema=Schema.ULTRALYTICS)
    elif any(name.startswith("metrics/mAP_0.5") for name in names):
        content = replace(content, kind="an evolution of YOLOv5", schema=Schema.CLASSIC)
    return scored(content, has_scores=bool(names & set(SCORES)))


def best_epoch(table: Table) -> float | None:
    """Best score of a training's curve; None without a column of scores."""
    scores = [score_of(table.file, line, cells) for line, cells in table.rows()]
    finite = [score for score in scores if score is not None and math.isfinite(score)]
    return max(finite, default=None)


def scored(content: Content, *, has_scores: bool | None = None) -> Content:
    """The content without rows that have no score where others have one; a remark tells their number."""
    rows = [row for row in content.rows if row.score is not None and math.isfinite(row.score)]
    if has_scores is None:
        has_scores = any(row.score is not None for row in content.rows)
    if not has_scores or len(rows) == len(content.rows):
        return content
    count = len(content.rows) - len(rows)
    verb = "recipe has no score and is" if count == 1 else "recipes have no score and are"
    remark = f"{count} {verb} left out of {content.file.name}."
    return replace(content, rows=tuple(rows), remarks=(*content.remarks, remark))


def _row(file: Path, line: int, cells: Mapping[str, str]) -> Row:
    values = {_argument(name): cell for name, cell in cells.items() if name not in SCORES}
    return Row(line=line, values=values, score=score_of(file, line, cells))


def _argument(column: str) -> str:
    """Argument that a column is named after: 'lr0' for 'config/train/lr0' and 'params_lr0'."""
    prefix = next((prefix for prefix in _PREFIXES if column.startswith(prefix)), None)
    return column.removeprefix(prefix).rsplit("/", 1)[-1] if prefix else column


def _of_optuna(table: Table) -> Content:
    """Completed trials of a study. Its table does not tell whether high values are good: mAP is, a loss is not."""
    ranked = next(name for name in _RANKS if name in table.header)
    rows: list[Row] = []
    states: Counter[str] = Counter()
    for line, cells in table.rows():
        state = cells.get("state", "COMPLETE")
        if state.rsplit(".", 1)[-1] != "COMPLETE":
            states[state.rsplit(".", 1)[-1]] += 1
            continue
        values = {_argument(name): cell for name, cell in cells.items() if name.startswith("params_")}
        score = number(table.file, line, ranked, cells[ranked]) if ranked in cells else math.nan
        rows.append(Row(line=line, values=values, score=score))
    remarks = [f"Trials of {table.file.name} are ranked by {ranked}, the highest first."]
    if states:
        ended = listed([f"{count} {state}" for state, count in states.items()])
        remarks.append(f"Trials of {table.file.name} that did not complete are left out: {ended}.")
    content = Content(file=table.file, kind="a study of Optuna", rows=tuple(rows), remarks=tuple(remarks))
    return scored(content, has_scores=True)


def _of_ray(table: Table) -> Content:
    """The best line of each trial: `progress.csv` has one for each epoch."""
    trials: dict[str, list[Row]] = {}
    for line, cells in table.rows():
        values = {_argument(name): cell for name, cell in cells.items() if name.startswith("config/")}
        row = Row(line=line, values=values, score=score_of(table.file, line, cells))
        trials.setdefault(cells.get("trial_id", str(line)), []).append(row)
    rows = tuple(best_of(rows) for rows in trials.values())
    return scored(
        Content(file=table.file, kind="a table of Ray Tune", rows=rows, schema=schema_by_scores(table.header))
    )


def schema_by_scores(names: Collection[str]) -> Schema | None:
    """Schema of the tool whose name of mAP50-95 is among the measurements."""
    return Schema.ULTRALYTICS if "metrics/mAP50-95(B)" in names else None
