"""Trials that no session will train any more are closed in the database, not only in memory."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from automl.costs.budget import Ledger, limits_of
from automl.drivers.session import Session
from automl.policy import Search
from automl.records import EpochMetrics, Heartbeat, Outcome, StudySpec, Trial, TrialState
from automl.sampler import open_sampler
from automl.space import SearchSpace
from automl.store import read, write
from tests.builders.factories import make_metrics, make_spec


def session_of(spec: StudySpec, recorder: write.Recorder) -> Session:
    sampler = open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed)
    search = Search(spec, sampler, Ledger(limits_of(spec)))
    return Session(search, recorder, posix_offset_s=0.0)


def test_a_settled_trial_is_closed_in_the_database(engine: Engine, tmp_path: Path) -> None:
    spec = make_spec(directory=str(tmp_path))
    write.begin_study(engine, spec, at=0.0, host="here", pid=1)

    before = write.Recorder(engine, spec.name)
    first = session_of(spec, before)
    first.next_trial(0.0)
    for epoch in range(1, spec.epochs + 1):
        scores = {"map50_95": 0.3, "map50": 0.5, "precision": 0.5, "recall": 0.5}
        metrics = EpochMetrics(epoch=epoch, **scores, train_s=50.0, val_s=10.0)
        before.epoch(0, 1, metrics, slot_s=60.0 * epoch, at=60.0 * epoch)
    before.flush()  # and here the driver is killed

    mine, dead = Heartbeat(host="here", pid=2, at=1e6), read.study(engine, spec.name).heartbeat
    write.reopen_study(engine, spec.name, mine, dead=dead)
    recorder = write.Recorder(engine, spec.name)
    second = session_of(spec, recorder)
    settled = second.search.replay(read.trials(engine, spec.name), read.epochs(engine, spec.name))
    second.settle(settled, 1000.0)
    recorder.close()
    row = read.trial(engine, spec.name, 0)
    assert (row.state, row.done_epochs, row.best_map50_95) == (TrialState.COMPLETED, spec.epochs, 0.3)
    assert row.slot_s == 60.0 * spec.epochs


def test_an_interrupted_trial_of_a_spent_study_is_cut_and_its_attempt_stays(engine: Engine, tmp_path: Path) -> None:
    spec = make_spec(directory=str(tmp_path), budgets=("2cpu-min",))
    write.begin_study(engine, spec, at=0.0, host="here", pid=1)

    before = write.Recorder(engine, spec.name)
    first = session_of(spec, before)
    first.next_trial(0.0)
    first.epoch(0, make_metrics(1, 0.3), 60.0)
    first.close(0, Outcome(state=TrialState.INTERRUPTED, reason="interrupted by the user"), 120.0)
    before.close()
    attempts = read.attempts(engine, spec.name, 0)

    mine, dead = Heartbeat(host="here", pid=2, at=1e6), read.study(engine, spec.name).heartbeat
    write.reopen_study(engine, spec.name, mine, dead=dead)
    recorder = write.Recorder(engine, spec.name)
    second = session_of(spec, recorder)
    second.search.replay(read.trials(engine, spec.name), read.epochs(engine, spec.name))
    assert second.next_trial(120.0) is None
    recorder.close()
    row = read.trial(engine, spec.name, 0)
    assert (row.state, row.slot_s, row.ended_at) == (TrialState.CUT, 120.0, 120.0)
    assert row.reason == "the budget is spent before it could go on"
    assert read.attempts(engine, spec.name, 0) == attempts


def test_a_trial_that_runs_is_not_given_up(engine: Engine, tmp_path: Path) -> None:
    spec = make_spec(directory=str(tmp_path))
    write.begin_study(engine, spec, at=0.0, host="here", pid=1)
    recorder = write.Recorder(engine, spec.name)
    recorder.trial_started(Trial(number=0, params={}, epochs=12, seed=0), at=0.0, node=None, device=None, pid=None)
    assert not recorder.trial_given_up(0, Outcome(state=TrialState.CUT), at=1.0)
    recorder.close()
    assert read.trial(engine, spec.name, 0).state is TrialState.RUNNING
