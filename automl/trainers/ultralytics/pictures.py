"""The pictures that Ultralytics draws while it measures a split, kept beside the trial."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from automl.files.pictures import PICTURES

FOLDER = "pictures"
WAIT_S = 300.0  # for pictures that are still being drawn, all together; long enough for a busy machine
_OF = {  # file names of Ultralytics 8.4 by ours
    "predictions.jpg": "val_batch0_pred.jpg",
    "labels.jpg": "val_batch0_labels.jpg",
    "precision-recall.png": "BoxPR_curve.png",
    "f1.png": "BoxF1_curve.png",
    "confusion.png": "confusion_matrix_normalized.png",
}


def keep(drawn: Path, directory: Path) -> list[Path]:
    """Copies the known pictures out of Ultralytics' folder and returns where they lie; what is missing is left out.

    Ultralytics draws those of images in threads of `plot_images`, which have to end first. Other threads may run
    for as long as the loader does.
    """
    deadline = time.monotonic() + WAIT_S
    for thread in threading.enumerate():
        if "plot_images" in thread.name:
            thread.join(max(0.0, deadline - time.monotonic()))
    folder = directory / FOLDER
    kept = []
    for name in PICTURES:
        source = drawn / _OF[name]
        if source.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            kept.append(Path(shutil.copyfile(source, folder / name)))
    return kept
