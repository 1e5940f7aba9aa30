"""Tensors of weights files that fit networks, counted in a process of its own.

Run as `python -m automl.trainers.ultralytics.fitting` with the request as JSON on standard input: building a network
loads torch and Ultralytics, which the process of a search does not need.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from automl.errors import AutoMLError, BadWeights
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.environment import prepare_environment


def fitting_tensors(models: Sequence[str], files: Sequence[Path]) -> list[list[int]]:
    """Number of tensors that fit by name and shape: a row for each network, a column for each file.

    Raises BadWeights for a file that cannot be read.
    """
    request = json.dumps({"models": list(models), "files": list(map(str, files))})
    command = [sys.executable, "-P", "-m", "automl.trainers.ultralytics.fitting"]
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BadWeights(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "weights cannot be read.")
    counts: list[list[int]] = json.loads(done.stdout.splitlines()[-1])
    return counts


def count(models: Sequence[str], files: Sequence[Path]) -> list[list[int]]:
    """As `fitting_tensors`, in this process."""
    with tempfile.TemporaryDirectory(prefix="automl-") as cache:
        prepare_environment(cache)
        from ultralytics.nn.tasks import DetectionModel

        from automl.trainers.ultralytics.weights import read_state

        states = [{name: tensor.shape for name, tensor in read_state(file).items()} for file in files]
        rows = []
        for model in models:
            network = DetectionModel(schema.read_model(model), verbose=False).state_dict()
            rows.append([sum(shapes.get(name) == t.shape for name, t in network.items()) for shapes in states])
        return rows


def main() -> int:
    """Read a request from standard input and print the counts; the exit code."""
    request = json.load(sys.stdin)
    try:
        print(json.dumps(count(request["models"], [Path(file) for file in request["files"]])))
    except AutoMLError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
