"""Verbs that only read leave a database as it is, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine

from automl import service
from automl.errors import BadStore
from automl.records import EpochMetrics, StudySpec, Trial
from automl.store import migrate
from automl.store.write import Recorder, begin_study

Verb = Callable[[str], Any]
VERBS: dict[str, Verb] = {
    "status": lambda url: service.status("birds", db=url),
    "show": lambda url: service.show("birds", db=url),
    "studies": lambda url: service.studies(db=url),
    "overviews": lambda url: service.overviews(db=url),
    "curves": lambda url: service.curves("birds", db=url),
    "export": lambda url: service.export("birds", "hyp.yaml", db=url),
}


@pytest.fixture
def filled(engine: Engine, make_spec: Callable[..., StudySpec]) -> Engine:
    """A study with a trial of one epoch."""
    begin_study(engine, make_spec("birds"), at=1.0, host="h", pid=1)
    recorder = Recorder(engine, "birds")
    recorder.trial_started(Trial(number=0, params={}, epochs=9, seed=0), at=1.0, node=None, device=None, pid=None)
    figures = {"map50_95": 0.3, "map50": 0.5, "precision": 0.5, "recall": 0.5}
    recorder.epoch(0, 1, EpochMetrics(epoch=1, **figures, train_s=2.0, val_s=1.0), slot_s=1.0, at=2.0)
    recorder.close()
    return engine


@pytest.mark.parametrize("verb", VERBS)
def test_a_reading_verb_says_that_a_database_is_older_and_does_not_migrate_it(
    filled: Engine, store_url: str, verb: str
) -> None:
    with filled.begin() as connection:
        command.downgrade(migrate.config(connection), "0002")
    with pytest.raises(BadStore, match=r"older automl .*0002.*Start or resume a search on it"):
        VERBS[verb](store_url)
    with filled.connect() as connection:
        assert migrate.revision(connection) == "0002"


@pytest.mark.parametrize("verb", VERBS)
def test_a_reading_verb_makes_no_database(tmp_path: Path, verb: str) -> None:
    with pytest.raises(BadStore, match="there is no database at"):
        VERBS[verb](f"sqlite:///{tmp_path / 'typo' / 'automl.db'}")
    assert list(tmp_path.iterdir()) == []
