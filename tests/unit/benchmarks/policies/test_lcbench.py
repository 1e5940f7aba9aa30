"""LCBench's surrogate as a task; its files are outside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.policies import lcbench
from benchmarks.policies.tasks import defaults

FOLDER = Path(__file__).parents[4].parent / "shared" / "data" / "lcbench"
here = pytest.mark.skipif(not (FOLDER / "model.onnx").is_file(), reason=f"{FOLDER} is not here")


@here
def test_there_are_34_tasks_in_an_order_that_stays() -> None:
    pytest.importorskip("onnxruntime")
    names = [task.name for task in lcbench.tasks(FOLDER)]
    assert len(set(names)) == 34
    assert names == [task.name for task in lcbench.tasks(FOLDER)]
    assert "lcbench-167083" not in names


@here
def test_a_curve_has_52_epochs_that_cost_time_and_learn() -> None:
    pytest.importorskip("onnxruntime")
    task = next(task for task in lcbench.tasks(FOLDER) if task.openml == "189908")
    curve = task.curve(defaults(task.space))
    assert curve.scores.shape == curve.seconds.shape == (52,)
    assert (curve.seconds > 0).all()
    assert 0.0 < curve.scores[0] < 0.5 < 0.8 < curve.scores[-1] < 1.0


@here
def test_noise_is_that_of_a_training_and_of_its_epochs() -> None:
    pytest.importorskip("onnxruntime")
    task = lcbench.tasks(FOLDER)[0]
    params = {**defaults(task.space), "learning_rate": 0.001}
    truth = task.curve(params).scores
    off = np.array([task.observe(params, str(seed)) - truth for seed in range(300)])
    assert off.mean(axis=1).std() == pytest.approx(0.007, rel=0.2)
    assert (off - off.mean(axis=1, keepdims=True)).std() == pytest.approx(0.007, rel=0.2)
    assert (task.observe(params, "1") == task.observe(params, "1")).all()
