"""Steps of a long measurement that run a short Python script."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.real.steps import Command, Document, Step


def make_step(name: str, script: str, slots: int = 1) -> Step:
    """Run a Python script in the step's folder and keep the text of the file `output` that it writes there."""

    def prepare(folder: Path) -> Command:
        folder.mkdir(exist_ok=True)
        return Command(words=[sys.executable, "-S", "-c", script], environment=dict(os.environ))

    def read(folder: Path) -> Document:
        return {"output": (folder / "output").read_text()}

    return Step(name=name, slots=slots, prepare=prepare, read=read)
