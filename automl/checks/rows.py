"""Findings on label files: rows that cannot be used, and files that cannot be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from automl.checks.facts import Facts, SplitFacts
from automl.checks.found import counted, found
from automl.data.labels import DROPPED, RowFault, label_path
from automl.files import pointers
from automl.records import Finding, Place, Severity

_WORDS = {  # what is wrong with so many rows or files, and what to do
    RowFault.FILE: ("cannot be read", "Check its permissions, or that it is a file."),
    RowFault.POINTER: (f"hold {pointers.IN_WORDS}", f"Now {pointers.WAY_OUT}."),
    RowFault.ENCODING: ("are no text in UTF-8", "Save them as UTF-8; UTF-16 and others cannot be read."),
    RowFault.TEXT: ("are not rows of numbers", "Write numbers with spaces between them, without commas or names."),
    RowFault.NUMBER: ("have a number that is none, such as nan or inf", "Draw the boxes again, or remove the rows."),
    RowFault.COLUMNS: (
        "have the wrong number of columns",
        "A box has 5: class x y width height. A sixth is the confidence of a prediction: remove it. A polygon has the "
        "class and three or more pairs x y.",
    ),
    RowFault.MIXED: ("are boxes among polygons", "Keep boxes or polygons alone in one file."),
    RowFault.CLASS: ("have a class that is not a whole number", "Correct the class id."),
    RowFault.RANGE: ("have a class that 'names' does not list", "Correct the class id, or add the class to 'names'."),
    RowFault.SIZE: ("have a negative width or height", "A box is its centre and its size, not two corners."),
    RowFault.PIXELS: (
        "are in pixels instead of fractions",
        "Divide x and width by the width of the image, y and height by its height.",
    ),
    RowFault.OUTSIDE: (
        "lie outside of the image",
        "Draw the boxes again within the image, or clip them at its border.",
    ),
}
_OF_FILES = (RowFault.FILE, RowFault.POINTER, RowFault.ENCODING)


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the label rows of each split."""
    for split in facts.splits.values():
        yield from _of_split(split)


def _of_split(split: SplitFacts) -> Iterator[Finding]:
    groups: dict[RowFault, list[Place]] = defaultdict(list)
    for problem in split.problems:
        file = label_path(split.images[problem.image])
        groups[problem.fault].append(Place(file=file, line=problem.line, split=split.split, text=problem.text))
    for fault, places in groups.items():
        words, advice = _WORDS[fault]
        noun = "label file" if fault in _OF_FILES else "label row"
        yield from found(
            f"labels/{fault.value}",
            Severity.ERROR,
            f"{counted(len(places), noun)} of {split.split} {_singular(words, len(places))}: {DROPPED}.",
            advice,
            places,
            split=split.split,
            images=len({place.file for place in places}),
        )


def _singular(words: str, count: int) -> str:
    """The words for one row."""
    verb, _, rest = words.partition(" ")
    one = {"are": "is", "have": "has", "lie": "lies", "hold": "holds"}.get(verb, verb)
    return words if count > 1 else f"{one} {rest}"
