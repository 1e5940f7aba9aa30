"""Ultralytics' two tuners, started as its documentation shows, for the benchmarks `overhead` and `real`.

Run as `python -m benchmarks.overhead.peers initial|use_ray|ga SETTINGS`, in a process of its own. Everything
else keeps the peer's default: plots, checkpoints, integrations, loggers, search space (26 dimensions), AdamW, ASHA
with a grace period of 10 epochs.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.overhead.figures import Settings


def write_initial(settings: Settings, target: Path) -> None:
    """Write the checkpoint with which every method begins, and Ultralytics' fonts beside it."""
    from automl.trainers.ultralytics.initial import Beginning

    begin = Beginning(model=settings.model, data=settings.data, weights=settings.weights, seed=settings.seed)
    begin.write(target, target.parent)


def tune(method: str, settings: Settings, folder: Path) -> None:
    """Run one of the tuners to its end, with its files below the folder."""
    from ultralytics import YOLO

    arguments: dict[str, Any] = {
        "data": settings.data,
        "epochs": settings.epochs,
        "imgsz": settings.imgsz,
        "batch": settings.batch,
        "seed": settings.seed,
        "device": settings.device,
        "project": str(folder / "runs"),  # by default it writes into the Git repository around its package
    }
    model = YOLO(settings.weights)
    if method == "use_ray":
        multiprocessing.cpu_count = lambda: settings.slots  # Ray takes this for the cores that it may use
        model.tune(
            use_ray=True, iterations=settings.trials, gpu_per_trial=0 if settings.device == "cpu" else 1, **arguments
        )
    else:
        model.tune(iterations=settings.trials, **arguments)


def main(arguments: Sequence[str]) -> None:
    """Arguments: METHOD SETTINGS"""
    method, file = arguments
    settings = Settings(**json.loads(Path(file).read_text(encoding="utf-8")))
    if method == "initial":
        write_initial(settings, Path(file).parent / "initial.pt")
    else:
        tune(method, settings, Path(file).parent)


if __name__ == "__main__":
    main(sys.argv[1:])
