"""Images with labels and with predictions of a good model, without files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl.checks.suspects import JudgedImage
from automl.checks.suspects_matching import Boxes

Row = tuple[int, float, float, float, float]  # class, then x y width height


def boxes(rows: Sequence[Row], confidence: Sequence[float] | None = None) -> Boxes:
    """Labels, or predictions with that confidence."""
    return Boxes(
        boxes=np.array([row[1:] for row in rows], dtype=float).reshape(-1, 4),
        classes=np.array([row[0] for row in rows], dtype=np.int64),
        confidence=np.ones(len(rows)) if confidence is None else np.array(confidence, dtype=float),
    )


def judged(
    labels: Sequence[Row], predicted: Sequence[Row], confidence: Sequence[float], name: str = "a"
) -> JudgedImage:
    """One image of val."""
    return JudgedImage(
        split="val",
        image=f"/data/images/{name}.jpg",
        file=f"/data/labels/{name}.txt",
        lines=tuple(range(1, len(labels) + 1)),
        labels=boxes(labels),
        predictions=boxes(predicted, confidence),
    )


def seen_well(count: int = 40, classes: int = 3, seed: int = 0) -> list[JudgedImage]:
    """Images of nine objects each, all labelled, all predicted within a few percent, with some noise besides."""
    rng = np.random.default_rng(seed)
    return [_seen_well(f"{number:03d}", classes, rng) for number in range(count)]


def _seen_well(name: str, classes: int, rng: np.random.Generator) -> JudgedImage:
    rows: list[Row] = []
    predicted: list[Row] = []
    for place in range(9):
        kind, size = int(rng.integers(classes)), float(rng.uniform(0.12, 0.2))
        x, y = (place % 3 + 0.5) / 3, (place // 3 + 0.5) / 3
        near = rng.normal(0, 0.03 * size, 4)
        rows.append((kind, x, y, size, size))
        predicted.append((kind, x + near[0], y + near[1], size + near[2], size + near[3]))
    noise = [(int(rng.integers(classes)), *rng.uniform(0.2, 0.8, 2), 0.1, 0.1) for _ in range(3)]
    confidence = [*rng.uniform(0.7, 0.95, 9), *rng.uniform(0.01, 0.05, 3)]
    return judged(rows, [*predicted, *noise], confidence, name)
