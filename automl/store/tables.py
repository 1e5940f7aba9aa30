"""Tables. Columns that end in `_at` are POSIX seconds, in `_s` seconds; those with `map` are fractions in [0, 1]."""

from __future__ import annotations

import json
import math
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

PREFIX = "automl_"
VERSION_TABLE = "automl_version"


class Measured(TypeDecorator[float]):
    """A measurement that may be NaN. Stored as NULL: SQLite keeps no NaN, Postgres sorts it first."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return float(value) if value is not None and math.isfinite(value) else None

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        return math.nan if value is None else value


class Words(TypeDecorator[str]):
    """Free text, such as a traceback, without NUL and lone surrogates, which Postgres refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def dumps(document: Any) -> str:
    """JSON that every database accepts: NaN and infinities, which JSON lacks, become null."""
    try:
        return json.dumps(document, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(document))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

studies = Table(
    f"{PREFIX}studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("reason", Words, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("stop_requested", Boolean, nullable=False),
    Column("slot_s", Double, nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("baseline_map50_95", Double),
    Column("best_map50_95", Double),
    Column("best_trial", Integer),
    # The session that may write, and the number of its batches in the database. So no batch is written
    # twice, and a driver that counted as dead writes nothing once another has taken over.
    Column("writer", String),
    Column("written", Integer, nullable=False),
    Column("note", Words, nullable=False, server_default=""),
    Column("process", String, nullable=False, server_default=""),
    Column("ended_by", String),
)

trials = Table(
    f"{PREFIX}trials",
    metadata,
    Column("study_id", ForeignKey(studies.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("params", JSON, nullable=False),
    Column("applied", JSON(none_as_null=True)),
    Column("seed", BigInteger, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("done_epochs", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("score", Double),
    Column("best_map50_95", Double),
    Column("best_map50", Double),
    Column("best_epoch", Integer),
    Column("last_map50_95", Double),
    Column("slot_s", Double, nullable=False),
    Column("paid_s", Double, nullable=False),
    Column("reason", Words, nullable=False),
    Column("error", Words),
    Column("node", String),
    Column("device", String),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("repeats", Integer),
    Index(None, "study_id", "score"),
    Index(None, "study_id", "best_map50_95"),
)


def _trial_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["study_id", "trial"], [trials.c.study_id, trials.c.number], ondelete="CASCADE")


attempts = Table(
    f"{PREFIX}attempts",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("node", String),
    Column("device", String),
    Column("pid", Integer),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("first_epoch", Integer),
    Column("outcome", String),
    Column("slot_s", Double, nullable=False),
    _trial_key(),
)

epochs = Table(
    f"{PREFIX}epochs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("map50_95", Measured),
    Column("map50", Measured),
    Column("precision", Measured),
    Column("recall", Measured),
    Column("losses", JSON, nullable=False),
    Column("train_s", Measured),
    Column("val_s", Measured),
    Column("slot_s", Double, nullable=False),
    Column("reported_at", Double, nullable=False),
    UniqueConstraint("study_id", "trial", "epoch"),
    _trial_key(),
)

events = Table(
    f"{PREFIX}events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id, ondelete="CASCADE"), nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("trial", Integer),
    Column("text", Words, nullable=False),
    Index(None, "study_id", "id"),
)

artifacts = Table(
    f"{PREFIX}artifacts",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),
    Column("path", Words, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    _trial_key(),
)

evaluations = Table(
    f"{PREFIX}evaluations",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("split", String, primary_key=True),
    Column("images", Integer, nullable=False),
    Column("map50_95", Measured),
    Column("map50", Measured),
    Column("precision", Measured),
    Column("recall", Measured),
    Column("slot_s", Double, nullable=False),
    Column("at", Double, nullable=False),
    Column("low", Double),
    Column("high", Double),
    Column("gain", Double),
    Column("gain_low", Double),
    Column("gain_high", Double),
    Column("chance", Double),
    _trial_key(),
)

# Measurements of a few steps of training, kept for the next study with the same key.
probes = Table(
    f"{PREFIX}probes",
    metadata,
    Column("key", String, primary_key=True),  # of data, variant, image size, batch, device and versions
    Column("measured", JSON, nullable=False),
    Column("at", Double, nullable=False),
)

# Checks of data sets. The counts are those of the whole report; the stored one may be cut, see `checks`.
checks = Table(
    f"{PREFIX}checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id, ondelete="CASCADE")),  # of a check at its start; else NULL
    Column("data", Words, nullable=False),  # place in the home, or an absolute path
    Column("home", Words, nullable=False),  # at the time of the check
    Column("folder", Words),  # of its pictures: place in the home, or an absolute path
    Column("fingerprint", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("version", String, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Column("notes", Integer, nullable=False),
    Column("suspects", Integer, nullable=False),
    Column("images", BigInteger, nullable=False),
    Column("boxes", BigInteger, nullable=False),
    Column("report", LargeBinary, nullable=False),  # JSON, compressed by zlib to a tenth
    Index(None, "fingerprint"),
    Index(None, "study_id"),
)

# Results about trained networks: ensembles, latencies, diagnoses, verifications.
documents = Table(
    f"{PREFIX}documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("version", String, nullable=False),
    Column("content", JSON, nullable=False),
    UniqueConstraint("study_id", "kind", "key"),
)
