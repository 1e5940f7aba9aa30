"""Studies in a database for tests of the report: synthetic ones of a few trials, without data or weights."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from automl.records import StudyRow
from automl.store import bulk, read
from automl.store.engine import open_store
from benchmarks.page.study import SyntheticStudy

NAME = "wheat"


def stored(home: Path, trials: int = 60, *, running: bool = False, **spec: Any) -> tuple[Engine, StudyRow]:
    """A study in the database of a home folder; the fields of its spec that are named have those values."""
    home.mkdir(parents=True, exist_ok=True)
    study = SyntheticStudy(
        name=NAME,
        trials=trials,
        mean_epochs=4,
        directory=str(home / "studies" / NAME),
        now=time.time(),
        running=running,
    )
    row = replace(study.study, spec=replace(study.study.spec, **spec))
    engine = open_store(f"sqlite:///{home / 'automl.db'}")
    bulk.write_study(engine, row, study.rows, study.epochs(), events=study.events(), evaluations=study.evaluations())
    return engine, read.study(engine, NAME)
