"""One plain Ultralytics training and the scores of its best weights, for `automl bench real`.

Run as `python -m benchmarks.real.train JOB`, a JSON file, in a process of its own; writes result.json beside it.
The same trainer for every method's winner, so that none is judged by the one which its search used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is trained. `data` has the test split in it, which training never reads."""

    data: str
    weights: str  # the checkpoint with which every method began
    params: dict[str, Any]
    epochs: int
    imgsz: int
    batch: int
    seed: int
    device: str


def train(job: Job, folder: Path) -> None:
    """Trains, and scores the best weights on val and test."""
    from ultralytics import YOLO

    project = str(folder / "runs")
    given = {"data": job.data, "imgsz": job.imgsz, "batch": job.batch, "device": job.device, "plots": False}
    model = YOLO(job.weights)
    model.train(
        **{**job.params, **given, "epochs": job.epochs, "patience": job.epochs, "seed": job.seed},
        project=project,
        name="train",
        exist_ok=True,
    )
    score(job, folder)


def score(job: Job, folder: Path) -> None:
    """Scores the best weights that lie in the folder."""
    from ultralytics import YOLO

    best = YOLO(folder / "runs" / "train" / "weights" / "best.pt")
    given = {"data": job.data, "imgsz": job.imgsz, "batch": job.batch, "device": job.device, "plots": False}
    found = {
        split: float(best.val(split=split, project=str(folder / "runs"), name=split, exist_ok=True, **given).box.map)
        for split in ("val", "test")
    }
    (folder / "result.json").write_text(json.dumps(found), encoding="utf-8")


def write_job(job: Job, folder: Path) -> Path:
    """The file that `main` reads."""
    file = folder / "job.json"
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    return file


def main(arguments: Sequence[str]) -> None:
    """[--score] JOB: with --score, the weights that a training which was cut off has left are scored."""
    file = Path(arguments[-1])
    job = Job(**json.loads(file.read_text(encoding="utf-8")))
    (score if "--score" in arguments else train)(job, file.parent)


if __name__ == "__main__":
    main(sys.argv[1:])
