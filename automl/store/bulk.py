"""Whole studies without a driver, and temporary databases: for benchmarks."""

from __future__ import annotations

import io
import math
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, insert, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from automl.errors import BadStore, StudyConflict
from automl.files.moved import portable
from automl.records import EpochRow, EvaluationRow, EventRow, StudyRow, TrialRow
from automl.store import tables
from automl.store.address import default_url
from automl.store.engine import explain, parse, unusable, writing

_AT_ONCE = 20_000  # rows in memory
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": ""})


def write_study(
    engine: Engine,
    study: StudyRow,
    trials: Iterable[TrialRow],
    epochs: Iterable[EpochRow] = (),
    *,
    events: Iterable[EventRow] = (),
    evaluations: Iterable[EvaluationRow] = (),
) -> None:
    """Insert rows as they are, in one transaction; nothing is derived from them.

    Raises StudyConflict if the study's name or a row's key exists already, BadStore if the database fails.
    """
    try:
        with writing(engine) as connection:
            key = connection.scalar(insert(tables.studies).returning(tables.studies.c.id), _study_values(study))
            for table, rows in (
                (tables.trials, trials),
                (tables.epochs, epochs),
                (tables.events, events),
                (tables.evaluations, evaluations),
            ):
                _insert(connection, table, {"study_id": key}, rows)
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:  # as autovacuum would do within a minute
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    except IntegrityError:
        raise StudyConflict(f"a study named '{study.name}' exists already, or two of its rows have one key.") from None
    except SQLAlchemyError as error:
        raise explain(engine, error) from None


@contextmanager
def scratch(server: str | None = None) -> Iterator[str]:
    """URL of a new database, which is dropped at the end: an SQLite file, or one on a Postgres server.

    server  URL of any database on the server; its user needs the right to create databases

    Raises BadStore if the server cannot be reached or is no Postgres server.
    """
    if server is None:
        with tempfile.TemporaryDirectory(prefix="automl-scratch-") as folder:
            yield default_url(Path(folder))
        return
    parsed = parse(server)
    if parsed.get_backend_name() != "postgresql":
        raise BadStore("--db names a Postgres server: postgresql://USER:PASSWORD@HOST/NAME. SQLite needs no URL.")
    name = f"automl_scratch_{uuid.uuid4().hex[:12]}"
    admin = create_engine(parsed, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except SQLAlchemyError as error:
        admin.dispose()
        raise unusable(admin, error) from None
    try:
        yield parsed.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        admin.dispose()


def _study_values(study: StudyRow) -> dict[str, Any]:
    known = {key: value for key, value in vars(study).items() if key in tables.studies.c}
    return {**known, "spec": portable(study.spec), "written": 0}


def _insert(connection: Connection, table: Table, key: Mapping[str, Any], rows: Iterable[Any]) -> None:
    iterator = iter(rows)
    while part := [{**key, **_values(row)} for row in islice(iterator, _AT_ONCE)]:
        if connection.dialect.name == "postgresql":
            _copy(connection, table, part)
        else:
            connection.execute(insert(table), part)


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with COPY, in a tenth of the time of INSERT."""
    names = list(rows[0])
    lines = ("\t".join(_cell(row[name]) for name in names) + "\n" for row in rows)
    raw: Any = connection.connection.cursor()
    with raw as cursor:
        cursor.copy_expert(f"COPY {table.name} ({', '.join(names)}) FROM STDIN", io.StringIO("".join(lines)))


def _cell(value: Any) -> str:
    """A value in COPY's text format; NaN and infinities are NULL, as in every table."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return r"\N"
    if isinstance(value, Mapping):
        value = tables.dumps(dict(value))
    return str(value).translate(_ESCAPED)


def _values(row: TrialRow | EpochRow | EventRow | EvaluationRow) -> dict[str, Any]:
    if isinstance(row, EventRow):
        return {key: value for key, value in asdict(row).items() if key != "id"}  # the database numbers them
    return vars(row)
