"""CPU and slot time that a search takes besides training and validation, beside Ultralytics' own tuners.

The methods run one after the other, each on its own copy of the data set and from the same initial tensors, with
one thread a trial, at niceness 0 and without network. `process_tree` measures the CPU seconds of all processes of a
method. `instrument` measures which of them were training and validation, in the same way for every method.

Differences that belong to the methods:
- Our search stops trials at rungs and so trains fewer epochs; rates are compared for this reason.
- The search spaces differ, and with them the augmentation that an epoch pays for.
- The genetic tuner trains one trial at a time, so its share of slot time cannot exceed one slot's. It rounds the
  initial tensors to half precision.
- Ultralytics ends a training with a final evaluation, which scores the best epoch a second time. It counts as
  overhead and is reported by itself. Under Ray the scheduler stops each trial at its last epoch, and its worker is
  killed before or during that evaluation.
"""

from __future__ import annotations

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

from automl.data.dataset import Dataset, read_dataset
from automl.errors import AutoMLError, UnknownName
from automl.trainers.ultralytics.weights import check_weights
from benchmarks.overhead.figures import METHODS, Comparison, MethodCost, Settings, cost
from benchmarks.overhead.workspace import (
    copy_data,
    empty,
    environment,
    inputs,
    metered,
    peer_command,
    read_meter,
    read_paid,
    run_beside,
    search_command,
    tail,
    versions,
    write_initial,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = 0.1  # share of the machine that others may use before a note says so


def run(
    settings: Settings,
    methods: Sequence[str] = METHODS,
    *,
    folder: Path | None = None,
    command: str = "",
    listener: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Measure the methods one after the other.

    folder   keeps results and logs; None: a temporary one. A method that was measured there with the same settings
             is not run again, and is shown even if `methods` does not name it
    """
    if sys.platform != "linux":
        raise AutoMLError("`python -m benchmarks overhead` reads /proc and needs Linux.")
    for method in methods:
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
    dataset = read_dataset(settings.data)
    settings = replace(settings, weights=str(check_weights(settings.weights)), data=str(dataset.file))
    with _workspace(folder) as workspace:
        costs: dict[str, MethodCost] = {}
        initial: Path | None = None
        for method in METHODS:
            file = workspace / f"{method}.json"
            result = _stored(file, settings, dataset)
            if result is None and method in methods:
                initial = initial or write_initial(settings, workspace / "initial")
                listener(f"Measuring {method}: {settings.trials} trials of {settings.epochs} epochs ...")
                result = _measure(method, replace(settings, weights=str(initial)), dataset, workspace / method)
                document = {"settings": _identity(settings, dataset), "cost": asdict(result)}
                file.write_text(json.dumps(document), encoding="utf-8")
            if result is not None:
                costs[method] = result
        return Comparison(methods=costs, settings=settings, circumstances=_circumstances(settings, command))


def _measure(method: str, settings: Settings, dataset: Dataset, folder: Path) -> MethodCost:
    """Cost of a method, run in a folder of its own. The settings' weights are the initial checkpoint."""
    empty(folder)
    local = replace(settings, data=str(copy_data(dataset, folder / "data")))
    variables = environment(folder, Path(local.weights).parent / "ultralytics", own_ray=method == "use_ray")
    if method == "ours":
        command = search_command(local, f"{local.trials}trials")
    else:
        command = peer_command(method, local, folder)
    run_beside(metered(command, folder), folder, variables)
    tree, paid = read_meter(folder), read_paid(folder)
    if tree["exit_code"] != 0 or not paid.epochs:
        raise AutoMLError(
            f"{method} ended with exit code {tree['exit_code']} after {paid.epochs} epochs, so there is nothing to "
            f"compare. Its last lines:\n{tail(folder / 'log.txt')}"
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


def _stored(file: Path, settings: Settings, dataset: Dataset) -> MethodCost | None:
    """The cost in the file; None without a file, or if it was measured with other settings."""
    if not file.exists():
        return None
    document = json.loads(file.read_text(encoding="utf-8"))
    return MethodCost.from_dict(document["cost"]) if document["settings"] == _identity(settings, dataset) else None


def _identity(settings: Settings, dataset: Dataset) -> dict[str, Any]:
    """Settings and inputs that must be equal for two results to stand in one table."""
    return {**asdict(settings), **inputs(dataset, settings.weights)}


def _circumstances(settings: Settings, command: str) -> dict[str, str]:
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": datetime.now().astimezone().date().isoformat(),
        "command": command,
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "machine": f"{psutil.cpu_count()} cores, {memory:.0f} GB; {settings.slots} slots of one thread",
    }


@contextmanager
def _workspace(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="automl-overhead-") as temporary:
        yield Path(temporary)
