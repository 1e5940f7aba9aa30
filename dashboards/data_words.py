"""Sentences of a data report on the page: pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from automl.figures import duration, listed, moment
from automl.files.shell import quoted
from automl.records import CheckRow, DataReport, Place, Recommendation, Severity, Source, StudyRow, Suspect

SOURCES = {
    Source.GUIDE: "Ultralytics' guide",
    Source.MEASUREMENT: "measured",
    Source.TRAINER: "the trainer's own rules",
}
BADGES = {
    Severity.ERROR: ":red-badge[error]",
    Severity.WARNING: ":orange-badge[warning]",
    Severity.NOTE: ":gray-badge[note]",
}
HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes"}


def counted(count: int, noun: str) -> str:
    """'1 error', '1,200 errors', 'no errors'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}" if count else f"no {noun}s"


def counts(row: CheckRow) -> str:
    """Numbers of findings by severity, without those that are zero: '3 errors, 1 note'."""
    numbers = {"error": row.errors, "warning": row.warnings, "note": row.notes}
    return ", ".join(counted(count, noun) for noun, count in numbers.items() if count) or "nothing found"


def verdict(row: CheckRow) -> str:
    """The verdict in one or two sentences."""
    suspects = f" {counted(row.suspects, 'label')} may be wrong." if row.suspects else ""
    if row.errors:
        return f"These data cannot be trained on as they are: {counts(row)}.{suspects}"
    if row.warnings:
        return f"These data can be trained on, and are likely to cost accuracy: {counts(row)}.{suspects}"
    return f"These data can be trained on: {counts(row)}.{suspects}"


def short(data: str) -> str:
    """The last two parts of a path."""
    return "/".join(data.replace("\\", "/").rsplit("/", 2)[-2:])


def choice(row: CheckRow) -> str:
    """A report among others: time, data, counts, study."""
    study = f" · start of {row.study}" if row.study else ""
    return f"{moment(row.at)} · {short(row.data)} · {counts(row)}{study}"


def checked(row: CheckRow, report: DataReport | None) -> str:
    """Time, cost, size and origin of a check, in a line."""
    took = f" in {duration(report.seconds)}" if report is not None and report.seconds else ""
    version = f" by automl {row.version}" if row.version else ""
    began = f" · at the start of study {row.study}" if row.study else ""
    size = f"{counted(row.images, 'image')}, {counted(row.boxes, 'box').replace('boxs', 'boxes')}"
    content = f"fingerprint {row.fingerprint}" if row.fingerprint else "no fingerprint: not all of the data can be read"
    return f"Checked {moment(row.at)}{version}{took}{began} · {size} · {content}"


def other_state(row: CheckRow, study: StudyRow) -> str:
    """Sentence on a report that is not of the very data of the study; else empty."""
    if row.study == study.name or row.fingerprint == study.spec.data_fingerprint:
        return ""
    return f"Study {study.name} was begun on another state of this data set, or on other splits of it."


def unread(count: int) -> str:
    """Sentence on entries that only another version can read; empty without any."""
    if not count:
        return ""
    what = "1 entry of this report is" if count == 1 else f"{count:,} entries of this report are"
    return f"{what} left out here: this version of automl cannot read all of it. Check the data again."


def held_study(study: StudyRow) -> str:
    """Sentences on the images that the study never saw."""
    spec = study.spec
    held = f"{spec.holdout:.0%} of val was held back from the search. " if spec.holdout else ""
    return held + (f"The final evaluation is on {spec.unseen}." if spec.unseen else "No split was kept unseen.")


def check_command(data: str, options: str) -> str:
    """Command line that makes a report. `options`: further words, such as those that name the database."""
    return f"{quoted('automl', 'check', '--data', data)}{options}"


def where(file: str, line: int | None) -> str:
    """A place as editors open it: 'a.txt:3'."""
    return file if line is None else f"{file}:{line}"


def place_text(place: Place) -> str:
    """A place with the second file of a pair."""
    return f"{where(place.file, place.line)} and {place.other}" if place.other else where(place.file, place.line)


def setting(advice: Recommendation) -> str:
    """A recommended setting as an option: 'imgsz 640,1280'; its key alone without a value."""
    if advice.value is None:
        return advice.key
    value = ",".join(map(str, advice.value)) if isinstance(advice.value, list | tuple) else str(advice.value)
    return f"{advice.key} {value}"


def figures_text(figures: Mapping[str, Any]) -> str:
    """Numbers behind a title: 'rows 1 · share 0.25'; longer values are left to the JSON."""
    parts = [f"{name.replace('_', ' ')} {figure(value)}" for name, value in figures.items() if figure(value)]
    return " · ".join(parts)


def figure(value: Any) -> str:
    """A figure of any kind as text; empty for one that is too long for a line."""
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        return listed([figure(item) for item in value], most=6) if len(value) <= 6 else ""
    return ""


def class_of(number: int | None, names: Sequence[str]) -> str:
    """Name of a class; its number where it has none; a dash for none."""
    if number is None:
        return "–"
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else str(number)


def suspicion(suspect: Suspect, names: Sequence[str]) -> str:
    """A suspect in a sentence: kind, chance, class and what the model says."""
    label, proposed = class_of(suspect.label_class, names), class_of(suspect.proposed_class, names)
    chance = "" if math.isnan(suspect.score) else f", an error with a chance of {suspect.score:.0%}"
    said = f" The model proposes {proposed}." if suspect.proposed is not None else " The model proposes no box here."
    labelled = f" Labelled {label}." if suspect.label_class is not None else " It has no label."
    return f"{suspect.kind.value.capitalize()}{chance}.{labelled}{said} {suspect.why}".strip()
