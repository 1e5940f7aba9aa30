"""Results of a method, read from its own files as its user would read them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from automl.errors import AutoMLError
from automl.policy.production import longer
from automl.recipes import arguments
from automl.scores.leaderboard import winner
from automl.store import read
from automl.store.engine import open_store
from benchmarks.checkout import with_checkout
from benchmarks.overhead.workspace import tail
from benchmarks.real.figures import Curve, Finding, Params, RealSettings, counts, curve_of

STUDY = "ours"
SCORE = "metrics/mAP50-95(B)"
# Arguments that are the same for every retraining, and file names.
_NOT_SEARCHED = frozenset(
    (
        *(
            "data",
            "model",
            "weights",
            "pretrained",
            "epochs",
            "patience",
            "imgsz",
            "batch",
            "seed",
            "device",
            "workers",
        ),
        *("project", "name", "save_dir", "exist_ok", "plots", "amp", "cache", "verbose", "task", "mode", "save"),
    )
)

Winner = tuple[Params, float]  # its hyperparameters and its mAP50-95 on val


def finding(method: str, folder: Path, tree: Mapping[str, Any], settings: RealSettings, epochs: int) -> Finding:
    """The winner of a method, its cost and its course. Raises AutoMLError if there is no winner.

    tree    the meter's report
    epochs  of the winner's retraining
    """
    spans = json_lines(folder / "marks.jsonl")
    curve = curve_of(spans, json_lines(folder / "timeline.jsonl"), settings.unit)
    result = read_winner(method, folder, curve)
    if result is None:
        raise AutoMLError(
            f"{method} had no winner when it ended after {tree['cpu_s']:.0f} CPU s, exit code {tree['exit_code']}. "
            f"Raise --budget, or look at {folder / 'log.txt'}. Its last lines:\n{tail(folder / 'log.txt')}"
        )
    params, score = result
    trials, finished = counts(spans, settings.epochs)
    return Finding(
        params=hyperparameters(params),
        epochs=epochs,
        val=score,
        trials=trials,
        finished=finished,
        used_s=tree["cpu_s"] if settings.unit == "cpu" else tree["wall_s"],
        wall_s=tree["wall_s"],
        limited=tree["limited"],
        curve=curve,
    )


def read_winner(method: str, folder: Path, curve: Curve) -> Winner | None:
    """The winner that the method itself reports; None before its first score."""
    if method == "automl":
        return _ours(folder)
    if method == "ray":
        return best_of_ray(sorted((folder / "runs").rglob("result.json")))
    if method == "genetic":
        return best_of_genetic(
            [line for file in (folder / "runs").rglob("tune_results.ndjson") for line in json_lines(file)]
        )
    return ({}, curve[-1][1]) if curve else None


def winner_at(folder: Path, epochs: int) -> Params | None:
    """Hyperparameters of our winner as `automl export --epochs` writes them; None if its study was deleted."""
    file = folder / "home" / "automl.db"
    if not file.exists():
        return None
    engine = open_store(f"sqlite:///{file}", create=False, read_only=True)
    study, trial = read.study(engine, STUDY), winner(read.trials(engine, STUDY))
    if trial is None:
        return None
    recipe = arguments(study, trial, Path(study.spec.data), None)
    return hyperparameters({**recipe, **longer(study.spec, trial.number, recipe, trial.epochs, epochs)})


def best_of_ray(files: Iterable[Path]) -> Winner | None:
    """The trial with the best epoch in Ray Tune's files, running trials included."""
    trials: list[Winner] = []
    for file in files:
        lines = [line for line in json_lines(file) if math.isfinite(line.get(SCORE, math.nan))]
        if lines:
            trials.append((lines[0]["config"], max(line[SCORE] for line in lines)))
    return max(trials, key=lambda trial: trial[1], default=None)


def best_of_genetic(lines: Iterable[Mapping[str, Any]]) -> Winner | None:
    """The best generation that the tuner finished."""
    generations: list[Winner] = []
    for line in lines:
        scores = [metrics.get(SCORE, math.nan) for metrics in line["datasets"].values()]
        if scores and all(map(math.isfinite, scores)):
            generations.append((line["hyperparameters"], max(scores)))
    return max(generations, key=lambda generation: generation[1], default=None)


def hyperparameters(params: Params) -> dict[str, Any]:
    """The searched parameters: without those that are the same for every retraining."""
    return {key: value for key, value in params.items() if key not in _NOT_SEARCHED}


def json_lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file, empty without a file. A line that a kill cut off is ignored."""
    values = []
    if file.exists():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                values.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return [value for value in values if isinstance(value, dict)]


def _ours(folder: Path) -> Winner | None:
    """The recipe that `automl export` writes: of the winner, or of the best score before there is one."""
    document = json.loads(_automl(folder, "show", STUDY, "--json") or "{}")
    trial = document.get("winner") or document.get("best")
    if trial is None or trial["best_map50_95"] is None:
        return None
    _automl(folder, "export", STUDY, "-o", str(folder / "hyp.yaml"))
    return yaml.safe_load((folder / "hyp.yaml").read_text(encoding="utf-8")), trial["best_map50_95"]


def _automl(folder: Path, *words: str) -> str:
    variables = {**with_checkout(os.environ), "AUTOML_HOME": str(folder / "home"), "YOLO_OFFLINE": "1"}
    variables.pop("AUTOML_DB", None)
    command = [sys.executable, "-m", "automl.cli", *words]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False).stdout
