"""The weights that a trial began with, as a file that Ultralytics' `pretrained=` takes.

`python -m automl.trainers.ultralytics.initial TARGET`, with a `Beginning` as JSON on standard input, is what the page
runs: it builds packaged networks only, since Ultralytics evaluates expressions of a network's description, and leaves
nothing on this machine but the target.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from automl.data.classes import read_names
from automl.data.document import read_document
from automl.errors import AutoMLError
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.environment import prepare_environment


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What decides the tensors that a trial began with."""

    model: str
    data: str  # the data.yaml, whose classes the head has
    weights: str
    seed: int

    def write(self, target: Path, cache: Path) -> None:
        """As `write_initial`."""
        names = read_names(read_document(Path(self.data)))
        write_initial(model=self.model, names=names, weights=self.weights, seed=self.seed, cache=cache, target=target)


def write_initial(*, model: str, names: Sequence[str], weights: str, seed: int, cache: Path, target: Path) -> None:
    """Builds the network as the trial did, at the data's class count, and writes it in full precision.

    The head is as random as it was: the same seed draws it.
    """
    prepare_environment(cache)
    import ultralytics
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.torch_utils import init_seeds

    from automl.trainers.ultralytics.checkpoint import write_atomically
    from automl.trainers.ultralytics.weights import load_matching, read_state

    init_seeds(seed, deterministic=True)
    network = DetectionModel(schema.read_model(model), nc=len(names), ch=3, verbose=False)
    network.names = dict(enumerate(names))
    load_matching(network, read_state(weights), weights)
    network.args = {"task": "detect", "model": str(schema.model_yaml(model))}
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
    """The same with a cache of its own, which is gone afterwards. For a process in which nothing else trains.

    Raises AutoMLError for a network that a file describes.
    """
    if not schema.is_packaged(beginning.model):
        raise AutoMLError(f"'{beginning.model}' is no network that comes with Ultralytics, so it is not built here.")
    with tempfile.TemporaryDirectory(prefix="automl-") as cache:
        beginning.write(target, Path(cache))


def main() -> int:
    """Reads what to write and writes it; the exit code."""
    try:
        write_packaged(Beginning(**json.load(sys.stdin)), Path(sys.argv[1]))
    except AutoMLError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
