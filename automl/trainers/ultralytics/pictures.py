"""Pictures that Ultralytics draws while it evaluates a split, kept beside the trial."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from automl.files.pictures import PICTURES

FOLDER = "pictures"
WAIT_S = 300.0  # for all unfinished pictures together; long enough for a busy machine
_OF = {  # file names of Ultralytics 8.4 by ours
    "predictions.jpg": "val_batch0_pred.jpg",
    "labels.jpg": "val_batch0_labels.jpg",
    "precision-recall.png": "BoxPR_curve.png",
    "f1.png": "BoxF1_curve.png",
    "confusion.png": "confusion_matrix_normalized.png",
}


def keep(drawn: Path, directory: Path) -> list[Path]:
    """Copy the known pictures out of Ultralytics' folder and return the copies; missing ones are left out.

    Ultralytics draws pictures of images in threads of `plot_images`; wait for these first. Other threads may run
    for as long as the loader does.

    drawn      Ultralytics' folder
    directory  the trial's folder
    """
    deadline = time.monotonic() + WAIT_S
    for thread in threading.enumerate():
        if "plot_images" in thread.name:
            thread.join(max(0.0, deadline - time.monotonic()))
    folder = directory / FOLDER
    copies = []
    for name in PICTURES:
        source = drawn / _OF[name]
        if source.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            copies.append(Path(shutil.copyfile(source, folder / name)))
    return copies
