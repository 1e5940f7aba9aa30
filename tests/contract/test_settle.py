"""A trial whose driver died between its last epoch and its end is closed in the database, not only in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from automl.budget import Ledger, parse_all
from automl.drivers.session import Session
from automl.policy import Search
from automl.records import EpochMetrics, TrialState
from automl.sampler import open_sampler
from automl.space import SearchSpace
from automl.store import read, write
from tests.unit.factories import make_spec


def test_a_settled_trial_is_closed_in_the_database(engine: Engine, tmp_path: Path) -> None:
    spec = make_spec(directory=str(tmp_path))
    write.begin_study(engine, spec, at=0.0, host="here", pid=1)

    def session_of(recorder: Any) -> Session:
        sampler = open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed)
        search = Search(spec, sampler, Ledger(parse_all(spec.budgets, spec.slots.device)))
        return Session(search, recorder, posix_offset_s=0.0)

    before = write.Recorder(engine, spec.name)
    first = session_of(before)
    first.next_trial(0.0)
    for epoch in range(1, spec.epochs + 1):
        scores = {"map50_95": 0.3, "map50": 0.5, "precision": 0.5, "recall": 0.5}
        metrics = EpochMetrics(epoch=epoch, **scores, train_s=50.0, val_s=10.0)
        before.epoch(0, 1, metrics, slot_s=60.0 * epoch, at=60.0 * epoch)
    before.flush()  # and here the driver is killed

    write.reopen_study(engine, spec.name, at=1e6, host="here", pid=2, stale_after_s=60.0)
    recorder = write.Recorder(engine, spec.name)
    second = session_of(recorder)
    settled = second.search.replay(read.trials(engine, spec.name), read.epochs(engine, spec.name))
    second.settle(settled, 1000.0)
    recorder.close()
    row = read.trial(engine, spec.name, 0)
    assert (row.state, row.done_epochs, row.best_map50_95) == (TrialState.COMPLETED, spec.epochs, 0.3)
    assert row.slot_s == 60.0 * spec.epochs
