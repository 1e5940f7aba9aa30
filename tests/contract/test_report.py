"""Status, report and overview of a stored study name the same trial, on SQLite and on Postgres."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from automl.host import identity
from automl.records import EpochMetrics, Outcome, Purpose, StudySpec, Trial, TrialState
from automl.reports.report import is_dead, report_of, status_of
from automl.reports.watch import Watch
from automl.store import read
from automl.store.write import Recorder, begin_study
from tests.builders.factories import make_study

LUCKY = [0.9, 0.5, 0.5, 0.5, 0.5, 0.5]
STEADY = [0.6] * 6


def train(recorder: Recorder, trial: Trial, scores: list[float]) -> None:
    """Write a trial with these scores from its start to its end."""
    recorder.trial_started(trial, at=1.0, node=None, device=None, pid=None)
    for epoch, value in enumerate(scores, start=1):
        figures = {"map50_95": value, "map50": value, "precision": 0.5, "recall": 0.5}
        metrics = EpochMetrics(epoch=epoch, **figures, train_s=2.0, val_s=1.0)
        recorder.epoch(trial.number, 1, metrics, slot_s=1.0, at=1.0 + epoch)
    recorder.trial_closed(trial.number, Outcome(state=TrialState.COMPLETED), slot_s=6.0, at=9.0)


@pytest.mark.parametrize(
    ("curves", "repeats", "number"),
    [
        ([[0.4] * 6, LUCKY, STEADY], {}, 2),
        ([[0.595] * 6, LUCKY, STEADY], {}, 0),
        ([[0.4] * 6, LUCKY, STEADY, [0.4] * 6, [0.6] * 6, [0.4] * 6, [0.6] * 6], {3: 0, 4: 1, 5: 2, 6: 1}, 1),
    ],
)
def test_status_report_and_overview_name_the_same_trial(
    engine: Engine,
    make_spec: Callable[..., StudySpec],
    curves: list[list[float]],
    repeats: dict[int, int],
    number: int,
) -> None:
    begin_study(engine, make_spec("birds", epochs=6), at=1.0, host="h", pid=1)
    recorder = Recorder(engine, "birds")
    for index, scores in enumerate(curves):
        train(recorder, Trial(number=index, params={}, epochs=6, seed=0, repeats=repeats.get(index)), scores)
    recorder.close()
    row = read.study(engine, "birds")
    assert row.best_trial == 1  # the luckiest epoch is trial 1's
    winners = [glance(engine, row).winner for glance in (status_of, report_of, Watch().look)]
    assert [winner.number for winner in winners if winner is not None] == [number] * 3


@pytest.mark.parametrize(("long", "handed_over"), [((0.7, 0.8), 1), ((0.8, 0.7), 0)])
def test_status_report_and_overview_answer_at_production_length(
    engine: Engine, make_spec: Callable[..., StudySpec], long: tuple[float, float], handed_over: int
) -> None:
    begin_study(engine, make_spec("birds", epochs=6, train=9, compare=True), at=1.0, host="h", pid=1)
    recorder = Recorder(engine, "birds")
    for number, value in enumerate((0.4, 0.6, 0.3, 0.5)):
        train(recorder, Trial(number=number, params={"lr0": 0.01 * (1 + number)}, epochs=6, seed=0), [value] * 6)
    for of, value in enumerate(long):
        params, number = {"lr0": 0.01 * (1 + of)}, 4 + of
        trial = Trial(number=number, params=params, epochs=9, seed=0, purpose=Purpose.PRODUCTION, repeats=of)
        train(recorder, trial, [value] * 9)
    recorder.close()
    row = read.study(engine, "birds")
    overviews = [glance(engine, row) for glance in (status_of, report_of, Watch().look)]
    assert [overview.winner.number for overview in overviews if overview.winner is not None] == [handed_over] * 3
    assert [overview.production.number for overview in overviews if overview.production] == [4 + handed_over] * 3
    first, *others = (overview.answer for overview in overviews)
    assert first is not None
    assert (first.at_length, first.epochs, first.delivers) == (True, 9, handed_over == 1)
    assert others == [first, first]
    for number in (0, 1):
        production = overviews[0].production_for(read.trial(engine, "birds", number))
        assert production is not None
        assert production.number == 4 + number


@pytest.mark.parametrize("question", ["status", "create_time"])
def test_a_process_that_ends_during_the_look_is_dead(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    monkeypatch.setattr(identity, "_PROC", Path("/nowhere"))
    mine = make_study(host=socket.gethostname(), pid=os.getpid(), heartbeat_at=time.time(), process=identity.own())
    assert not is_dead(mine)

    def gone(process: psutil.Process) -> None:
        raise psutil.NoSuchProcess(process.pid)

    monkeypatch.setattr(psutil.Process, question, gone)
    assert is_dead(mine)
