"""Families of tasks by name: LCBench if its files are there, and the synthetic families of this package."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from automl.errors import AutoMLError, UnknownName
from benchmarks.extras import need
from benchmarks.policies import lcbench
from benchmarks.policies.curves import CurvesTask
from benchmarks.policies.mixed import MixedTask
from benchmarks.policies.tasks import Padded, Task
from benchmarks.policies.yolo import YoloTask

SYNTHETIC: dict[str, Callable[[int], Task]] = {"curves": CurvesTask, "mixed": MixedTask, "yolo": YoloTask}
FAMILIES = ("lcbench", *SYNTHETIC)
TASKS = 34  # tasks of each family, as many as LCBench has


def numbers(text: str) -> range:
    """Task numbers of `--tasks`: '8' for the first eight, '8-15' for the ninth to the sixteenth."""
    match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", text.strip())
    if match is None:
        raise AutoMLError(f"--tasks {text}: write a count such as 8, or numbers such as 8-15.")
    first, last = (int(match[1]), int(match[2])) if match[2] else (0, int(match[1]) - 1)
    if not 0 <= first <= last < TASKS:
        raise AutoMLError(f"--tasks {text}: there are {TASKS} tasks in a family, 0 to {TASKS - 1}.")
    return range(first, last + 1)


def open_family(name: str, which: Sequence[int], lcbench_folder: Path | None = None) -> list[Task]:
    """The tasks of a family such as 'curves', or 'lcbench+15' with 15 irrelevant dimensions.

    Empty for LCBench without its files. Raises UnknownName, or AutoMLError for a named folder without the files.
    """
    base, plus, idle = name.partition("+")
    if base not in FAMILIES or (plus and not idle.isdigit()):
        raise UnknownName("family", name, (*FAMILIES, "lcbench+15"))
    tasks: list[Task]
    if base == "lcbench":
        folder = lcbench.find(lcbench_folder)
        if folder is not None:
            need("onnxruntime", "LCBench")
        every = lcbench.tasks(folder) if folder is not None else []
        tasks = [every[index] for index in which] if every else []
    else:
        tasks = [SYNTHETIC[base](index) for index in which]
    return [Padded(task, int(idle)) for task in tasks] if plus else tasks
