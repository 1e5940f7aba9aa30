"""Sentences on the report of a data set, for the terminal, notebooks, the HTML file and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from automl.checks.counts import TRAIN, VAL
from automl.checks.importance import Rank, ordered, rank_of
from automl.figures import listed
from automl.host.gpus import find_gpus
from automl.records import DataReport, Finding, Place, Recommendation, Severity, Source, Suspect

FIRST = "first"  # key of the recommendation on what to do first
JUDGE = "judge"  # its value where a model should judge the labels
SOURCES = {
    Source.GUIDE: "Ultralytics' training guide",
    Source.MEASUREMENT: "measured",
    Source.TRAINER: "how Ultralytics trains",
}
PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}
MEANINGS = {
    Severity.ERROR: "The data cannot be trained on, or images would be left out in silence, until these are mended.",
    Severity.WARNING: "Likely to cost accuracy (mAP), or to make a figure wrong.",
    Severity.NOTE: "Worth knowing. Nothing has to be done.",
}


def verdict(report: DataReport) -> str:
    """The answer in a sentence: can the data be trained on?"""
    errors, warnings = (len(report.of(severity)) for severity in (Severity.ERROR, Severity.WARNING))
    if errors:
        return f"This data set cannot be trained on as it is: {counted(errors, 'error')}."
    unseen = unseen_splits(report)
    if unseen:
        seen = listed(list(report.splits)) or "the splits"
        found = (
            f"{counted(warnings, 'warning')} in {seen} may cost accuracy."
            if warnings
            else f"Nothing was found in {seen}."
        )
        return f"{found} {listed(unseen).capitalize()} {'was' if len(unseen) == 1 else 'were'} not looked at."
    if warnings:
        return f"This data set can be trained on. {counted(warnings, 'warning')} may cost accuracy."
    return "This data set can be trained on, and nothing speaks against it."


def unseen_splits(report: DataReport) -> list[str]:
    """Splits that a training needs and that a check without errors was not asked to look at."""
    return [name for name in (TRAIN, VAL) if report.trainable and name not in report.splits]


def first_step(report: DataReport) -> str:
    """The most valuable thing to do first, as a sentence; empty where nothing has to be done."""
    advice = next((entry for entry in report.recommendations if entry.key == FIRST), None)
    worst = next(iter(ordered(report.findings, report.splits)), None)
    rank = Rank.NOTE if worst is None else rank_of(worst, report.splits)
    if worst is not None and (rank is Rank.ERROR or (rank.pressing and (advice is None or advice.why != worst.title))):
        return f"{worst.advice} ({in_short(worst)})"
    if report.judged and (advice is None or advice.value == JUDGE):
        return _after_judging(report)
    if advice is not None:
        return advice.text
    return "" if worst is None or rank is Rank.NOTE else f"{worst.advice} ({in_short(worst)})"


def _after_judging(report: DataReport) -> str:
    if report.suspects:
        return f"Look at the {counted(len(report.suspects), 'suspicious label')}, from the first on: trials learn them."
    return "" if unseen_splits(report) else "Search: nothing speaks against it, and a model has judged the labels."


def in_short(finding: Finding) -> str:
    """The title without its full stop, for brackets."""
    return finding.title.rstrip(".")


def further(report: DataReport) -> tuple[Recommendation, ...]:
    """Recommendations beside the first step."""
    return tuple(entry for entry in report.recommendations if entry.key != FIRST)


def counted(count: int, noun: str) -> str:
    """A number with its noun: '1 error', '3 errors', '12,000 images'."""
    return f"{count:,} {noun if count == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith(("x", "s")) else f"{noun}s"


def place_text(place: Place) -> str:
    """A place as file:line, with the second file of a pair and the problem there."""
    line = f":{place.line}" if place.line is not None else ""
    other = f" and {place.other}" if place.other else ""
    problem = f": {place.text}" if place.text else ""
    return f"{place.file}{line}{other}{problem}"


def suspects_text(report: DataReport) -> str:
    """Numbers of suspicious labels by kind: '12 suspicious labels: 7 missing, 5 loose'; empty without any."""
    kinds = Counter(suspect.kind.value for suspect in report.suspects)
    numbers = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    return f"{counted(len(report.suspects), 'suspicious label')}: {numbers}" if report.suspects else ""


def suspect_text(suspect: Suspect, names: Sequence[str]) -> str:
    """A suspicious label as file:line, with its kind, its chance and what the model says."""
    place = suspect.file if suspect.line is None else f"{suspect.file}:{suspect.line}"
    classes = [number for number in (suspect.label_class, suspect.proposed_class) if number is not None]
    words = ", rather ".join(dict.fromkeys(names[number] for number in classes if number < len(names)))
    return f"{place}: {suspect.kind.value} ({words}), chance {suspect.score:.0%}: {suspect.why}"


def more_text(finding: Finding, shown: int) -> str:
    """Words for the places that are not shown; empty without any."""
    places = max(len(finding.places), finding.count if finding.places else 0)
    return f"… and {places - shown:,} more" if places > shown else ""


def source_text(source: Source) -> str:
    """Source of a limit or an advice, in words."""
    return SOURCES[source]


def splits_table(report: DataReport) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the figures of each split; figures that no split has are left out."""
    columns = [(key, heading) for key, heading in _COLUMNS if any(key in split for split in report.splits.values())]
    rows = [[name, *(_figure(split.get(key)) for key, _ in columns)] for name, split in report.splits.items()]
    return ["split", *(heading for _, heading in columns)], rows


