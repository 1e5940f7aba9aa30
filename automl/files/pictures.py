"""Pictures of a trial that was measured on unseen images."""

from __future__ import annotations

from collections.abc import Mapping

PICTURES: Mapping[str, str] = {  # file and title
    "predictions.jpg": "Predictions on unseen images",
    "labels.jpg": "Labels of the same images",
    "precision-recall.png": "Precision against recall",
    "f1.png": "F1 against confidence",
    "confusion.png": "Confusion matrix, normalized",
}
