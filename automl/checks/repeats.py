"""Findings on boxes that stand more than once: the same row, nearly the same box, one object with two classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts, SplitFacts
from automl.checks.found import counted, either, found
from automl.data.labels import label_path
from automl.records import Finding, Place, Severity
from automl.records.check import MOST_PLACES

NEAR = 0.9  # IoU from which two boxes of one class are taken for one object


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of label rows, by index: the first stands above the second in one label file."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    iou: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Pairs:
        return Pairs(self.first[chosen], self.second[chosen], self.iou[chosen])


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the boxes of each split that stand more than once."""
    for split in facts.splits.values():
        yield from _of_split(split)


def _of_split(split: SplitFacts) -> Iterator[Finding]:
    same = equal(split)
    near = overlapping(split, np.setdiff1d(np.arange(len(split.boxes)), same.second))
    alike = split.box_class[near.first] == split.box_class[near.second]
    where = f"of {split.split}"
    for code, chosen, words, advice in (
        (
            "labels/duplicate-boxes",
            same,
            "the same as another one of its image",
            "Remove one of each pair. Ultralytics does so itself, with a warning.",
        ),
        (
            "labels/near-duplicate-boxes",
            near[alike],
            f"nearly the same as another one of its class (IoU {NEAR:g} or more)",
            "Keep one of each pair: two labels on one object teach the detector to answer twice.",
        ),
        (
            "labels/two-classes",
            near[~alike],
            f"nearly the same as one of another class (IoU {NEAR:g} or more)",
            "Decide on one class for each object, unless both are meant.",
        ),
    ):
        pairs = _later(chosen)
        count = len(pairs.second)
        title = f"{counted(count, 'box', 'boxes')} {where} {either(count, 'is', 'are')} {words}."
        places = list(_places(split, pairs[np.arange(count) < MOST_PLACES]))
        yield from found(code, Severity.WARNING, title, advice, places, split=split.split, count=count)


def _later(pairs: Pairs) -> Pairs:
    """One pair for each box that stands below another: that with the first of them."""
    order = np.lexsort((pairs.first, pairs.second))
    _, unique = np.unique(pairs.second[order], return_index=True)
    return Pairs(pairs.first[order][unique], pairs.second[order][unique], pairs.iou[order][unique])


def _places(split: SplitFacts, pairs: Pairs) -> Iterator[Place]:
    for first, second, iou in zip(pairs.first, pairs.second, pairs.iou, strict=True):
        yield Place(
            file=label_path(split.images[split.box_image[second]]),
            line=int(split.box_line[second]),
            split=split.split,
            text=f"IoU {iou:.2f} with line {split.box_line[first]}",
            boxes=tuple((float(x), float(y), float(w), float(h)) for x, y, w, h in split.boxes[[first, second]]),
        )


def equal(split: SplitFacts) -> Pairs:
    """Each row that says the same as one above it in its label file, with the first of them."""
    columns = (*split.boxes.T, split.box_class, split.box_image)
    order = np.lexsort(columns)  # which keeps equal rows in their order
    new = np.ones(len(order), dtype=np.bool_)
    if len(order):
        new[1:] = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
    first = order[np.flatnonzero(new)[np.cumsum(new) - 1]]
    return Pairs(first[~new], order[~new], np.ones(int((~new).sum())))


def overlapping(split: SplitFacts, rows: NDArray[np.intp], least: float = NEAR) -> Pairs:
    """All pairs of some boxes that lie in one image and have an IoU of `least` or more, or are equal.

    Boxes are sorted by image and centre, and compared with their next neighbours: centres of a pair lie within a part
    of the width, so that few are compared.
    """
    order = rows[np.lexsort((split.boxes[rows, 0], split.box_image[rows]))]
    image = split.box_image[order]
    centre, width = (split.boxes[order, column].astype(np.float64) for column in (0, 2))
    reach = (1 / least - 1) * width / least + 1e-9
    firsts, seconds, ious = [], [], []
    active, step = np.arange(len(order) - 1), 1
    while len(active):
        other = active + step
        near = (image[active] == image[other]) & (centre[other] - centre[active] <= reach[active])
        active, other = active[near], other[near]
        iou = _iou(split.boxes, order[active], order[other])
        hit = iou >= least
        firsts.append(order[active[hit]])
        seconds.append(order[other[hit]])
        ious.append(iou[hit])
        step += 1
        active = active[active + step < len(order)]
    first, second = (np.concatenate(part) if part else np.zeros(0, np.intp) for part in (firsts, seconds))
    upper = np.minimum(first, second)
    return Pairs(upper, np.maximum(first, second), np.concatenate(ious) if ious else np.zeros(0))


def _iou(boxes: NDArray[np.float32], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float64]:
    """IoU of pairs of boxes; 1 of equal ones without an area."""
    one, two = boxes[first].astype(np.float64), boxes[second].astype(np.float64)
    low = np.maximum(one[:, :2] - one[:, 2:] / 2, two[:, :2] - two[:, 2:] / 2)
    high = np.minimum(one[:, :2] + one[:, 2:] / 2, two[:, :2] + two[:, 2:] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = one[:, 2:].prod(axis=1) + two[:, 2:].prod(axis=1) - shared
    iou: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    iou[(one == two).all(axis=1)] = 1.0
    return iou
