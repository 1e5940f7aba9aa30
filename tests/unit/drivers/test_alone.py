from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from automl.drivers.alone import epochs_alone
from automl.errors import TrialError
from automl.records import TrainJob, Trial


def job(folder: Path) -> TrainJob:
    return TrainJob(
        data="",
        weights=None,
        fixed={},
        directory=str(folder / "training"),
        cache=str(folder / "cache"),
        device="cpu",
        threads=1,
    )


TRIAL = Trial(number=0, params={}, epochs=3, seed=0)


def children() -> set[int]:
    return {child.pid for child in psutil.Process(os.getpid()).children(recursive=True)}


def test_each_epoch_comes_from_another_process(tmp_path: Path) -> None:
    assert [metrics.epoch for metrics in epochs_alone("surrogate", TRIAL, job(tmp_path))] == [1, 2, 3]


def test_a_closed_training_leaves_no_process(tmp_path: Path) -> None:
    before = children()
    epochs = epochs_alone("surrogate", TRIAL, job(tmp_path))
    next(epochs)
    assert children() - before
    epochs.close()
    assert not children() - before


def test_a_training_that_is_too_long_is_ended(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(TimeoutError):
        list(epochs_alone("surrogate", replace(TRIAL, epochs=10**6), job(tmp_path), 0.01))
    assert not children() - before


def test_a_failed_training_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(TrialError, match=r"log\.txt"):
        list(epochs_alone("nobody", TRIAL, job(tmp_path)))
    assert "nobody" in (tmp_path / "training" / "log.txt").read_text()
