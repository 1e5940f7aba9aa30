"""Weights files of a trial, in the form that Ultralytics' YOLO class loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import ultralytics
from ultralytics.utils import DEFAULT_CFG_KEYS

from automl.files.atomic import replacing
from automl.trainers.ultralytics.training import Training

BEST, LAST = "best.pt", "last.pt"


@dataclass(frozen=True, kw_only=True)
class Best:
    """The averaged weights of the best epoch so far, in half precision."""

    epoch: int
    score: float  # mAP50-95
    state: Mapping[str, torch.Tensor]
    scores: Mapping[str, float]


def better(training: Training, best: Best | None) -> Best | None:
    """The best epoch including the one that just ended; of equal ones the earlier."""
    score = float(training.metrics["metrics/mAP50-95(B)"])
    if best is not None and score <= best.score:
        return best
    return _averaged(training, score)


def write_weights(training: Training, best: Best, directory: Path) -> None:
    """Write best.pt and last.pt.

    Call it last: the training's averaged network cannot train afterwards.
    """
    last = _averaged(training, float(training.metrics["metrics/mAP50-95(B)"]))
    network = training.ema.ema
    network.criterion = None
    network.args = dict(vars(training.args))
    network.half()
    for parameter in network.parameters():
        parameter.requires_grad = False
    for name, weights in ((BEST, best), (LAST, last)):
        network.load_state_dict(weights.state)
        write_atomically(_document(training, network, weights), directory / name)


def write_atomically(content: Mapping[str, Any], file: Path) -> None:
    """Save with `torch.save`, so that the old file or the new one remains, never a part."""
    with replacing(file) as part:
        torch.save(dict(content), part)


def _averaged(training: Training, score: float) -> Best:
    state = {
        name: value.detach().to("cpu", torch.float16 if value.is_floating_point() else value.dtype, copy=True)
        for name, value in training.ema.ema.state_dict().items()
    }
    for value in state.values():
        if value.is_floating_point():
            value.nan_to_num_()  # values beyond the range of half precision became infinite
    return Best(epoch=training.epoch + 1, score=score, state=state, scores=dict(training.metrics))


def _document(training: Training, network: Any, weights: Best) -> dict[str, Any]:
    arguments = {key: value for key, value in vars(training.args).items() if key in DEFAULT_CFG_KEYS}
    return {
        "epoch": -1,
        "model": network,
        "ema": None,
        "updates": None,
        "optimizer": None,
        "train_args": arguments,
        "train_metrics": {**weights.scores, "fitness": weights.score, "epoch": weights.epoch},
        "date": datetime.now(UTC).isoformat(),
        "version": str(ultralytics.__version__),
        "license": "AGPL-3.0 (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
    }
