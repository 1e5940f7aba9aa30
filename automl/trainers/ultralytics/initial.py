"""Initial weights of a trial, as a file that Ultralytics' `pretrained=` takes.

It is written by `python -m automl.trainers.ultralytics.initial TARGET [CACHE]` with a `Beginning` as JSON on standard
input: loading Ultralytics changes a process for good. The page names no cache. Then only packaged networks are built,
since Ultralytics evaluates expressions of a network's description, and no file but the target remains.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from automl.data.classes import read_names
from automl.data.document import read_document
from automl.errors import AutoMLError
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.environment import prepare_environment


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Everything that decides the initial tensors of a trial."""

    model: str
    data: str  # the data.yaml, whose classes the head has
    weights: str
    seed: int
    as_yolo: bool = False  # see `loading.load`

    def write(self, target: Path, cache: Path) -> None:
        """Write the initial weights to `target`; see `write_initial`."""
        names = read_names(read_document(Path(self.data)))
        write_initial(self, names=names, cache=cache, target=target)


def write_initial(beginning: Beginning, *, names: Sequence[str], cache: Path, target: Path) -> None:
    """Build the network as the trial did, at the data's class count, and write it in full precision.

    The random head equals the trial's, since the same seed draws it.
    """
    prepare_environment(cache)
    import ultralytics
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.torch_utils import init_seeds

    from automl.trainers.ultralytics.checkpoint import write_atomically
    from automl.trainers.ultralytics.loading import load
    from automl.trainers.ultralytics.weights import read_checkpoint

    init_seeds(beginning.seed, deterministic=True)
    description = schema.read_model(beginning.model)
    network = DetectionModel({**description}, nc=len(names), ch=3, verbose=False)
    network.names = dict(enumerate(names))
    load(network, description, read_checkpoint(beginning.weights), as_yolo=beginning.as_yolo)
    network.args = {"task": "detect", "model": str(schema.model_yaml(beginning.model))}
    document = {
        "epoch": -1,
        "model": network,
        "ema": None,
        "train_args": dict(network.args),
        "date": datetime.now(UTC).isoformat(),
        "version": str(ultralytics.__version__),
    }
    write_atomically(document, target)


def write_packaged(beginning: Beginning, target: Path) -> None:
    """Write the initial weights, with a temporary cache. For a process in which nothing else trains.

    Raises AutoMLError for a network that a file describes.
    """
    if not schema.is_packaged(beginning.model):
        raise AutoMLError(f"'{beginning.model}' is no network that comes with Ultralytics, so it is not built here.")
    with tempfile.TemporaryDirectory(prefix="automl-") as cache:
        beginning.write(target, Path(cache))


def write_apart(beginning: Beginning, target: Path, cache: Path) -> None:
    """Write the initial weights to `target` in a process of its own. Raises AutoMLError if that fails."""
    command = [sys.executable, "-P", "-m", "automl.trainers.ultralytics.initial", str(target), str(cache)]
    done = subprocess.run(command, input=json.dumps(asdict(beginning)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"]
        raise AutoMLError(lines[-1] if done.returncode == 2 else f"{target} cannot be written ({lines[-1]}).")


def main() -> int:
    """Read a `Beginning` from standard input and write its weights; the exit code."""
    beginning, (target, *cache) = Beginning(**json.load(sys.stdin)), map(Path, sys.argv[1:])
    try:
        if cache:
            beginning.write(target, cache[0])
        else:
            write_packaged(beginning, target)
    except AutoMLError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
