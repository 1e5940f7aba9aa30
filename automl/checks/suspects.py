"""Suspicious labels: those that the predictions of a trained model contradict, of four kinds, ranked by a chance.

Labels and predictions are matched by their overlap, and scored for overlooked, badly located and swapped objects, as
in Tkachenko, Thyagarajan and Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection Data",
2023 (arXiv 2309.00832). What differs, because it measured better (docs/measurements.md):

- the unit is a label, not an image, and labels without an object are a kind of their own;
- predictions of one object are joined first, and are matched with labels one to one: a loose label is not a missing
  one as well, and crowded objects keep their own labels;
- misfit and confidence count in relation to what is usual for the size and the class on this very data set;
- the score is a chance, from errors that are made on purpose (`suspects_chances`).

The model must not have been trained on the labels that it judges: it would agree with their errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.checks import suspects_chances, suspects_scores
from automl.checks.suspects_chances import Curve
from automl.checks.suspects_matching import Boxes, Floats, match, objects_of
from automl.checks.suspects_scores import Suspicions
from automl.data.labels import label_path
from automl.files.regular import read_regular_text
from automl.records.check import Box, Suspect, SuspectKind

LEAST = 0.1  # chance below which a label is not listed
_OF_LABELS = (SuspectKind.CLASS, SuspectKind.LOOSE, SuspectKind.SUPERFLUOUS)


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedImage:
    """One image with its labels, and with predictions of a model that was not trained on them."""

    split: str
    image: str  # absolute path
    file: str  # absolute path of the label file
    lines: tuple[int, ...]  # of each label, from 1
    labels: Boxes
    predictions: Boxes  # classes are ids of the data set


def judged_image(
    split: str,
    image: str,
    *,
    boxes: npt.NDArray[np.floating],
    classes: npt.NDArray[np.integer],
    confidence: npt.NDArray[np.floating],
    keypoint_columns: int = 0,
) -> JudgedImage:
    """An image with the labels of its own label file, and these predictions."""
    file = label_path(image)
    lines, kinds, own = labels_in(file, keypoint_columns)
    return JudgedImage(
        split=split,
        image=image,
        file=file,
        lines=lines,
        labels=Boxes(boxes=own, classes=kinds, confidence=np.ones(len(kinds))),
        predictions=Boxes(
            boxes=boxes.astype(float).reshape(-1, 4),
            classes=classes.astype(np.int64),
            confidence=confidence.astype(float),
        ),
    )


def labels_in(file: str, keypoint_columns: int = 0) -> tuple[tuple[int, ...], npt.NDArray[np.int64], Floats]:
    """Lines, classes and boxes of a label file of usable rows; of a polygon the box around it. None without a file."""
    try:
        text = read_regular_text(file)
    except FileNotFoundError:
        text = ""
    rows = [(line, row.split()) for line, row in enumerate(text.splitlines(), start=1) if row.strip()]
    boxes = [_box([float(word) for word in words[1:]], keypoint_columns) for _, words in rows]
    kinds = np.array([int(float(words[0])) for _, words in rows], dtype=np.int64)
    return tuple(line for line, _ in rows), kinds, np.array(boxes, dtype=float).reshape(-1, 4)


def _box(numbers: list[float], keypoint_columns: int) -> list[float]:
    if len(numbers) in (4, 4 + keypoint_columns):
        return numbers[:4]
    xs, ys = numbers[::2], numbers[1::2]
    return [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, max(xs) - min(xs), max(ys) - min(ys)]


def suspects_in(images: Sequence[JudgedImage], classes: int, *, seed: int = 0, least: float = LEAST) -> list[Suspect]:
    """Suspects among the labels of images that one model has judged, the most suspicious first.

    The order of the images, and of labels within them, changes no more than ties.

    classes  number of the data set's classes
    seed     of the errors that are made on purpose
    least    chance of the least suspicious one
    """
    ordered = sorted(images, key=lambda image: (image.split, image.image))
    cases = [(image.labels, objects_of(image.predictions, classes)) for image in ordered]
    matched = [match(labels, objects) for labels, objects in cases]
    standard = suspects_scores.usual(matched, classes)
    own = [suspects_scores.suspicions(single, standard) for single in matched]
    chances = suspects_chances.curves(cases, own, standard, seed)
    suspects = [
        suspect
        for image, raw in zip(ordered, own, strict=True)
        for suspect in (*_missing(image, raw, chances[SuspectKind.MISSING]), *_of_labels(image, raw, chances))
        if suspect.score >= least
    ]
    return ranked(suspects)


def ranked(suspects: Sequence[Suspect]) -> list[Suspect]:
    """The suspects, the most suspicious first; of equal ones in the order of their places."""
    return sorted(suspects, key=lambda one: (-one.score, one.split, one.image, one.line or 0, one.proposed or ()))


def _missing(image: JudgedImage, raw: Suspicions, curve: Curve) -> Iterator[Suspect]:
    objects = raw.matched.objects
    for number in np.flatnonzero(raw.missing > 0):
        confidence = float(objects.confidence[number])
        yield Suspect(
            kind=SuspectKind.MISSING,
            split=image.split,
            image=image.image,
            file=image.file,
            line=None,
            score=float(curve(raw.missing[number])),
            proposed=_as_box(objects.boxes[number]),
            proposed_class=int(objects.chances[number].argmax()),
            why=f"an object without a label, of which the model is {confidence:.0%} sure",
        )


def _of_labels(image: JudgedImage, raw: Suspicions, chances: Mapping[SuspectKind, Curve]) -> Iterator[Suspect]:
    """The most suspicious kind of each label."""
    by_kind = {SuspectKind.CLASS: raw.wrong, SuspectKind.LOOSE: raw.loose, SuspectKind.SUPERFLUOUS: raw.superfluous}
    scores = np.stack([np.where(by_kind[kind] > 0, chances[kind](by_kind[kind]), 0.0) for kind in _OF_LABELS])
    for row in range(len(image.lines)):
        number = int(scores[:, row].argmax())
        if scores[number, row] > 0:
            yield _of_label(image, raw, row, _OF_LABELS[number], float(scores[number, row]))


def _of_label(image: JudgedImage, raw: Suspicions, row: int, kind: SuspectKind, score: float) -> Suspect:
    matched = raw.matched
    column, label = int(matched.of_label[row]), int(image.labels.classes[row])
    proposed, proposed_class = None, None
    if kind is not SuspectKind.SUPERFLUOUS:
        proposed = _as_box(matched.objects.boxes[column])
        chances = matched.objects.chances[column].copy()
        chances[label] = 0 if kind is SuspectKind.CLASS else chances[label]
        proposed_class = int(chances.argmax()) if kind is SuspectKind.CLASS else label
    return Suspect(
        kind=kind,
        split=image.split,
        image=image.image,
        file=image.file,
        line=image.lines[row],
        score=score,
        label=_as_box(image.labels.boxes[row]),
        label_class=label,
        proposed=proposed,
        proposed_class=proposed_class,
        why=_reason(raw, row, column, kind, proposed_class),
    )


def _reason(raw: Suspicions, row: int, column: int, kind: SuspectKind, proposed_class: int | None) -> str:
    if kind is SuspectKind.SUPERFLUOUS:
        return "the model sees no object there, or another label of the object"
    overlap = raw.matched.overlap[row, column]
    if kind is SuspectKind.LOOSE:
        return f"label and prediction share {overlap:.0%} of their area"
    chances = raw.matched.objects.chances[column]
    label = raw.matched.labels.classes[row]
    assert proposed_class is not None
    return f"the model is {chances[proposed_class]:.0%} sure of another class, and {chances[label]:.0%} of this one"


def _as_box(box: Floats) -> Box:
    x, y, width, height = (float(value) for value in box)
    return x, y, width, height
