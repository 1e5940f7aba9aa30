"""What benches that run whole methods share: folders, copies of the data, and an environment without the user's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from automl.data.dataset import Dataset
from automl.data.labels import label_path
from automl.errors import AutoMLError
from benchmarks.overhead import instrument
from benchmarks.overhead.figures import Settings

SHOWN = ("python", "torch", "ultralytics", "ray")


def copy_data(dataset: Dataset, folder: Path, splits: Sequence[str] = ("train", "val")) -> Path:
    """The data.yaml of a copy of some splits; Ultralytics writes beside the labels, and mends broken images."""
    document: dict[str, Any] = {"path": str(folder.absolute())}
    for name in splits:
        images, labels = folder / "images" / name, folder / "labels" / name
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for number, image in enumerate(dataset.splits[name].images):
            shutil.copyfile(image, images / f"{number:06}{image.suffix}")
            written = Path(label_path(str(image)))
            if written.exists():
                shutil.copyfile(written, labels / f"{number:06}.txt")
        document[name] = f"images/{name}"
    document |= {"names": dict(enumerate(dataset.names)), **dataset.extra}
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def write_initial(settings: Settings, room: Path) -> Path:
    """The checkpoint with which every method begins; beside it Ultralytics' settings with its fonts."""
    empty(room)
    file = write_settings(settings, room)
    run_beside([sys.executable, "-m", "benchmarks.overhead.peers", "initial", str(file)], room, os.environ)
    return room / "initial.pt"


def environment(room: Path, config: Path) -> dict[str, str]:
    """What the measured command finds: the user's variables without those that would lead it elsewhere."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOML_", "RAY_", "YOLO_"))}
    hook = room / "hook"
    hook.mkdir(exist_ok=True)
    shutil.copyfile(instrument.__file__, hook / "sitecustomize.py")
    path = os.pathsep.join(part for part in (str(hook), kept.get("PYTHONPATH", "")) if part)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    threads[instrument.THREADS] = "1"
    return {
        **kept,
        **threads,
        "PYTHONPATH": path,
        instrument.FILE: str(room / "marks.jsonl"),
        "AUTOML_HOME": str(room / "home"),
        "YOLO_CONFIG_DIR": str(config),
        "YOLO_OFFLINE": "1",
        "YOLO_AUTOINSTALL": "0",
        "RAY_worker_niceness": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_USE_MULTIPROCESSING_CPU_COUNT": "1",
    }


def run_beside(command: Sequence[str], room: Path, environment: Mapping[str, str]) -> None:
    """Runs a command to its end; where we are interrupted, it ends first."""
    with (room / "bench.txt").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=room, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        tail = (room / "bench.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise AutoMLError(f"{' '.join(command[1:4])} failed:\n{tail}")


def empty(room: Path) -> None:
    """A folder with nothing in it."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)


def write_settings(settings: Settings, room: Path) -> Path:
    """The file by which `peers` is told its settings."""
    file = room / "settings.json"
    file.write_text(json.dumps(asdict(settings)), encoding="utf-8")
    return file


def versions() -> dict[str, str]:
    """Of what a measurement depends on."""
    return {n: sys.version.split()[0] if n == "python" else metadata.version(n) for n in SHOWN}