_COLUMNS = (
    ("images", "images"),
    ("boxes", "boxes"),
    ("backgrounds", "without boxes"),
    ("unlabelled", "no label file"),
    ("unusable_images", "unusable"),
    ("unusable_rows", "unusable rows"),
)


def _figure(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def next_commands(
    report: DataReport, data: str, *, page: bool = False, written: bool = False
) -> Iterator[tuple[str, str]]:
    """Commands that go on from here, each with its purpose.

    data     the words that name the data set on a command line
    page     True where the report with pictures is being looked at
    written  True where it was just written
    """
    if unseen_splits(report):
        yield "The check of all splits", f"automl check --data {data}"
        return
    if page:
        yield "The same check again, after changes", f"automl check --data {data}"
    elif not written:
        yield "The report with pictures", f"automl check --data {data} --html report.html"
    if report.trainable:
        search = f"automl search --data {data} --budget 2{'gpu' if find_gpus().names else 'cpu'}-h"
        yield "The plan of a search", f"{search} --dry-run"
        yield "The search", search


def title(report: DataReport) -> str:
    """Name of the data set: its file, with the folder around it."""
    return "/".join(Path(report.data).parts[-2:]).lstrip("/")


def headline(report: DataReport) -> str:
    """Numbers of findings: '1 error, 3 warnings, 2 notes'."""
    words: Sequence[str] = [
        counted(len(report.of(severity)), severity.value) for severity in Severity if report.of(severity)
    ]
    return ", ".join(words) or "nothing found"


@dataclass(frozen=True)
class Caption:
    """Words on a picture of the whole data set."""

    title: str
    look_for: str  # what to look for, for somebody new to YOLO
    alt: str  # for those who cannot see it


_PLOTS = {
    "classes": Caption(
        "Boxes of each class",
        "Short bars are classes that the network will know least. Add images of them before anything else.",
        "Bars: the number of boxes of each class, by split. The table of classes has the same numbers.",
    ),
    "centres": Caption(
        "Where the boxes lie",
        "Each spot is a place in the image; darker means more boxes have their centre there. If all lie in one spot, "
        "objects elsewhere in new images may be missed.",
        "Map of the centres of all boxes in the image.",
    ),
    "sizes": Caption(
        "How large the boxes are",
        "Width and height of the boxes as shares of the image. Many boxes near the lower left corner are tiny objects: "
        "train at a larger image size, or cut the images into tiles.",
        "Map of the widths and heights of all boxes.",
    ),
}


def caption(key: str) -> Caption:
    """Words on the picture of the whole data set with that key."""
    if key in _PLOTS:
        return _PLOTS[key]
    split = key.partition("-")[2]
    return Caption(
        f"Images of {split} with their labels",
        "These are the boxes that a training sees. Are they tight around the objects? Is the class right? Is an object "
        "without a box?",
        f"Images of {split}, drawn at random, with their boxes in the colours of the classes.",
    )


def clean(text: str) -> str:
    """The text in one line, without characters that are not printed: names of files and classes may hold anything."""
    return "".join(_printed(character) for character in text)


def _printed(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def classes_table(report: DataReport, most: int) -> list[list[str]]:
    """Id and name of each class with its boxes in each split, those with most boxes first; empty where not counted."""
    by_split = [split.get("boxes_by_class") for split in report.splits.values()]
    counts = [list(count) for count in by_split if isinstance(count, Sequence) and len(count) == len(report.names)]
    if not counts or len(counts) != len(report.splits):
        return []
    order = sorted(range(len(report.names)), key=lambda kind: (-sum(count[kind] for count in counts), kind))
    return [[str(kind), report.names[kind], *(f"{count[kind]:,}" for count in counts)] for kind in order[:most]]
