"""A data set and a network so small that a real training takes a fraction of a second."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image, ImageDraw

from automl.records import EpochMetrics, ParamValue, TrainJob, Trial
from automl.trainers.base import Trainer

ROOT = Path(__file__).resolve().parents[2]
BCCD = ROOT.parent / "shared" / "data" / "bccd" / "bccd.yaml"
COCO_WEIGHTS = ROOT.parent / "shared" / "weights" / "yolov5n-coco.safetensors"
MARK = "EPOCH "
HELD = "MEMORY "
NETWORK = """
nc: 80
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [24, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [[2, 3, 4], 1, Detect, [nc]]
"""
FIXED: dict[str, ParamValue] = {"imgsz": 64, "batch": 4, "nbs": 4, "optimizer": "SGD", "lr0": 0.02, "momentum": 0.9}


def draw_data(folder: Path, *, train: int = 10, val: int = 4, size: int = 96, seed: int = 0) -> Path:
    """Squares (class 0) and discs (class 1) on noise; the data.yaml."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(count):
            image = Image.fromarray(rng.integers(0, 60, (size, size, 3), dtype=np.uint8))
            rows = [_draw(image, rng, size) for _ in range(3)]
            image.save(folder / "images" / split / f"{number}.png")
            (folder / "labels" / split / f"{number}.txt").write_text("\n".join(rows) + "\n")
    (folder / "network.yaml").write_text(NETWORK)
    file = folder / "data.yaml"
    file.write_text("train: images/train\nval: images/val\nnames: [square, disc]\n")
    return file


def _draw(image: Image.Image, rng: np.random.Generator, size: int) -> str:
    kind = int(rng.integers(0, 2))
    half = int(rng.integers(10, 20))
    x, y = (int(v) for v in rng.integers(half, size - half, 2))
    pen = ImageDraw.Draw(image)
    shape = pen.rectangle if kind == 0 else pen.ellipse
    shape((x - half, y - half, x + half, y + half), fill=(220, 60, 60) if kind == 0 else (60, 220, 60))
    return f"{kind} {x / size:.6f} {y / size:.6f} {2 * half / size:.6f} {2 * half / size:.6f}"


def tiny_job(data: Path, folder: Path, **fixed: Any) -> TrainJob:
    """A job on the tiny network."""
    return TrainJob(
        data=str(data),
        weights=None,
        fixed={"model": str(data.parent / "network.yaml"), **FIXED, **fixed},
        directory=str(folder),
        cache=str(data.parent / "cache"),
        device="cpu",
        threads=1,
        pause_file=str(folder / "pause"),
    )


def tiny_trial(**changes: Any) -> Trial:
    """A trial of four epochs."""
    return Trial(**{"number": 3, "params": {}, "epochs": 4, "seed": 1, **changes})


def scores(metrics: EpochMetrics) -> dict[str, Any]:
    """What an epoch measured, without times."""
    kept = ("epoch", "map50_95", "map50", "precision", "recall")
    return {**{key: getattr(metrics, key) for key in kept}, **metrics.losses}


def train(trainer: Trainer, trial: Trial, job: TrainJob, stop_after: int = 99) -> list[EpochMetrics]:
    """The epochs of a training in this process, which is closed after one of them."""
    epochs = []
    run = trainer.run(trial, job)
    for metrics in run:
        epochs.append(metrics)
        if metrics.epoch >= stop_after:
            break
    run.close()
    return epochs


def pause(job: TrainJob) -> None:
    """Let every epoch of the job end with a snapshot."""
    Path(job.directory).mkdir(parents=True, exist_ok=True)
    Path(str(job.pause_file)).touch()


def run_elsewhere(trial: Trial, job: TrainJob) -> list[dict[str, Any]]:
    """Scores of the epochs that a new process yields."""
    return run_all_elsewhere([(trial, job)])[0]


def run_all_elsewhere(cases: list[tuple[Trial, TrainJob]]) -> list[list[dict[str, Any]]]:
    """The same for several trials, one after another in one new process."""
    text = json.dumps([[asdict(trial), asdict(job)] for trial, job in cases])
    done = subprocess.run(
        [sys.executable, "-m", "tests.builders.train_tiny"],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: list[list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def memory_elsewhere(cases: list[tuple[Trial, TrainJob]]) -> list[float]:
    """MiB that a new process holds after each of the trials: the suite's own process holds what other tests left."""
    text = json.dumps([[asdict(trial), asdict(job)] for trial, job in cases])
    command = [sys.executable, "-m", "tests.builders.train_tiny", "--memory"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    held = [line.removeprefix(HELD) for line in done.stdout.splitlines() if line.startswith(HELD)]
    assert len(held) == len(cases)
    return [float(each) for each in held]


def kill_elsewhere(trial: Trial, job: TrainJob, after: int) -> list[dict[str, Any]]:
    """Scores of the first epochs in a new process, which is killed as soon as it has reported them.

    It goes on meanwhile, but not to its end, however late the kill comes.
    """
    command = [sys.executable, "-m", "tests.builders.train_tiny", "--each", str(max(after, trial.epochs - 1))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([[asdict(trial), asdict(job)]]))
        process.stdin.close()
        reported = []
        for line in process.stdout:
            if line.startswith(MARK):
                reported.append(json.loads(line.removeprefix(MARK)))
                if len(reported) == after:
                    process.kill()
                    break
    return reported


def _main() -> None:
    from automl.trainers import open_trainer

    trainer = open_trainer("ultralytics")
    found: list[list[dict[str, Any]]] = []
    for trial, job in json.load(sys.stdin):
        found.append([])
        for metrics in trainer.run(Trial(**trial), TrainJob(**job)):
            found[-1].append(scores(metrics))
            if "--each" in sys.argv:
                print(f"\n{MARK}{json.dumps(found[-1][-1])}", flush=True)
                while len(found[-1]) == int(sys.argv[-1]):
                    signal.pause()
        if "--memory" in sys.argv:
            gc.collect()
            print(f"\n{HELD}{psutil.Process().memory_info().rss / 2**20:.1f}", flush=True)
    print()
    print(json.dumps(found))


if __name__ == "__main__":
    _main()
