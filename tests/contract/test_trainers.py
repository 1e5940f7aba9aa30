"""The contract of a trainer, tested on each of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl.errors import BadData, TrialError
from automl.files.pictures import PICTURES
from automl.records import TrainJob, Trial
from automl.scores.resample import map50_95
from automl.trainers import TRAINERS, detections, open_trainer
from automl.trainers.base import Trainer
from automl.trainers.ultralytics.trainer import UltralyticsTrainer
from tests.builders.train_tiny import BCCD, COCO_WEIGHTS, draw_data, scores, tiny_job, tiny_trial


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_data(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=TRAINERS)
def trainer(request: pytest.FixtureRequest) -> Trainer:
    return open_trainer(request.param)


@pytest.fixture
def job(data: Path, tmp_path: Path) -> TrainJob:
    return tiny_job(data, tmp_path)


def trial(**changes: Any) -> Trial:
    return tiny_trial(epochs=3, params={"lr0": 0.01}, **changes)


def test_epochs_count_from_one_to_the_horizon(trainer: Trainer, job: TrainJob) -> None:
    assert [m.epoch for m in trainer.run(trial(), job)] == [1, 2, 3]


def test_the_same_seed_gives_the_same_scores(trainer: Trainer, job: TrainJob) -> None:
    first = [scores(m) for m in trainer.run(trial(), job)]
    again = [scores(m) for m in trainer.run(trial(number=8), replace(job, directory=f"{job.directory}/b"))]
    assert first == again


def test_scores_are_fractions_and_times_are_positive(trainer: Trainer, job: TrainJob) -> None:
    for metrics in trainer.run(trial(), job):
        assert all(0 <= v <= 1 for v in (metrics.map50_95, metrics.map50, metrics.precision, metrics.recall))
        assert metrics.train_s > 0
        assert metrics.val_s > 0


def test_the_applied_arguments_come_with_the_first_epoch_only(trainer: Trainer, job: TrainJob) -> None:
    applied = [m.applied for m in trainer.run(trial(), job)]
    assert applied[0] is not None
    assert applied[0]["lr0"] == 0.01
    assert applied[1:] == [None, None]


def test_closing_ends_it_and_the_trainer_can_run_again(trainer: Trainer, job: TrainJob) -> None:
    run = trainer.run(trial(), job)
    next(run)
    run.close()
    assert next(run, None) is None
    assert len(list(trainer.run(trial(number=9), replace(job, directory=f"{job.directory}/b")))) == 3


def test_a_stopped_trial_is_a_prefix_of_the_whole(trainer: Trainer, job: TrainJob) -> None:
    run = trainer.run(trial(), job)
    begun = [scores(next(run)), scores(next(run))]
    run.close()
    whole = [scores(m) for m in trainer.run(trial(), replace(job, directory=f"{job.directory}/b"))]
    assert whole[:2] == begun


def test_prepare_makes_every_default_explicit(trainer: Trainer, job: TrainJob) -> None:
    prepared = trainer.prepare(job, epochs=3, seed=1)
    assert prepared.defaults["lr0"] == job.fixed["lr0"]
    assert prepared.defaults.get("optimizer") != "auto"
    assert prepared.epoch_s > 0
    assert prepared.versions


def test_the_best_weights_score_on_val_what_the_best_epoch_did(trainer: Trainer, job: TrainJob) -> None:
    learnt = tiny_trial(epochs=25, params={"lr0": 0.02, "mosaic": 0.0})
    best = max(trainer.run(learnt, job), key=lambda metrics: metrics.map50_95)
    metrics = trainer.evaluate(learnt, job, "val")
    assert best.map50_95 > 0
    for name in ("map50_95", "map50", "precision", "recall"):
        assert getattr(metrics, name) == pytest.approx(getattr(best, name), abs=1e-3)


def test_the_test_split_has_a_score_of_its_own_and_nothing_is_left(
    trainer: Trainer, data: Path, tmp_path: Path
) -> None:
    unseen = draw_data(tmp_path / "unseen", train=1, val=6, seed=5)
    both = tmp_path / "both.yaml"
    both.write_text(
        f"train: {data.parent}/images/train\nval: {data.parent}/images/val\ntest: {unseen.parent}/images/val\n"
        "names: [square, disc]\n"
    )
    job = replace(tiny_job(data, tmp_path / "trial"), data=str(both))
    learnt = tiny_trial(epochs=25, params={"lr0": 0.02, "mosaic": 0.0})
    list(trainer.run(learnt, job))
    before = sorted(path for folder in (data.parent, tmp_path) for path in folder.rglob("*"))
    metrics = trainer.evaluate(learnt, job, "test")
    assert metrics == trainer.evaluate(learnt, job, "test")
    assert metrics.map50_95 > 0
    assert all(0 <= v <= 1 for v in (metrics.map50_95, metrics.map50, metrics.precision, metrics.recall))
    after = sorted(path for folder in (data.parent, tmp_path) for path in folder.rglob("*"))
    new = {p for p in after if p.is_file() and p not in before and Path(job.cache) not in p.parents}
    draws = isinstance(trainer, UltralyticsTrainer)
    pictures = {Path(job.directory) / "pictures" / name for name in PICTURES} if draws else set()
    assert new == {Path(job.directory) / "test.npz", *pictures}
    for picture in pictures:
        with Image.open(picture) as image:
            assert min(image.size) > 100
    stored = detections.load(Path(job.directory) / "test.npz")
    assert stored is not None
    assert len(stored.present) == metrics.images
    assert map50_95(stored) == pytest.approx(metrics.map50_95, abs=6e-6)  # Ultralytics' has five digits
    if isinstance(trainer, UltralyticsTrainer):
        assert metrics.images == 6


def test_weights_that_are_gone_or_of_another_network_are_an_error(data: Path, tmp_path: Path) -> None:
    trainer, job = UltralyticsTrainer(), tiny_job(data, tmp_path)
    with pytest.raises(TrialError, match=r"best\.pt does not exist: the weights of this trial were not kept"):
        trainer.evaluate(trial(), job, "val")
    list(trainer.run(replace(trial(), epochs=1), job))
    wider = data.parent / "wider.yaml"
    wider.write_text((data.parent / "network.yaml").read_text().replace("[32, 3, 2]", "[48, 3, 2]"))
    with pytest.raises(TrialError, match="is not of this trial"):
        trainer.evaluate(trial(), replace(job, fixed={**job.fixed, "model": str(wider)}), "val")
    with pytest.raises(BadData, match="Ultralytics cannot use it"):
        trainer.evaluate(trial(), job, "test")


@pytest.mark.slow
@pytest.mark.skipif(not (BCCD.exists() and COCO_WEIGHTS.exists()), reason="the BCCD data set is not there")
def test_real_data_and_weights_are_learnt_from(tmp_path: Path) -> None:
    before = sorted(BCCD.parent.rglob("*"))
    trainer = open_trainer("ultralytics")
    job = TrainJob(
        data=str(BCCD),
        weights=str(COCO_WEIGHTS),
        fixed={"model": "yolov5n", "imgsz": 96, "batch": 16, "nbs": 16},
        directory=str(tmp_path / "trial"),
        cache=str(tmp_path / "cache"),
        device="cpu",
        threads=1,
    )
    prepared = trainer.prepare(job, epochs=2, seed=0)
    assert (prepared.fitted, prepared.train_images, prepared.val_images) == (342, 205, 87)
    epochs = list(trainer.run(Trial(number=0, params=prepared.defaults, epochs=2, seed=0), job))
    assert epochs[-1].map50 > 0.05
    assert sorted(BCCD.parent.rglob("*")) == before
