"""Trainings that go on after their study, its data or its network has moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from automl.data import read_dataset, write_resolved
from automl.trainers import open_trainer
from automl.trainers.base import Trainer
from tests.builders.train_tiny import draw_data, pause, tiny_job, tiny_trial, train


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_data(tmp_path / "data")


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return open_trainer("ultralytics")


@pytest.mark.parametrize("moves", ["the study", "an earlier version's"])
def test_a_snapshot_is_taken_up_wherever_its_study_lies_now(
    trainer: Trainer, data: Path, tmp_path: Path, moves: str
) -> None:
    before = tmp_path / "before"
    (before / "trials").mkdir(parents=True)
    write_resolved(read_dataset(data), before / "data.yaml")
    job = replace(tiny_job(data, before / "trials"), data=str(before / "data.yaml"))
    pause(job)
    train(trainer, tiny_trial(), job, stop_after=2)
    if moves != "the study":
        content = torch.load(before / "trials" / "snapshot.pt", weights_only=True)
        content["identity"]["data"] = "/folk/of/old/studies/birds/data.yaml"
        torch.save(content, before / "trials" / "snapshot.pt")
    after = before.rename(tmp_path / "after")
    moved = replace(job, directory=str(after / "trials"), data=str(after / "data.yaml"), pause_file=None)
    rest = train(trainer, tiny_trial(attempt=2, done_epochs=2), moved)
    assert [m.epoch for m in rest] == [3, 4]


def test_a_network_that_moved_is_the_same_network(trainer: Trainer, data: Path, tmp_path: Path) -> None:
    job = tiny_job(data, tmp_path / "trial")
    file = (tmp_path / "network.yaml").absolute()
    file.write_text((data.parent / "network.yaml").read_text())
    fixed = {**job.fixed, "model": "/gone/network.yaml"}
    moved = replace(job, fixed=fixed, network=str(file))
    (epoch,) = train(trainer, tiny_trial(epochs=1), moved)
    assert epoch.applied is not None
    assert epoch.applied["model"] == "/gone/network.yaml"  # as the study names it
