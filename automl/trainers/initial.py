"""The weights that a trial began with, as a file that Ultralytics' `pretrained=` takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from automl.trainers import schema
from automl.trainers.environment import prepare_environment


def write_initial(*, model: str, names: Sequence[str], weights: str, seed: int, cache: Path, target: Path) -> None:
    """Builds the network as the trial did, at the data's class count, and writes it in full precision.

    The head is as random as it was: the same seed draws it.
    """
    prepare_environment(cache)
    import ultralytics
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.torch_utils import init_seeds

    from automl.trainers.snapshot import write_atomically
    from automl.trainers.weights import load_matching, read_state

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
