"""Whole studies that go in at once come back as a driver's would, on SQLite and on Postgres."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from automl.errors import BadStore, StudyConflict
from automl.records import EventRow, TrialState
from automl.store import bulk, read
from automl.store.engine import open_store
from tests.builders.factories import make_epoch_row, make_evaluation, make_row, make_study

ODD = 'tab\t, "quote", back\\slash\nline, \\N, ünicode'


def test_rows_come_back_as_they_went_in(engine: Engine) -> None:
    study = make_study(trials=2)
    trials = [
        make_row(0, params={"lr0": 0.01, "optimizer": "SGD", "freeze": None}, applied={"nbs": 64, "what": ODD}),
        make_row(1, None, state=TrialState.FAILED, error=ODD, reason="", last_map50_95=math.nan, repeats=0),
    ]
    losses = {"train/box_loss": 1.5, "val/box_loss": 2.0}
    epochs = [make_epoch_row(0, epoch, epoch / 10, 60.0 * epoch, losses=losses) for epoch in range(1, 13)]
    epochs.append(make_epoch_row(1, 1, math.nan, 900.0))
    events = [EventRow(at=1.0, kind="note", trial=None, text=ODD), EventRow(at=2.0, kind="stopped", trial=0, text="")]
    bulk.write_study(engine, study, trials, epochs, events=events, evaluations=[make_evaluation(0, 0.4)])
    assert read.study(engine, "birds") == study
    found = read.trials(engine, "birds")
    assert found[0] == trials[0]
    assert math.isnan(found[1].last_map50_95 or 0.0)
    assert replace(found[1], last_map50_95=None) == replace(trials[1], last_map50_95=None)
    assert read.epochs(engine, "birds")[:12] == epochs[:12]
    assert math.isnan(read.epochs(engine, "birds", 1)[0].map50_95)
    assert [replace(event, id=0) for event in read.events(engine, "birds")] == events
    assert read.evaluations(engine, "birds") == [make_evaluation(0, 0.4)]


def test_a_taken_name_is_refused_and_nothing_is_written(engine: Engine) -> None:
    bulk.write_study(engine, make_study(), [make_row(0)])
    with pytest.raises(StudyConflict, match="'birds' exists already"):
        bulk.write_study(engine, make_study(), [make_row(0), make_row(1)])
    assert len(read.trials(engine, "birds")) == 1


@pytest.mark.postgres
def test_a_scratch_database_is_new_and_goes_again(postgres_url: str) -> None:
    with bulk.scratch(postgres_url) as url:
        opened = open_store(url)
        assert read.studies(opened) == []
        opened.dispose()
    with pytest.raises(BadStore, match="cannot reach"):
        open_store(url)


def test_a_scratch_file_goes_again() -> None:
    with bulk.scratch() as url:
        open_store(url).dispose()
    with pytest.raises(BadStore, match="there is no database"):
        open_store(url, create=False)


@pytest.mark.parametrize("server", ["mysql://h/x", "sqlite:///x.db", "nonsense"])
def test_a_scratch_database_needs_postgres(server: str) -> None:
    with pytest.raises(BadStore), bulk.scratch(server):
        pass
