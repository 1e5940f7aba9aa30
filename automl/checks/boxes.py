"""Findings on usable boxes: too small to be learnt, across the border, of a class that none has; polygons."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts, SplitFacts
from automl.checks.found import counted, either, found
from automl.data.labels import label_path
from automl.records import Finding, Place, Severity
from automl.records.check import MOST_PLACES

LEAST = 2.0  # pixels of a side; Ultralytics drops smaller boxes when it moves and scales an image
BEYOND = 1.0  # pixels across the border of the image, below which it is rounding


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the boxes of each split, and on classes without any box."""
    for split in facts.splits.values():
        if len(split.boxes):
            yield from _on_sizes(split)
            yield from _on_borders(split)
            yield from _on_polygons(split)
    yield from _on_unused(facts)


def _on_sizes(split: SplitFacts) -> Iterator[Finding]:
    size = _pixels(split)
    known = (size > 0).all(axis=1)
    zero = (split.boxes[:, 2:] == 0).any(axis=1)
    shorter = split.boxes[:, 2:].astype(np.float64) * size
    tiny = known & ~zero & (shorter.min(axis=1) < LEAST)
    yield from _boxes(
        split,
        zero,
        "labels/zero-size",
        Severity.WARNING,
        "without a width or height",
        "Draw them again or remove them: they are no object to a detector, and never learnt.",
    )
    yield from _boxes(
        split,
        tiny,
        "labels/tiny-boxes",
        Severity.WARNING,
        f"under {LEAST:g} pixels in a side",
        "Look at them: most are slips of the hand. Ultralytics drops such boxes when it augments an image.",
    )


def _on_borders(split: SplitFacts) -> Iterator[Finding]:
    size = _pixels(split)
    centre, half = split.boxes[:, :2].astype(np.float64), split.boxes[:, 2:].astype(np.float64) / 2
    beyond = np.maximum(half - centre, centre + half - 1) * np.where(size > 0, size, np.inf)
    yield from _boxes(
        split,
        (np.nan_to_num(beyond, nan=0.0) > BEYOND).any(axis=1),
        "labels/across-border",
        Severity.NOTE,
        f"more than {BEYOND:g} pixel across the border of the image",
        "Clip them at the border. Ultralytics does so in training.",
    )


def _on_polygons(split: SplitFacts) -> Iterator[Finding]:
    polygons = int(split.polygon.sum())
    if not polygons:
        return
    mixed = polygons < len(split.polygon)
    words = f"{polygons} of {len(split.polygon)} labels of {split.split} are polygons (of segments or oriented boxes)"
    rows = np.flatnonzero(split.polygon)[:MOST_PLACES]
    yield Finding(
        code="labels/boxes-and-polygons" if mixed else "labels/polygons",
        severity=Severity.NOTE,
        title=f"{words}: a detector is trained on the boxes that enclose them.",
        advice="Nothing needs to be done. Copy-paste augmentation needs polygons alone."
        if mixed
        else "Nothing needs to be done.",
        split=split.split,
        count=polygons,
        places=tuple(_places(split, rows[:1])),
    )


def _on_unused(facts: Facts) -> Iterator[Finding]:
    used = np.zeros(facts.nc, dtype=np.bool_)
    for split in facts.splits.values():
        used[split.box_class[split.box_class < facts.nc]] = True
    if used.any() and not used.all():
        places = [
            Place(file=str(facts.file), text=f"class {kind} ({facts.names[kind]})") for kind in np.flatnonzero(~used)
        ]
        yield from found(
            "labels/class-unused",
            Severity.WARNING,
            f"{counted(len(places), 'class', 'classes')} of {facts.nc} {either(len(places), 'has', 'have')} no box.",
            "Label such objects, or remove the class from 'names' and renumber the labels.",
            places,
        )


def _boxes(
    split: SplitFacts, chosen: NDArray[np.bool_], code: str, severity: Severity, words: str, advice: str
) -> Iterator[Finding]:
    rows = np.flatnonzero(chosen)
    if len(rows):
        verb = either(len(rows), "is", "are")
        yield Finding(
            code=code,
            severity=severity,
            title=f"{counted(len(rows), 'box', 'boxes')} of {split.split} {verb} {words}.",
            advice=advice,
            split=split.split,
            count=len(rows),
            places=tuple(_places(split, rows[:MOST_PLACES])),
        )


def _places(split: SplitFacts, rows: NDArray[np.intp]) -> Iterator[Place]:
    size = _pixels(split)
    for row in rows:
        x, y, width, height = map(float, split.boxes[row])
        pixels = np.array([width, height]) * size[row]
        yield Place(
            file=label_path(split.images[split.box_image[row]]),
            line=int(split.box_line[row]),
            split=split.split,
            text=f"{pixels[0]:.1f} x {pixels[1]:.1f} pixels" if size[row].all() else "",
            boxes=((x, y, width, height),),
        )


def _pixels(split: SplitFacts) -> NDArray[np.int32]:
    """Width and height (m, 2) of the image of each box; 0 where they are not known."""
    return np.stack([split.width, split.height], axis=1)[split.box_image]
