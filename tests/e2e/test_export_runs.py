"""Exported recipes train with Ultralytics' own command line, with the very arguments of the trial."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.records import TrialRow
from tests.builders.cli import environment
from tests.builders.searches import NAME, SAME_MACHINE, Searched, trial_scores, yolo, yolo_scores

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def check_arguments(recipe: dict[str, Any], args: dict[str, Any], row: TrialRow) -> None:
    """Assert that the recipe's arguments are those of the training and of the trial."""
    assert {key: args[key] for key in recipe} == recipe
    assert row.applied is not None
    shared = {key: value for key, value in row.applied.items() if key in recipe and key not in ("model", "epochs")}
    assert {"optimizer", "lr0", "momentum", "box", "mosaic", "imgsz", "batch", "nbs"} <= set(shared)
    assert {key: recipe[key] for key in shared} == shared


def test_the_exported_recipe_repeats_the_trial(searched: Searched, tmp_path: Path) -> None:
    """Of a trial that the sampler proposed, with an optimizer, schedule and augmentation of its own."""
    place = searched.place
    row = place.trials(NAME)[4]
    words = ("export", NAME, "--trial", "4", "--epochs", str(row.epochs), "-o", tmp_path / "hyp.yaml")
    assert place.run(*words).returncode == 0
    recipe = yaml.safe_load((tmp_path / "hyp.yaml").read_text())
    trained = yolo(tmp_path, tmp_path / "hyp.yaml", place.study(NAME).spec.slots.threads)
    check_arguments(recipe, trained.args, row)
    assert f"{recipe['optimizer']}(lr={recipe['lr0']}, momentum={recipe['momentum']})" in trained.output
    assert len(trained.epochs) == row.epochs


def test_the_printed_command_runs_as_it_is_pasted(searched: Searched) -> None:
    """From a folder whose name needs quotes, through a shell, with the `yolo` that users have."""
    place = searched.place
    done = place.run("export", NAME, "--epochs", "1", "-o", "it's my dir/hyp.yaml")
    command = done.stdout.splitlines()[0].partition("Train it with: ")[2]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {"YOLO_CONFIG_DIR": str(place.folder / "settings"), "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}
    trained = subprocess.run(
        f"{command} project={place.folder}/trainings name=pasted {' '.join(SAME_MACHINE)}",
        shell=True,
        cwd=place.folder,
        env=environment(PATH=path, **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert trained.returncode == 0, (trained.stdout + trained.stderr)[-3000:]
    assert (place.folder / "trainings" / "pasted" / "weights" / "last.pt").is_file()


def test_a_recipe_with_weights_gives_the_very_scores_of_the_trial(cells: Searched, tmp_path: Path) -> None:
    """Augmentation, order of images, schedule and the random part of the head are the same."""
    place = cells.place
    best = place.study("cells").best_trial
    assert best is not None
    words = ("export", "cells", "--trial", str(best), "--epochs", "6", "-o", tmp_path / "hyp.yaml")
    assert place.run(*words).returncode == 0
    recipe = yaml.safe_load((tmp_path / "hyp.yaml").read_text())
    trained = yolo(tmp_path, tmp_path / "hyp.yaml", place.study("cells").spec.slots.threads)
    check_arguments(recipe, trained.args, place.trials("cells")[best])
    assert yolo_scores(trained) == trial_scores(place, "cells", best)
