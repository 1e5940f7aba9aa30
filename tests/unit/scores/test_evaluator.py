"""Predictions on the images of a truth, matched and by class name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from automl.errors import AutoMLError
from automl.scores.boxes import Predictions, Truth, cut
from automl.scores.evaluator import as_classes, match, on_images
from automl.scores.resample import map50_95

BOXES = ([0.2, 0.2, 0.2, 0.2], [0.7, 0.7, 0.2, 0.3], [0.5, 0.5, 0.4, 0.4])


def truth_of(classes: Sequence[Sequence[int]], names: Sequence[str] = ("cat", "dog")) -> Truth:
    """Images with a box for each class, the same boxes in the same order."""
    return Truth(
        images=tuple(f"/data/{number}.jpg" for number in range(len(classes))),
        names=tuple(names),
        counts=np.array([len(own) for own in classes], np.int32),
        boxes=np.array([BOXES[place] for own in classes for place in range(len(own))], np.float32).reshape(-1, 4),
        classes=np.array([label for own in classes for label in own], np.int32),
    )


def exact(truth: Truth) -> Predictions:
    """Predictions that are the truth."""
    return Predictions(
        images=truth.images,
        names=truth.names,
        sizes=np.full((len(truth), 2), 100, np.int32),
        counts=truth.counts,
        boxes=truth.boxes,
        confidence=np.concatenate([np.zeros(0), *(np.linspace(0.9, 0.5, count) for count in truth.counts)]).astype(
            np.float32
        ),
        classes=truth.classes,
        imgsz=64,
        least=0.001,
    )


@pytest.mark.parametrize("classes", [[[0, 1], [1]], [[], [0]], [[0, 0, 1], [], [1, 1, 0]]])
def test_the_truth_itself_is_right_everywhere(classes: list[list[int]]) -> None:
    truth = truth_of(classes)
    assert map50_95(match(exact(truth), truth)) == pytest.approx(0.995, abs=0.01)


def test_images_without_objects_and_predictions_score_zero() -> None:
    truth = truth_of([[], []])
    assert map50_95(match(exact(truth), truth)) == 0


def test_predictions_of_other_images_are_left_out_and_the_order_is_that_of_the_truth() -> None:
    truth = truth_of([[0, 1], [], [1, 0, 1]])
    turned = on_images(exact(truth), truth.images[::-1])
    assert turned.counts.tolist() == [3, 0, 2]
    assert np.array_equal(turned.boxes[:3], exact(truth).boxes[2:])
    last = on_images(exact(truth), truth.images[2:])
    assert (last.images, last.classes.tolist()) == (truth.images[2:], [1, 0, 1])
    assert np.array_equal(match(turned, truth).correct, match(exact(truth), truth).correct)


def test_an_image_that_was_not_predicted_is_named() -> None:
    truth = truth_of([[0], [1]])
    with pytest.raises(AutoMLError, match=r"1 images, such as /data/1\.jpg, have no predictions"):
        match(on_images(exact(truth), truth.images[:1]), truth)


def test_classes_are_matched_by_name() -> None:
    truth = truth_of([[0, 1], [1]])
    other = replace(exact(truth), names=("bird", "dog", "cat"), classes=np.array([2, 1, 0], np.int32))
    own = as_classes(other, truth.names)
    assert (own.names, own.classes.tolist(), own.counts.tolist()) == (truth.names, [0, 1], [2, 0])


def test_boxes_are_cut_at_the_border_and_those_beside_the_image_go() -> None:
    truth = truth_of([[0, 1], [1]])
    boxes = np.array([[0, 0.5, 0.2, 0.2], [1.3, 0.5, 0.2, 0.2], [0.5, 0.5, 3, 0.5]], np.float32)
    inside = cut(replace(exact(truth), boxes=boxes))
    assert inside.counts.tolist() == [1, 1]
    assert inside.boxes == pytest.approx(np.array([[0.05, 0.5, 0.1, 0.2], [0.5, 0.5, 1, 0.5]]), abs=1e-6)
