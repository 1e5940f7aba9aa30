"""The pretrained baseline against Ultralytics' own training from the same checkpoint: the very same training."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.records import EpochMetrics, Slots, Trial
from automl.setup.options import SearchRequest
from automl.setup.request import check
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.trainer import UltralyticsTrainer
from automl.trainers.ultralytics.weights import read_checkpoint
from tests.builders.train_tiny import draw_data, tiny_job

SET_BY_AUTO = ("optimizer", "lr0", "momentum", "warmup_bias_lr")
CHECKPOINT = """
import sys, torch
from ultralytics.nn.tasks import DetectionModel
torch.manual_seed(3)
network = DetectionModel("yolov5n.yaml", nc=80, verbose=False)
network.names = {number: "Disc " if number == 7 else f"class {number}" for number in range(80)}
network.args = {"task": "detect", "model": "yolov5n.yaml"}
torch.save({"epoch": -1, "model": network, "ema": None, "train_args": network.args}, sys.argv[1])
"""
YOLO = """
import json, sys
import torch
torch.set_num_threads(1)
from ultralytics import YOLO
model = YOLO(sys.argv[1])
model.train(data=sys.argv[2], project=sys.argv[3], name="t", **json.loads(sys.argv[4]))
trainer, first = model.trainer, model.trainer.optimizer.param_groups[0]
print("DONE", json.dumps({"optimizer": type(trainer.optimizer).__name__, "lr0": first["initial_lr"],
    "momentum": first["betas"][0], "warmup_bias_lr": trainer.args.warmup_bias_lr}))
"""
SAME: dict[str, Any] = {"imgsz": 64, "batch": 4}


def run(code: str, folder: Path, *arguments: str) -> str:
    """Run a program with Ultralytics as a user has it, but without the network."""
    variables = {**os.environ, "YOLO_CONFIG_DIR": str(folder / "config"), "YOLO_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def train_as_yolo(data: Path, weights: Path, **arguments: Any) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """Two epochs of `YOLO(weights).train(…)`: the rows of its results.csv, and the arguments that it ran with."""
    folder = data.parent
    same = {"epochs": 2, "workers": 0, "plots": False, **SAME, **arguments}
    said = run(YOLO, folder, str(weights), str(data), str(folder / "runs"), json.dumps(same))
    with (folder / "runs" / "t" / "results.csv").open() as file:
        rows = [{key.strip(): float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    written = yaml.safe_load((folder / "runs" / "t" / "args.yaml").read_text())
    done = next(line for line in said.splitlines() if line.startswith("DONE "))
    return rows, {**written, **json.loads(done.removeprefix("DONE "))}


def train_as_baseline(data: Path, weights: Path, device: str = "cpu") -> list[EpochMetrics]:
    """Two epochs of trial 0 of the search whose only wish is this model, batch and size."""
    request = SearchRequest(data=data, budgets=("1cpu-h",), models=("yolov5n",), imgsz=(64,), batch=4)
    checked = check(request, Slots(count=1, device="cpu"))
    start = checked.weights_for("yolov5n")
    assert start is not None
    assert start.path == str(weights)
    job = replace(tiny_job(data, data.parent / "ours"), weights=start.path, fixed=checked.fixed, device=device)
    return list(UltralyticsTrainer().run(Trial(number=0, params={}, epochs=2, seed=0), job))


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A detector of 80 classes, one of which the data has too, in the folder of AUTOML_WEIGHTS."""
    file = tmp_path / "weights" / "yolov5nu.pt"
    file.parent.mkdir()
    run(CHECKPOINT, tmp_path, str(file))
    monkeypatch.setenv("AUTOML_WEIGHTS", str(file.parent))
    return file


def test_the_pretrained_baseline_is_the_training_of_yolo(tmp_path: Path, checkpoint: Path) -> None:
    data = draw_data(tmp_path / "data")
    rows, arguments = train_as_yolo(data, checkpoint)
    epochs = train_as_baseline(data, checkpoint)
    applied = epochs[0].applied or {}
    compared = {key: applied[key] for key in (*schema.tunable_keys(), "amp", "seed", "epochs", "max_det", "iou")}
    assert {key: arguments[key] for key in compared if key != "model"} == {
        key: value for key, value in compared.items() if key != "model"
    }
    assert all(key in compared for key in SET_BY_AUTO)
    for row, epoch in zip(rows, epochs, strict=True):
        assert {key: row[key] for key in epoch.losses} == pytest.approx(dict(epoch.losses), abs=1e-5)
        assert row["metrics/mAP50-95(B)"] == pytest.approx(epoch.map50_95, abs=1e-5)


@pytest.mark.gpu
def test_on_a_gpu_the_baseline_has_the_precision_of_yolo(tmp_path: Path, checkpoint: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    data = draw_data(tmp_path / "data")
    rows, arguments = train_as_yolo(data, checkpoint, device="0", workers=1)
    epochs = train_as_baseline(data, checkpoint, device="0")
    applied = epochs[0].applied or {}
    assert applied["amp"] is arguments["amp"] is True
    for row, epoch in zip(rows, epochs, strict=True):
        assert {key: row[key] for key in epoch.losses} == pytest.approx(dict(epoch.losses), rel=0.01)


def test_the_branch_of_the_classes_keeps_its_width_wherever_the_network_is_built_again(
    tmp_path: Path, checkpoint: Path
) -> None:
    data = draw_data(tmp_path / "data")
    whole = train_as_baseline(data, checkpoint)
    trained = read_checkpoint(tmp_path / "data" / "ours" / "last.pt")
    assert trained.state["model.24.cv3.0.2.weight"].shape[:2] == (2, 80)

    job = replace(
        tiny_job(data, tmp_path / "cut"), weights=str(checkpoint), fixed={"amp": True, "model": "yolov5n", **SAME}
    )
    Path(job.directory).mkdir()
    Path(str(job.pause_file)).touch()  # every epoch ends with a snapshot
    trainer, trial = UltralyticsTrainer(), Trial(number=0, params={}, epochs=2, seed=0)
    begun = trainer.run(trial, job)
    assert next(begun).losses == whole[0].losses
    begun.close()
    (last,) = trainer.run(replace(trial, attempt=2, done_epochs=1), job)
    assert last.losses == pytest.approx(dict(whole[1].losses), abs=1e-5)
    assert trainer.evaluate(trial, job, "val").images == 4


def test_a_study_of_an_earlier_version_goes_on_as_it_began(tmp_path: Path, checkpoint: Path) -> None:
    data = draw_data(tmp_path / "data")
    job = replace(tiny_job(data, tmp_path / "old"), weights=str(checkpoint), fixed={"model": "yolov5n", **SAME})
    list(UltralyticsTrainer().run(Trial(number=0, params={}, epochs=1, seed=0), job))
    assert read_checkpoint(tmp_path / "old" / "last.pt").state["model.24.cv3.0.2.weight"].shape[:2] == (2, 64)
