"""LCBench as tasks: learning curves of real networks on 34 data sets, predicted by a neural surrogate.

Source: Zimmer, Lindauer, Hutter, "Auto-PyTorch", TPAMI 2021 (the curves); Pfisterer et al., "YAHPO Gym",
AutoML-Conf 2022 (the surrogate, `slds-lmu/yahpo_data`, folder `lcbench`, Apache-2.0). The files are not part of this
checkout; `find` looks for their folder.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from automl.errors import AutoMLError
from automl.records import Params
from automl.space import Parameter, SearchSpace
from benchmarks.policies.tasks import Curve, FloatArray, noisy

HORIZON = 52
RUN_NOISE = EPOCH_NOISE = 0.007  # the surrogate averages over seeds; this restores their noise
ORDER = ("batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout")
WHOLE = ("batch_size", "num_layers", "max_units")
# Defaults of a person who has never seen the data: SGD as in most tutorials.
SPACE = SearchSpace(
    (
        Parameter("batch_size", "log", 64.0, 16.0, 512.0),
        Parameter("learning_rate", "log", 0.01, 1e-4, 0.1),
        Parameter("momentum", "uniform", 0.9, 0.1, 0.99),
        Parameter("weight_decay", "uniform", 1e-4, 1e-5, 0.1),
        Parameter("num_layers", "int", 3, 1, 5),
        Parameter("max_units", "log", 256.0, 64.0, 1024.0),
        Parameter("max_dropout", "uniform", 0.2, 0.0, 1.0),
    )
)


@dataclass(frozen=True)
class LcBenchTask:
    """Validation accuracy of a multilayer perceptron on one OpenML task, 52 epochs, in seconds of real runs.

    Seven dimensions with the ranges and scales of the published space. Batch size and units are drawn on a log scale
    and rounded. Noise is normal, .007 a training and .007 an epoch.
    """

    folder: str
    openml: str  # task id

    family = "lcbench"
    space = SPACE
    horizon = HORIZON
    warmup = 0.0

    @property
    def name(self) -> str:
        """Family and OpenML task."""
        return f"{self.family}-{self.openml}"

    def curve(self, params: Params) -> Curve:
        """All epochs of one call of the surrogate. A running maximum keeps its cumulative time from falling."""
        values = tuple(float(params[name] or 0.0) for name in ORDER)
        return _curve(self.folder, self.openml, values)

    def observe(self, params: Params, seed: str) -> FloatArray:
        """Scores with noise of the training and of each epoch."""
        return noisy(self.curve(params).scores, seed, run=RUN_NOISE, epoch=EPOCH_NOISE)


@lru_cache(maxsize=20_000)
def _curve(folder: str, openml: str, values: tuple[float, ...]) -> Curve:
    session, codes = _model(folder)
    row = [float(round(value)) if name in WHOLE else value for name, value in zip(ORDER, values, strict=True)]
    epochs = np.arange(1, HORIZON + 1, dtype=np.float32)[:, None]
    x_cont = np.hstack([epochs, np.tile(np.array(row, dtype=np.float32), (HORIZON, 1))]).astype(np.float32)
    x_cat = np.full((HORIZON, 1), codes[openml], dtype=np.int32)
    out = np.asarray(session.run(["output"], {"x_cat": x_cat, "x_cont": x_cont})[0], dtype=np.float64)
    elapsed = np.maximum.accumulate(np.maximum(out[:, 0], 0.0))
    seconds = np.maximum(np.diff(elapsed, prepend=0.0), 1e-3)
    return Curve(scores=np.clip(out[:, 1] / 100.0, 0.0, 1.0), seconds=seconds)


@lru_cache(maxsize=2)
def _model(folder: str) -> tuple[Any, dict[str, int]]:
    try:
        import onnxruntime
    except ImportError as error:
        raise AutoMLError("LCBench needs onnxruntime: pip install -e '.[bench]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = str(Path(folder, "model.onnx"))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    codes = json.loads(Path(folder, "encoding.json").read_text(encoding="utf-8"))["OpenML_task_id"]
    return session, codes


def find(folder: Path | None = None) -> Path | None:
    """The folder of the surrogate's files: the named one, else `shared/data/lcbench` in a parent folder, else None.

    Raises AutoMLError if the named folder does not hold them.
    """
    if folder is not None:
        if not Path(folder, "model.onnx").is_file():
            raise AutoMLError(f"--lcbench {folder}: there is no model.onnx. Name the folder `lcbench` of yahpo_data.")
        return folder
    for root in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        nearby = root / "shared" / "data" / "lcbench"
        if (nearby / "model.onnx").is_file():
            return nearby
    return None


def tasks(folder: Path) -> list[LcBenchTask]:
    """The 34 published tasks, in a shuffled order that is always the same."""
    document = json.loads((folder / "config_space.json").read_text(encoding="utf-8"))
    ids = next(entry["choices"] for entry in document["hyperparameters"] if entry["name"] == "OpenML_task_id")
    shuffled = sorted(ids)
    random.Random("lcbench").shuffle(shuffled)
    return [LcBenchTask(str(folder), openml) for openml in shuffled]
