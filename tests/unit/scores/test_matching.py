"""Predictions matched with objects, against claims that are settled one after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from automl.scores.boxes import ImagePredictions
from automl.scores.evaluator import hits
from automl.scores.matching import THRESHOLDS, claimed, corners, overlaps

SIZE = np.array([640, 480])


def crowded(
    seed: int, found: int, present: int
) -> tuple[ImagePredictions, npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Boxes that overlap a lot, of two classes."""
    rng = np.random.default_rng(seed)
    boxes = (0.5 + rng.uniform(-0.08, 0.08, (found + present, 4))).astype(np.float32)
    predicted = ImagePredictions(
        boxes=boxes[:found],
        confidence=np.sort(rng.random(found).astype(np.float32))[::-1],
        classes=rng.integers(0, 2, found).astype(np.int32),
    )
    return predicted, boxes[found:], rng.integers(0, 2, present).astype(np.int32)


def one_by_one(
    predicted: ImagePredictions, boxes: npt.NDArray[np.float32], classes: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """The rule as it is worded."""
    overlap = overlaps(corners(predicted.boxes, SIZE), corners(boxes, SIZE))
    right = np.zeros((len(predicted), len(THRESHOLDS)), bool)
    for level, threshold in enumerate(THRESHOLDS):
        left = list(range(len(boxes)))
        for number in range(len(predicted)):
            own = [place for place in left if classes[place] == predicted.classes[number]]
            nearest = max(own, key=lambda place: overlap[number, place], default=None)
            if nearest is not None and overlap[number, nearest] >= threshold:
                right[number, level] = True
                left.remove(nearest)
    return right


@given(st.integers(0, 10**6), st.integers(0, 25), st.integers(0, 12))
def test_claims_settled_together_are_those_settled_one_by_one(seed: int, found: int, present: int) -> None:
    predicted, boxes, classes = crowded(seed, found, present)
    assert np.array_equal(hits(predicted, boxes, classes, SIZE), one_by_one(predicted, boxes, classes))


def test_a_prediction_takes_the_next_object_if_its_own_is_taken() -> None:
    """Two neighbours: both predictions lie nearest to the first, and the second overlaps the other one enough."""
    boxes = np.array([[0.5, 0.5, 0.2, 0.2], [0.55, 0.5, 0.2, 0.2]], np.float32)
    predicted = ImagePredictions(
        boxes=np.array([[0.5, 0.5, 0.2, 0.2], [0.51, 0.5, 0.2, 0.2]], np.float32),
        confidence=np.array([0.9, 0.8], np.float32),
        classes=np.zeros(2, np.int32),
    )
    assert hits(predicted, boxes, np.zeros(2, np.int32), SIZE)[:, 0].tolist() == [True, True]


def test_no_pairs_leave_every_object_free() -> None:
    none = np.zeros(0, np.int64)
    assert claimed(none, none, 2).tolist() == [-1, -1]


def test_boxes_without_area_overlap_nothing() -> None:
    flat = np.array([[0.5, 0.5, 0.0, 0.0]], np.float32)
    assert overlaps(corners(flat, SIZE), corners(flat, SIZE)).tolist() == [[0.0]]
