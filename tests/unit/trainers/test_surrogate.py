from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace
from typing import Any

import pytest

from automl.errors import TrialError, UnknownName
from automl.records import EpochMetrics, TrainJob, Trial
from automl.trainers import open_trainer
from automl.trainers.surrogate import DEFAULTS, SPACE, Fault, FaultKind, SurrogateTrainer, curve

JOB = TrainJob(data="", weights=None, fixed={}, directory="", cache="", device="cpu", threads=1)


def trial(**changes: Any) -> Trial:
    return Trial(**{"number": 1, "params": {}, "epochs": 10, "seed": 0, **changes})


def run(which: Trial, trainer: SurrogateTrainer | None = None) -> list[EpochMetrics]:
    return list((trainer or SurrogateTrainer()).run(which, JOB))


def test_the_same_trial_gives_the_same_epochs() -> None:
    assert run(trial()) == run(trial())


def test_another_seed_or_parameter_gives_others() -> None:
    assert run(trial()) != run(trial(seed=1))
    assert run(trial())[-1].map50_95 != run(trial(params={"x0": 0.9}))[-1].map50_95


def test_the_number_of_a_trial_does_not_matter() -> None:
    assert run(trial()) == run(trial(number=7))


def test_curves_rise_towards_their_end() -> None:
    shape = curve({})
    scores = [shape.score(epoch) for epoch in range(1, 200)]
    assert scores == sorted(scores)
    assert scores[-1] < shape.asymptote < 1


def test_the_optimum_beats_the_defaults() -> None:
    best = {"x0": 0.7, "x1": 0.3, "x2": 0.55, "x3": 0.2, "x4": 0.85, "x5": 0.45, "lr0": 0.005}
    assert curve(best).asymptote > curve(DEFAULTS).asymptote + 0.05


def test_a_high_learning_rate_leads_early_and_loses_late() -> None:
    slow, fast = curve({"lr0": 0.004}), curve({"lr0": 0.04})
    assert fast.score(1) > slow.score(1)
    assert fast.score(300) < slow.score(300)


def test_parameters_change_the_cost_of_an_epoch() -> None:
    cheap, dear = run(trial(params={"x3": 0.0})), run(trial(params={"x3": 1.0}))
    assert dear[0].train_s > 1.3 * cheap[0].train_s


def test_the_space_covers_the_defaults() -> None:
    assert set(SPACE) == set(DEFAULTS)
    assert all(SPACE[key]["low"] <= value <= SPACE[key]["high"] for key, value in DEFAULTS.items())


def test_it_goes_on_after_the_epochs_that_are_done() -> None:
    rest = run(trial(done_epochs=4, attempt=2))
    assert [replace(m, applied=None) for m in rest] == run(trial())[4:]
    assert rest[0].applied is not None


def test_an_error_comes_at_its_epoch_and_not_in_the_next_attempt() -> None:
    trainer = SurrogateTrainer(faults=(Fault(trial=1, epoch=3, kind=FaultKind.ERROR),))
    begun = trainer.run(trial(), JOB)
    assert [m.epoch for m in itertools.islice(begun, 2)] == [1, 2]
    with pytest.raises(TrialError, match="epoch 3"):
        next(begun)
    assert [m.epoch for m in run(trial(attempt=2, done_epochs=2), trainer)][:2] == [3, 4]
    assert len(run(trial(number=2), trainer)) == 10


def test_nan_stays_once_it_came() -> None:
    trainer = SurrogateTrainer(faults=(Fault(trial=1, epoch=3, kind=FaultKind.NAN),))
    assert [math.isnan(m.map50_95) for m in run(trial(epochs=4), trainer)] == [False, False, True, True]


def test_pace_sleeps_a_share_of_the_virtual_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    epochs = run(trial(epochs=2), SurrogateTrainer(pace=0.001))
    assert slept == pytest.approx([0.001 * (m.train_s + m.val_s) for m in epochs])


def test_an_unknown_trainer_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="ultralytics, surrogate"):
        open_trainer("darknet")
