"""What is exported, Ultralytics' own command line runs: with the very arguments that the trial had."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.records import TrialRow
from tests.builders.cli import Place, environment
from tests.e2e.conftest import NAME, Searched

pytestmark = [pytest.mark.ray, pytest.mark.slow]
# What only says where and how a training runs, not what it computes; as the search has it on a CPU.
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
            f"project={folder}/made",
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
    run = folder / "made" / "run"
    with (run / "results.csv").open() as file:
        epochs = [{key.strip(): float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return Trained(yaml.safe_load((run / "args.yaml").read_text()), epochs, done.stdout + done.stderr)


def _place_fonts(folder: Path) -> None:
    import matplotlib

    folder.mkdir(parents=True)
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        shutil.copyfile(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", folder / name)


def measured(place: Place, name: str, trial: int) -> list[tuple[float, float]]:
    """mAP50-95 and mAP50 of a trial's epochs, with as many digits as Ultralytics writes."""
    return [
        (float(f"{row.map50_95:.5g}"), float(f"{row.map50:.5g}")) for row in place.epochs(name) if row.trial == trial
    ]


def told(trained: Trained) -> list[tuple[float, float]]:
    """The same, as Ultralytics wrote it down."""
    return [(row["metrics/mAP50-95(B)"], row["metrics/mAP50(B)"]) for row in trained.epochs]


def check_arguments(recipe: dict[str, Any], args: dict[str, Any], row: TrialRow) -> None:
    """Every argument of the recipe is what ran there, and what the trial ran with."""
    assert {key: args[key] for key in recipe} == recipe
    assert row.applied is not None
    shared = {key: value for key, value in row.applied.items() if key in recipe and key not in ("model", "epochs")}
    assert {"optimizer", "lr0", "momentum", "box", "mosaic", "imgsz", "batch", "nbs"} <= set(shared)
    assert {key: recipe[key] for key in shared} == shared


def test_the_exported_recipe_repeats_the_trial(searched: Searched, tmp_path: Path) -> None:
    """A trial of the sampler, whose optimizer, schedule and augmentation are its own."""
    place = searched.place
    row = place.trials(NAME)[4]
    assert place.run("export", NAME, "--trial", "4", "-o", tmp_path / "hyp.yaml").returncode == 0
    recipe = yaml.safe_load((tmp_path / "hyp.yaml").read_text())
    trained = yolo(tmp_path, tmp_path / "hyp.yaml", place.study(NAME).spec.slots.threads)
    check_arguments(recipe, trained.args, row)
    assert f"{recipe['optimizer']}(lr={recipe['lr0']}, momentum={recipe['momentum']})" in trained.output
    assert len(trained.epochs) == row.epochs


def test_a_recipe_with_weights_gives_the_very_scores_of_the_trial(cells: Searched, tmp_path: Path) -> None:
    """Augmentation, order of images, schedule and the random part of the head: all as they were."""
    place = cells.place
    best = place.study("cells").best_trial
    assert best is not None
    assert place.run("export", "cells", "-o", tmp_path / "hyp.yaml").returncode == 0
    recipe = yaml.safe_load((tmp_path / "hyp.yaml").read_text())
    trained = yolo(tmp_path, tmp_path / "hyp.yaml", place.study("cells").spec.slots.threads)
    check_arguments(recipe, trained.args, place.trials("cells")[best])
    assert told(trained) == measured(place, "cells", best)
