"""One plain Ultralytics training and the scores of its best weights, for `python -m benchmarks real`.

Run as `python -m benchmarks.real.train JOB`, a JSON file, in a process of its own; it writes result.json beside it.
The winners of all methods are trained by the same trainer, not by that of their search.
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
    """One training. `data` includes the test split, which training never reads."""

    data: str
    weights: str  # the checkpoint with which every method began
    params: dict[str, Any]
    epochs: int
    imgsz: int
    batch: int
    seed: int
    device: str

    @property
    def shared(self) -> dict[str, Any]:
        """Arguments of both training and validation."""
        return {
            "data": self.data,
            "imgsz": self.imgsz,
            "batch": self.batch,
            "device": self.device,
            "plots": False,
        }


def train(job: Job, folder: Path) -> None:
    """Train, and score the best weights on val and test."""
    from ultralytics import YOLO

    model = YOLO(job.weights)
    model.train(
        **{**job.params, **job.shared, "epochs": job.epochs, "patience": job.epochs, "seed": job.seed},
        project=str(folder / "runs"),
        name="train",
        exist_ok=True,
    )
    score(job, folder)


def score(job: Job, folder: Path) -> None:
    """Score the best weights in the folder."""
    from ultralytics import YOLO

    best = YOLO(folder / "runs" / "train" / "weights" / "best.pt")
    scores = {
        split: float(
            best.val(split=split, project=str(folder / "runs"), name=split, exist_ok=True, **job.shared).box.map
        )
        for split in ("val", "test")
    }
    (folder / "result.json").write_text(json.dumps(scores), encoding="utf-8")


def write_job(job: Job, folder: Path) -> Path:
    """The job's file, which `main` reads."""
    file = folder / "job.json"
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    return file


def main(arguments: Sequence[str]) -> None:
    """Arguments: [--score] JOB. --score only scores the weights of a training that was cut off."""
    file = Path(arguments[-1])
    job = Job(**json.loads(file.read_text(encoding="utf-8")))
    (score if "--score" in arguments else train)(job, file.parent)


if __name__ == "__main__":
    main(sys.argv[1:])
