"""Data reports to DataFrames: pure. Text is that of the user's files, which a table shows as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from automl.figures import harmless
from automl.records import DataReport, Finding, Suspect
from dashboards.data_words import class_of, figure, where

BY_CLASS = "_by_class"
SIDES = ("x", "y", "width", "height")
QUANTILES = 5  # least, 5 %, median, 95 % and greatest


class Numbered(NamedTuple):
    """A suspect and its number in the report, from 1."""

    number: int
    suspect: Suspect


def splits_frame(report: DataReport) -> pd.DataFrame:
    """A line a figure, a column a split; those by class have a table of their own."""
    columns = {split: dict(_flat(figures)) for split, figures in report.splits.items()}
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    lines = {split: [figures.get(name, "–") for name in names] for split, figures in columns.items()}
    return pd.DataFrame({"": [name.replace("_", " ") for name in names], **lines})


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        if name.endswith(BY_CLASS):
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}, ")
        elif isinstance(value, list | tuple) and len(value) == QUANTILES:
            yield f"{before}{name}", f"{figure(value[2])} ({figure(value[0])} to {figure(value[4])})"
        else:
            yield f"{before}{name}", figure(value) or f"{len(value)} values"


def classes_frame(report: DataReport) -> pd.DataFrame:
    """A line a class: its images and boxes in each split, most boxes first; without columns where none is known."""
    columns: dict[str, dict[str, int]] = {}
    for split, figures in report.splits.items():
        for name, values in figures.items():
            if name.endswith(BY_CLASS):
                columns[f"{split}, {name.removesuffix(BY_CLASS).replace('_', ' ')}"] = _by_name(values, report.names)
    names = dict.fromkeys([*report.names, *(name for counts in columns.values() for name in counts)])
    frame = pd.DataFrame({title: [counts.get(name, 0) for name in names] for title, counts in columns.items()})
    frame.insert(0, "class", list(names) if columns else [])
    boxes = [title for title in columns if title.endswith("boxes")]
    if not boxes:
        return frame
    order = frame[boxes].sum(axis=1).sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _by_name(values: Any, names: Sequence[str]) -> dict[str, int]:
    pairs = (
        values.items() if isinstance(values, Mapping) else enumerate(values if isinstance(values, list | tuple) else ())
    )
    counts: dict[str, int] = {}
    for key, value in pairs:
        name = class_of(key, names) if isinstance(key, int) else str(key)
        counts[name] = counts.get(name, 0) + (value if isinstance(value, int) else 0)
    return counts


def places_frame(finding: Finding) -> pd.DataFrame:
    """A line a place: file and line, the problem, the other file of a pair, split; without empty columns."""
    frame = pd.DataFrame(
        {
            "place": [where(place.file, place.line) for place in finding.places],
            "problem": [place.text for place in finding.places],
            "and": [place.other for place in finding.places],
            "split": [place.split for place in finding.places],
        }
    )
    return frame[[name for name in frame if name == "place" or any(frame[name])]]


def suspects_frame(suspects: Iterable[Numbered], names: Sequence[str]) -> pd.DataFrame:
    """A line a suspect: number, kind, chance, classes, split, place of the label, reason."""
    rows = list(suspects)
    return pd.DataFrame(
        {
            "number": [number for number, _ in rows],
            "kind": [suspect.kind.value for _, suspect in rows],
            "chance": [suspect.score for _, suspect in rows],
            "label": [class_of(suspect.label_class, names) for _, suspect in rows],
            "model": [class_of(suspect.proposed_class, names) for _, suspect in rows],
            "split": [suspect.split for _, suspect in rows],
            "place": [where(suspect.file, suspect.line) for _, suspect in rows],
            "why": [suspect.why for _, suspect in rows],
        }
    )


def suspects_csv(report: DataReport) -> bytes:
    """Every suspect for a spreadsheet: text that would be a formula there has a `'` before it."""
    lines = [_line(number, suspect, report.names) for number, suspect in enumerate(report.suspects, 1)]
    text: str = pd.DataFrame(lines).to_csv(index=False)
    return text.encode("utf-8", "replace")


def _line(number: int, suspect: Suspect, names: Sequence[str]) -> dict[str, object]:
    line: dict[str, object] = {
        "number": number,
        "kind": suspect.kind.value,
        "score": suspect.score,
        "split": suspect.split,
        "image": suspect.image,
        "label_file": suspect.file,
        "line": suspect.line,
        "class": suspect.label_class,
        "class_name": "" if suspect.label_class is None else class_of(suspect.label_class, names),
        "proposed_class": suspect.proposed_class,
        "proposed_name": "" if suspect.proposed_class is None else class_of(suspect.proposed_class, names),
        **_sides("label", suspect.label),
        **_sides("proposed", suspect.proposed),
        "why": suspect.why,
    }
    return {key: harmless(value) for key, value in line.items()}


def _sides(kind: str, box: tuple[float, ...] | None) -> dict[str, float | None]:
    return {f"{kind}_{side}": None if box is None else box[n] for n, side in enumerate(SIDES)}
