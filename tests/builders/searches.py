"""Real searches of tests, and trainings of their recipes by Ultralytics' own command line."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.builders.cli import Place, environment

NAME = "shapes"
BUDGET_S = 900


@dataclass(frozen=True)
class Searched:
    """A search on the command line that has ended, with its folder."""

    place: Place
    done: subprocess.CompletedProcess[str]


# Arguments of the machine, as the search has them on a CPU: they do not change the figures.
SAME_MACHINE = ("workers=0", "device=cpu", "plots=False")


@dataclass(frozen=True)
class Trained:
    """A training by Ultralytics' own command line."""

    args: dict[str, Any]
    epochs: list[dict[str, float]]
    output: str


def yolo(folder: Path, recipe: Path, threads: int) -> Trained:
    """`yolo detect train cfg=RECIPE` in a process of its own, without a network.

    threads  as many as the trial had: sums in another order end in other digits. Ultralytics itself takes
             all cores but one, whatever the environment says.
    """
    settings = folder / "settings"
    _place_fonts(settings / "Ultralytics")
    threading = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    code = f"from ultralytics.utils import torch_utils; torch_utils.NUM_THREADS = {threads}; "
    code += "from ultralytics.cfg import entrypoint; entrypoint()"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "detect",
            "train",
            f"cfg={recipe}",
            f"project={folder}/trainings",
            "name=run",
            *SAME_MACHINE,
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(YOLO_CONFIG_DIR=str(settings), YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", **threading),
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    run = folder / "trainings" / "run"
    with (run / "results.csv").open() as file:
        epochs = [{key.strip(): float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return Trained(yaml.safe_load((run / "args.yaml").read_text()), epochs, done.stdout + done.stderr)


def _place_fonts(folder: Path) -> None:
    import matplotlib

    folder.mkdir(parents=True)
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        shutil.copyfile(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", folder / name)


def trial_scores(place: Place, name: str, trial: int) -> list[tuple[float, float]]:
    """mAP50-95 and mAP50 of a trial's epochs, with as many digits as Ultralytics writes."""
    return [
        (float(f"{row.map50_95:.5g}"), float(f"{row.map50:.5g}")) for row in place.epochs(name) if row.trial == trial
    ]


def yolo_scores(trained: Trained) -> list[tuple[float, float]]:
    """mAP50-95 and mAP50 of the epochs in Ultralytics' results.csv."""
    return [(row["metrics/mAP50-95(B)"], row["metrics/mAP50(B)"]) for row in trained.epochs]
