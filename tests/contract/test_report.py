"""Status, report and overview of a stored study name the same trial, on SQLite and on Postgres."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

import psutil
import pytest
from sqlalchemy import Engine

from automl.records import EpochMetrics, Outcome, StudySpec, Trial, TrialState
from automl.reports.report import is_dead, report_of, status_of
from automl.reports.watch import Watch
from automl.store import read
from automl.store.write import Recorder, begin_study
from tests.builders.factories import make_study

LUCKY = [0.9, 0.5, 0.5, 0.5, 0.5, 0.5]
STEADY = [0.6] * 6


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
        trial = Trial(number=index, params={}, epochs=6, seed=0, repeats=repeats.get(index))
        recorder.trial_started(trial, at=1.0, node=None, device=None, pid=None)
        for epoch, value in enumerate(scores, start=1):
            figures = {"map50_95": value, "map50": value, "precision": 0.5, "recall": 0.5}
            metrics = EpochMetrics(epoch=epoch, **figures, train_s=2.0, val_s=1.0)
            recorder.epoch(index, 1, metrics, slot_s=1.0, at=1.0 + epoch)
        recorder.trial_closed(index, Outcome(state=TrialState.COMPLETED), slot_s=6.0, at=9.0)
    recorder.close()
    row = read.study(engine, "birds")
    assert row.best_trial == 1  # the luckiest epoch is trial 1's
    winners = [glance(engine, row).winner for glance in (status_of, report_of, Watch().look)]
    assert [winner.number for winner in winners if winner is not None] == [number] * 3


@pytest.mark.parametrize("question", ["status", "create_time"])
def test_a_process_that_ends_during_the_look_is_dead(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    mine = make_study(host=socket.gethostname(), pid=os.getpid(), heartbeat_at=time.time())
    assert not is_dead(mine)

    def gone(process: psutil.Process) -> None:
        raise psutil.NoSuchProcess(process.pid)

    monkeypatch.setattr(psutil.Process, question, gone)
    assert is_dead(mine)
