"""How values become columns, and which indexes the questions use."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from automl.store.address import default_url
from automl.store.engine import open_store
from automl.store.tables import Measured, Words, dumps, metadata

DIALECT = sqlite.dialect()


def test_json_has_null_for_what_it_cannot_say() -> None:
    document = {"a": [1.5, math.nan, (math.inf, "NaN")], "b": {"c": -math.inf, "d": True}}
    assert json.loads(dumps(document)) == {"a": [1.5, None, [None, "NaN"]], "b": {"c": None, "d": True}}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_a_measurement_that_failed_is_stored_as_null_and_read_as_nan(value: float | None) -> None:
    assert Measured().process_bind_param(value, DIALECT) is None
    assert math.isnan(Measured().process_result_value(None, DIALECT))


def test_text_loses_only_what_no_database_takes() -> None:
    assert Words().process_bind_param("plain", DIALECT) == "plain"
    assert Words().process_bind_param("oiseau à œuf\0\udcff", DIALECT) == "oiseau à œuf?"
    assert Words().process_bind_param(None, DIALECT) is None


def test_every_table_is_prefixed() -> None:
    assert all(name.startswith("automl_") for name in metadata.tables)


@pytest.mark.parametrize(
    "question",
    [
        "SELECT * FROM automl_trials WHERE study_id = 1 AND best_map50_95 IS NOT NULL"
        " ORDER BY best_map50_95 DESC, number LIMIT 10",
        "SELECT * FROM automl_trials WHERE study_id = 1 ORDER BY score DESC, number LIMIT 10",
        "SELECT * FROM automl_trials WHERE study_id = 1 ORDER BY number LIMIT 100 OFFSET 100",
        "SELECT * FROM automl_epochs WHERE study_id = 1 AND trial = 5",
        "SELECT * FROM automl_events WHERE study_id = 1 AND id > 7 ORDER BY id DESC LIMIT 10",
        "SELECT * FROM automl_artifacts WHERE study_id = 1 AND trial = 5",
    ],
)
def test_a_question_searches_an_index(tmp_path: Path, question: str) -> None:
    engine = open_store(default_url(tmp_path))
    with engine.connect() as connection:
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {question}"))]
    engine.dispose()
    assert plan[0].startswith("SEARCH")
    assert "INDEX" in plan[0]
