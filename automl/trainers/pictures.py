"""The pictures that Ultralytics draws while it measures a split, kept beside the trial."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from automl.records import PICTURES

FOLDER = "pictures"
WAIT_S = 30.0  # for a picture that is still being drawn
_OF = {  # file names of Ultralytics 8.4 by ours
    "predictions.jpg": "val_batch0_pred.jpg",
    "labels.jpg": "val_batch0_labels.jpg",
    "precision-recall.png": "BoxPR_curve.png",
    "f1.png": "BoxF1_curve.png",
    "confusion.png": "confusion_matrix_normalized.png",
}


def keep(drawn: Path, directory: Path, drawing: Iterable[threading.Thread] = ()) -> list[Path]:
    """Copies the known pictures out of Ultralytics' folder and returns where they lie; what is missing is left out.

    drawing  threads that may still draw some of them
    """
    for thread in drawing:
        thread.join(WAIT_S)
    folder = directory / FOLDER
    kept = []
    for name in PICTURES:
        source = drawn / _OF[name]
        if source.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            kept.append(Path(shutil.copyfile(source, folder / name)))
    return kept
