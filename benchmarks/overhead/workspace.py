"""Workspaces of benchmarks that run whole methods: folders, copies of the data, commands and their environment."""

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

from automl.data.dataset import Dataset, fingerprint
from automl.data.labels import label_path
from automl.errors import AutoMLError
from automl.trainers.ultralytics.weights import sha256
from benchmarks.checkout import with_checkout
from benchmarks.overhead import instrument
from benchmarks.overhead.figures import Paid, Settings, add_up

SHOWN = ("python", "torch", "ultralytics", "ray")
METER = "benchmarks.overhead.process_tree"


def copy_data(dataset: Dataset, folder: Path, splits: Sequence[str] = ("train", "val")) -> Path:
    """The data.yaml of a copy of some splits: Ultralytics writes beside the labels and mends broken images."""
    document: dict[str, Any] = {"path": str(folder.absolute())}
    for split in splits:
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for number, image in enumerate(dataset.splits[split].images):
            shutil.copyfile(image, images / f"{number:06}{image.suffix}")
            label = Path(label_path(str(image)))
            if label.exists():
                shutil.copyfile(label, labels / f"{number:06}.txt")
        document[split] = f"images/{split}"
    document |= {"names": dict(enumerate(dataset.names)), **dataset.extra}
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def write_initial(settings: Settings, folder: Path) -> Path:
    """The checkpoint with which every method begins; Ultralytics' settings and fonts lie beside it."""
    empty(folder)
    run_beside(peer_command("initial", settings, folder), folder, with_checkout(os.environ))
    return folder / "initial.pt"


def peer_command(method: str, settings: Settings, folder: Path) -> list[str]:
    """Command line of one of Ultralytics' tuners, with its settings written into the folder."""
    file = folder / "settings.json"
    file.write_text(json.dumps(asdict(settings)), encoding="utf-8")
    return [sys.executable, "-m", "benchmarks.overhead.peers", method, str(file)]


def search_command(settings: Settings, budget: str, **more: str) -> list[str]:
    """Command line of our search. On a GPU the search counts its slots itself.

    more  further options by name
    """
    options = {
        "data": settings.data,
        "weights": settings.weights,
        "models": settings.model,
        "imgsz": settings.imgsz,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "seed": settings.seed,
        "device": settings.device,
        "budget": budget,
        **more,
    }
    if settings.device == "cpu":
        options["slots"] = settings.slots
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "automl.cli", "search", *words]


def metered(words: Sequence[str], folder: Path, options: Sequence[str] = ()) -> list[str]:
    """A command line under the meter, which writes tree.json and log.txt into the folder.

    options  of the meter, such as --cpu-limit
    """
    return [sys.executable, "-m", METER, *options, str(folder / "tree.json"), str(folder / "log.txt"), *words]


def environment(folder: Path, config: Path, *, own_ray: bool = False) -> dict[str, str]:
    """Variables of a measured command: the user's, without those that would lead it elsewhere.

    own_ray  start a cluster of its own, whatever else runs on this machine
    """
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOML_", "RAY_", "YOLO_"))}
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    shutil.copyfile(instrument.__file__, hook / "sitecustomize.py")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", instrument.THREADS), "1")
    return {
        **with_checkout(variables, hook),
        **threads,
        **({"RAY_ADDRESS": "local"} if own_ray else {}),
        instrument.FILE: str(folder / "marks.jsonl"),
        "AUTOML_HOME": str(folder / "home"),
        "YOLO_CONFIG_DIR": str(config),
        "YOLO_OFFLINE": "1",
        "YOLO_AUTOINSTALL": "0",
        "RAY_worker_niceness": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_USE_MULTIPROCESSING_CPU_COUNT": "1",
    }


def run_beside(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command to its end; if this process is interrupted, end the command first."""
    with (folder / "bench.txt").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        text = (folder / "bench.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise AutoMLError(f"{' '.join(command[1:4])} failed:\n{text}")


def read_paid(folder: Path) -> Paid:
    """Sums of the instrument's lines in a folder; zeros without any."""
    marks = folder / "marks.jsonl"
    return add_up(marks.read_text(encoding="utf-8").splitlines() if marks.exists() else ())


def read_meter(folder: Path) -> dict[str, Any]:
    """The meter's report of a folder: the fields of `TreeCost`."""
    report: dict[str, Any] = json.loads((folder / "tree.json").read_text(encoding="utf-8"))
    return report


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log, without its progress bars."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(line.rpartition("\r")[2] for line in text.splitlines()[-lines:])


def empty(folder: Path) -> None:
    """Make the folder, and remove whatever was in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def inputs(dataset: Dataset, weights: str) -> dict[str, Any]:
    """Hashes of data and weights, and the versions: results with other inputs do not compare."""
    return {"data": fingerprint(dataset), "weights": sha256(weights), "versions": versions()}


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a measurement depends on."""
    return {name: sys.version.split()[0] if name == "python" else metadata.version(name) for name in SHOWN}
