"""Label rows without their suspects: fixed as a model proposes, or dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from automl.data.corrected import Rows, rows_of
from automl.errors import DataChanged
from automl.records import Correction, Suspect, SuspectKind
from automl.records.check import Box

_ALIKE = 2e-3  # of the image's side: the judged box and the one that stands there now
_BOX = 5  # columns of a box's row


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """New label rows by image, and the number of labels that differ."""

    rows: dict[Path, Rows]
    labels: int


def corrected_rows(suspects: Iterable[Suspect], correction: Correction) -> Corrections:
    """Rows of all images with suspects whose labels change.

    Raises DataChanged if a judged label does not stand where it stood.
    """
    by_image: dict[Path, list[Suspect]] = defaultdict(list)
    for suspect in suspects:
        by_image[Path(suspect.image)].append(suspect)
    rows: dict[Path, Rows] = {}
    labels = 0
    for image, own in by_image.items():
        before = rows_of(image)
        after, changed = _corrected(before, own, correction)
        if changed:
            rows[image] = after
            labels += changed
    return Corrections(rows=rows, labels=labels)


def _corrected(rows: Rows, suspects: Iterable[Suspect], correction: Correction) -> tuple[Rows, int]:
    """The rows of one image, and the number of labels that changed."""
    outlined = any(len(row.split()) > _BOX + 1 for row in rows)
    kept: dict[int, str | None] = dict(enumerate(rows, start=1))
    added: Rows = []
    for suspect in suspects:
        if suspect.kind is SuspectKind.MISSING:
            if correction is Correction.FIXED and suspect.proposed is not None:
                added.append(_row(suspect.proposed_class or 0, suspect.proposed, outlined))
            continue
        line = _line(rows, suspect)
        row = kept[line]
        if row is not None:
            kept[line] = None if correction is Correction.DROPPED else _fixed(row, suspect, outlined)
    changed = sum(row != rows[line - 1] for line, row in kept.items()) + len(added)
    return [row for row in kept.values() if row is not None] + added, changed


def _fixed(row: str, suspect: Suspect, outlined: bool) -> str | None:
    """The row as the model proposes it; None if there is no object."""
    if suspect.kind is SuspectKind.SUPERFLUOUS:
        return None
    kind, rest = row.split(maxsplit=1)
    if suspect.kind is SuspectKind.CLASS:
        return row if suspect.proposed_class is None else f"{suspect.proposed_class} {rest}"
    return row if suspect.proposed is None else _row(int(float(kind)), suspect.proposed, outlined)


def _row(kind: int, box: Box, outlined: bool) -> str:
    """A label row. A file of outlines takes no boxes, so that there a box becomes its four corners."""
    x, y, width, height = box
    left, right = max(0.0, x - width / 2), min(1.0, x + width / 2)
    top, bottom = max(0.0, y - height / 2), min(1.0, y + height / 2)
    values = (
        [left, top, right, top, right, bottom, left, bottom]
        if outlined
        else [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
    )
    return " ".join([str(kind), *(f"{value:.6f}" for value in values)])


def _line(rows: Rows, suspect: Suspect) -> int:
    """Line of the judged label, from 1. Raises DataChanged if another one stands there."""
    line = suspect.line or 0
    words = rows[line - 1].split() if 1 <= line <= len(rows) else []
    if not words or not _is_judged(words, suspect):
        raise DataChanged(
            f"{suspect.file}:{suspect.line}: the label that was judged does not stand here any more. Run the check "
            "again, so that it judges the labels of today."
        )
    return line


def _is_judged(words: list[str], suspect: Suspect) -> bool:
    try:
        kind, *values = map(float, words)
    except ValueError:
        return False
    if suspect.label_class is not None and int(kind) != suspect.label_class:
        return False
    if suspect.label is None or len(values) != len(suspect.label):
        return True  # an outline: its class has to do
    return all(abs(own - judged) <= _ALIKE for own, judged in zip(values, suspect.label, strict=True))
