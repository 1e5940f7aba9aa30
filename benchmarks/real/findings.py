"""What a method left behind, read as its user would: by its own best, from its own files."""

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
from benchmarks.real.figures import Curve, Finding, Params, RealSettings, counts, curve_of

STUDY = "ours"
SCORE = "metrics/mAP50-95(B)"
# Arguments that the training anew is given, or that say where and not how.
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

Winner = tuple[Params, float]  # its hyperparameters and the mAP50-95 on val that it showed


def finding(method: str, room: Path, tree: Mapping[str, Any], settings: RealSettings, epochs: int) -> Finding:
    """The winner of a method, its cost and its course. Raises AutoMLError where it found nothing.

    tree    the meter's report
    epochs  of the winner's training anew
    """
    spans = json_lines(room / "marks.jsonl")
    curve = curve_of(spans, json_lines(room / "timeline.jsonl"), settings.unit)
    best = read_winner(method, room, curve)
    if best is None:
        raise AutoMLError(
            f"{method} had found nothing when it ended after {tree['cpu_s']:.0f} CPU s, exit code {tree['exit_code']}. "
            f"Raise --budget, or look at {room / 'log.txt'}. Its last lines:\n{tail(room / 'log.txt')}"
        )
    trials, finished = counts(spans, settings.epochs)
    return Finding(
        params=hyperparameters(best[0]),
        epochs=epochs,
        val=best[1],
        trials=trials,
        finished=finished,
        used_s=tree["cpu_s"] if settings.unit == "cpu" else tree["wall_s"],
        wall_s=tree["wall_s"],
        limited=tree["limited"],
        curve=curve,
    )


def read_winner(method: str, room: Path, curve: Curve) -> Winner | None:
    """The best that the method itself reports; None where it has nothing yet."""
    if method == "automl":
        return _ours(room)
    if method == "ray":
        return best_of_ray(sorted((room / "runs").rglob("result.json")))
    if method == "genetic":
        return best_of_genetic(
            [line for file in (room / "runs").rglob("tune_results.ndjson") for line in json_lines(file)]
        )
    return ({}, curve[-1][1]) if curve else None


def ours_at(room: Path, epochs: int) -> Params | None:
    """Hyperparameters of our winner as `automl export --epochs` gives them; None where its study is gone."""
    file = room / "home" / "automl.db"
    if not file.exists():
        return None
    engine = open_store(f"sqlite:///{file}", create=False, read_only=True)
    study, taken = read.study(engine, STUDY), winner(read.trials(engine, STUDY))
    if taken is None:
        return None
    given = arguments(study, taken, Path(study.spec.data), None)
    return hyperparameters({**given, **longer(study.spec, taken.number, given, taken.epochs, epochs)})


def best_of_ray(files: Iterable[Path]) -> Winner | None:
    """The trial with the best epoch among those that Ray Tune wrote down, running ones too."""
    found: list[Winner] = []
    for file in files:
        told = [line for line in json_lines(file) if math.isfinite(line.get(SCORE, math.nan))]
        if told:
            found.append((told[0]["config"], max(line[SCORE] for line in told)))
    return max(found, key=lambda each: each[1], default=None)


def best_of_genetic(lines: Iterable[Mapping[str, Any]]) -> Winner | None:
    """The best generation that the tuner finished."""
    found: list[Winner] = []
    for line in lines:
        scores = [scored.get(SCORE, math.nan) for scored in line["datasets"].values()]
        if scores and all(map(math.isfinite, scores)):
            found.append((line["hyperparameters"], max(scores)))
    return max(found, key=lambda each: each[1], default=None)


def hyperparameters(given: Params) -> dict[str, Any]:
    """Without what the training anew is given anyway."""
    return {key: value for key, value in given.items() if key not in _NOT_SEARCHED}


def json_lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file, none where there is no file. A line that was cut off by a kill counts nothing."""
    found = []
    if file.exists():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return [each for each in found if isinstance(each, dict)]


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log, without its progress bars."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(line.rpartition("\r")[2] for line in text.splitlines()[-lines:])


def _ours(room: Path) -> Winner | None:
    """What `automl export` gives: the confirmed winner, or the best score where nothing was confirmed."""
    document = json.loads(_automl(room, "show", STUDY, "--json") or "{}")
    chosen = document.get("winner") or document.get("best")
    if chosen is None or chosen["best_map50_95"] is None:
        return None
    _automl(room, "export", STUDY, "-o", str(room / "hyp.yaml"))
    return yaml.safe_load((room / "hyp.yaml").read_text(encoding="utf-8")), chosen["best_map50_95"]


def _automl(room: Path, *words: str) -> str:
    variables = {**os.environ, "AUTOML_HOME": str(room / "home"), "YOLO_OFFLINE": "1"}
    variables.pop("AUTOML_DB", None)
    command = [sys.executable, "-m", "automl.cli", *words]
    return subprocess.run(command, cwd=room, env=variables, capture_output=True, text=True, check=False).stdout
