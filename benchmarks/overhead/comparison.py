"""What a search costs besides training and validation, beside Ultralytics' own tuners.

Each method runs alone, one after the other, on its own copy of the data set, from the same initial tensors, with
one thread a trial, at niceness 0, without network. `process_tree` measures the CPU seconds of all its processes,
`instrument` what of them went into training and validation, with the same instrument for every method.

What is not the same, because it belongs to the method: ours stops trials at rungs, so it trains fewer epochs (which
is why rates are compared); the search spaces, hence the augmentation that an epoch pays for; the genetic tuner
trains one trial at a time whatever the slots, so its share of slot time cannot pass one slot's, and it rounds the
initial tensors to half precision. The final evaluation with which Ultralytics ends a training scores the best epoch
a second time: it counts as overhead and is reported by itself. Under Ray, the scheduler stops each trial at its last
epoch, and its worker is killed before or within that evaluation.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from automl.data.dataset import Dataset, fingerprint, read_dataset
from automl.errors import AutoMLError, UnknownName
from automl.trainers.ultralytics.weights import check_weights
from benchmarks.overhead.figures import METHODS, Comparison, MethodCost, Settings, add_up, cost
from benchmarks.overhead.workspace import (
    copy_data,
    empty,
    environment,
    run_beside,
    versions,
    write_initial,
    write_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = 0.1  # share of the machine that others may take before a note says so


def run(
    settings: Settings,
    methods: Sequence[str] = METHODS,
    *,
    folder: Path | None = None,
    command: str = "",
    listener: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Measures the methods one after the other.

    folder   keeps results, logs and whatever the methods wrote; with the same settings a method that was measured
             there is not run again, and one that is not asked for is shown. None: a temporary one
    """
    if sys.platform != "linux":
        raise AutoMLError("`automl bench overhead` reads /proc and needs Linux.")
    for method in methods:
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
    dataset = read_dataset(settings.data)
    settings = replace(settings, weights=str(check_weights(settings.weights)), data=str(dataset.file))
    with _workplace(folder) as place:
        found: dict[str, MethodCost] = {}
        initial: Path | None = None
        for method in METHODS:
            file = place / f"{method}.json"
            kept = _kept(file, settings, dataset)
            if kept is None and method in methods:
                initial = initial or write_initial(settings, place / "initial")
                listener(f"Measuring {method}: {settings.trials} trials of {settings.epochs} epochs ...")
                kept = _measure(method, replace(settings, weights=str(initial)), dataset, place / method)
                document = {"settings": _identity(settings, dataset), "cost": asdict(kept)}
                file.write_text(json.dumps(document), encoding="utf-8")
            if kept is not None:
                found[method] = kept
        return Comparison(methods=found, settings=settings, circumstances=_circumstances(settings, command))


def _measure(method: str, settings: Settings, dataset: Dataset, room: Path) -> MethodCost:
    """Runs a method in a folder of its own. The settings' weights are the initial checkpoint."""
    empty(room)
    given = replace(settings, data=str(copy_data(dataset, room / "data")))
    file = write_settings(given, room)
    variables = environment(room, Path(given.weights).parent / "ultralytics")
    if method == "use_ray":
        variables["RAY_ADDRESS"] = "local"  # a cluster of its own, whatever else runs on this machine
    report, log = room / "tree.json", room / "log.txt"
    meter = [sys.executable, "-m", "benchmarks.overhead.process_tree", str(report), str(log)]
    run_beside([*meter, *_command(method, given, file)], room, variables)
    tree = json.loads(report.read_text(encoding="utf-8"))
    marks = room / "marks.jsonl"
    paid = add_up(marks.read_text(encoding="utf-8").splitlines() if marks.exists() else ())
    if tree["exit_code"] != 0 or not paid.epochs:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise AutoMLError(
            f"{method} ended with exit code {tree['exit_code']} after {paid.epochs} epochs, so there is nothing to "
            f"compare. Its last lines:\n{tail}"
        )
    notes = []
    if paid.trials != settings.trials:
        notes.append(f"{paid.trials} of {settings.trials} trials trained an epoch")
    others_s = tree["machine_cpu_s"] - tree["cpu_s"] - tree["meter_cpu_s"]
    if others_s > BUSY * tree["wall_s"] * (psutil.cpu_count() or 1):
        notes.append(
            f"the machine was busy: others took {others_s:.0f} CPU s meanwhile. Measure again when it is quiet"
        )
    if tree["leftover"]:
        notes.append(f"{tree['leftover']} of its processes outlived it and were killed")
    return cost(
        paid,
        cpu_s=tree["cpu_s"],
        unwaited_s=tree["unwaited_cpu_s"],
        others_s=others_s,
        wall_s=tree["wall_s"],
        slots=settings.slots,
        notes=notes,
    )


def _command(method: str, given: Settings, file: Path) -> list[str]:
    if method != "ours":
        return [sys.executable, "-m", "benchmarks.overhead.peers", method, str(file)]
    flags = {
        "data": given.data,
        "weights": given.weights,
        "models": given.model,
        "imgsz": given.imgsz,
        "epochs": given.epochs,
        "batch": given.batch,
        "seed": given.seed,
        "slots": given.slots,
        "device": "cpu",
        "budget": f"{given.trials}trials",
    }
    words = [word for key, value in flags.items() for word in (f"--{key}", str(value))]
    return [sys.executable, "-m", "automl.cli", "search", *words]


def _kept(file: Path, settings: Settings, dataset: Dataset) -> MethodCost | None:
    if not file.exists():
        return None
    document = json.loads(file.read_text(encoding="utf-8"))
    return MethodCost.from_dict(document["cost"]) if document["settings"] == _identity(settings, dataset) else None


def _identity(settings: Settings, dataset: Dataset) -> dict[str, Any]:
    """What has to be the same for two results to stand in one table."""
    weights = hashlib.sha256(Path(settings.weights).read_bytes()).hexdigest()
    return {**asdict(settings), "data": fingerprint(dataset), "weights": weights, "versions": versions()}


def _circumstances(settings: Settings, command: str) -> dict[str, str]:
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": datetime.now().astimezone().date().isoformat(),
        "command": command,
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "machine": f"{psutil.cpu_count()} cores, {memory:.0f} GB; {settings.slots} slots of one thread",
    }


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="automl-overhead-") as temporary:
        yield Path(temporary)
