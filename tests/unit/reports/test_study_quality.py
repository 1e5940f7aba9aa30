"""Quality of a network's predictions: confusion as Ultralytics counts it, curves and their charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from automl.reports.chart import Lines, Matrix
from automl.reports.study_quality import charts_of, confusion, measured
from automl.scores.boxes import Predictions, Truth

NAMES = ("cat", "dog")
Row = tuple[int, float, float]  # class, centre, confidence
SIDE = 0.1


def boxes(centres: Sequence[float]) -> np.ndarray:
    return np.array([(x, 0.5, SIDE, SIDE) for x in centres], np.float32).reshape(-1, 4)


def predictions(*images: Sequence[Row], names: tuple[str, ...] = NAMES) -> Predictions:
    rows = [row for image in images for row in sorted(image, key=lambda row: -row[2])]
    return Predictions(
        images=tuple(f"{number}.png" for number in range(len(images))),
        names=names,
        sizes=np.full((len(images), 2), 100, np.int32),
        counts=np.array([len(image) for image in images], np.int32),
        boxes=boxes([row[1] for row in rows]),
        confidence=np.array([row[2] for row in rows], np.float32),
        classes=np.array([row[0] for row in rows], np.int32),
        imgsz=96,
        least=0.001,
    )


def truth(*images: Sequence[tuple[int, float]], names: tuple[str, ...] = NAMES) -> Truth:
    rows = [row for image in images for row in image]
    return Truth(
        images=tuple(f"{number}.png" for number in range(len(images))),
        names=names,
        counts=np.array([len(image) for image in images], np.int32),
        boxes=boxes([row[1] for row in rows]),
        classes=np.array([row[0] for row in rows], np.int32),
    )


@pytest.mark.parametrize(
    ("predicted", "labelled", "counts"),
    [
        ([(0, 0.2, 0.9)], [(0, 0.2)], [[1, 0, 0], [0, 0, 0], [0, 0, 0]]),
        ([(1, 0.2, 0.9)], [(0, 0.2)], [[0, 0, 0], [1, 0, 0], [0, 0, 0]]),
        ([], [(0, 0.2)], [[0, 0, 0], [0, 0, 0], [1, 0, 0]]),
        ([(1, 0.2, 0.9)], [], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
        ([(1, 0.2, 0.25)], [], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
        ([(0, 0.2, 0.5), (1, 0.2, 0.9)], [(0, 0.2)], [[0, 0, 1], [1, 0, 0], [0, 0, 0]]),
        ([(0, 0.8, 0.9)], [(0, 0.2)], [[0, 0, 1], [0, 0, 0], [1, 0, 0]]),
        ([], [], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
    ],
)
def test_objects_are_counted_by_predicted_and_labelled_class(
    predicted: list[Row], labelled: list[tuple[int, float]], counts: list[list[int]]
) -> None:
    assert confusion(predictions(predicted), truth(labelled)).tolist() == counts


def test_the_confusion_is_that_of_ultralytics_on_random_boxes() -> None:
    torch = pytest.importorskip("torch")
    from ultralytics.utils.metrics import ConfusionMatrix

    rng = np.random.default_rng(0)
    names = {number: str(number) for number in range(3)}
    reference = ConfusionMatrix(names=names)
    own = np.zeros((4, 4), np.int64)
    for _ in range(60):
        labelled = [(int(rng.integers(3)), float(x)) for x in rng.uniform(0.1, 0.9, rng.integers(0, 8))]
        predicted = [
            (int(rng.integers(3)), float(x), float(c))
            for x, c in zip(rng.uniform(0.1, 0.9, 9), rng.uniform(0.05, 1, 9), strict=True)
        ]
        seen, there = predictions(predicted, names=tuple("012")), truth(labelled, names=tuple("012"))
        own += confusion(seen, there)
        reference.process_batch(
            {
                "cls": torch.tensor(seen.classes),
                "conf": torch.tensor(seen.confidence),
                "bboxes": torch.tensor(corners_of(seen.boxes)),
            },
            {"cls": torch.tensor(there.classes), "bboxes": torch.tensor(corners_of(there.boxes))},
        )
    assert own.sum() > 200
    assert own.tolist() == reference.matrix.astype(int).tolist()


def corners_of(own: np.ndarray) -> np.ndarray:
    return np.concatenate([own[:, :2] - own[:, 2:] / 2, own[:, :2] + own[:, 2:] / 2], axis=1) * 100


def test_networks_share_their_curves_and_have_a_matrix_each() -> None:
    labelled = truth([(0, 0.2), (1, 0.6)], [(0, 0.4)])
    good = measured("good", "val", predictions([(0, 0.2, 0.9), (1, 0.6, 0.8)], [(0, 0.4, 0.7)]), labelled)
    blind = measured("blind", "val", predictions([], []), labelled)
    charts = {chart.key: chart for chart in charts_of([good, blind])}
    assert list(charts) == [
        *("quality-precision-recall", "quality-f1", "quality-precision", "quality-recall"),
        *("confusion-0", "confusion-1"),
    ]
    curve, matrix = charts["quality-f1"], charts["confusion-1"]
    assert isinstance(curve, Lines)
    assert isinstance(matrix, Matrix)
    assert [max(series.y) for series in curve.series] == [1.0, 0.0]
    assert matrix.values == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 0.0))
    assert (good.curves.map50, good.f1, good.precision, good.recall) == pytest.approx((0.995, 1, 1, 1), abs=0.001)


def test_images_without_objects_have_no_charts() -> None:
    assert list(charts_of([measured("a", "val", predictions([(0, 0.2, 0.9)]), truth([]))])) == []


def test_a_matrix_of_many_classes_shows_those_with_most_errors() -> None:
    names = tuple(f"class {number}" for number in range(50))
    own = measured("a", "val", predictions([], names=names), truth([(37, 0.2), (3, 0.6)], names=names))
    (*_, matrix) = charts_of([own])
    assert isinstance(matrix, Matrix)
    assert {"class 37", "class 3", "background"} <= set(matrix.columns)
    assert len(matrix.columns) == 21
    assert "The 20 of 50 classes" in matrix.note
