"""Measurements of earlier probes, each under a key of all that it depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from automl.records import Prepared
from automl.store.engine import explain, reading, writing
from automl.store.tables import probes


@dataclass(frozen=True, kw_only=True)
class KeptProbe:
    """Measurement of an earlier probe."""

    prepared: Prepared
    at: float  # POSIX seconds


def kept_probe(engine: Engine, key: str) -> KeptProbe | None:
    """Measurement of the earlier probe with that key; None if there is none.

    Raises BadStore if the database fails.
    """
    with reading(engine) as connection:
        row = connection.execute(select(probes.c.measured, probes.c.at).where(probes.c.key == key)).one_or_none()
    return None if row is None else KeptProbe(prepared=Prepared.from_dict(row.measured), at=row.at)


def keep_probe(engine: Engine, key: str, prepared: Prepared, *, at: float) -> None:
    """Keep a measurement in place of an older one with that key.

    at  POSIX seconds

    Raises BadStore if the database fails.
    """
    try:
        with writing(engine) as connection:
            connection.execute(delete(probes).where(probes.c.key == key))
            connection.execute(insert(probes).values(key=key, measured=asdict(prepared), at=at))
    except SQLAlchemyError as error:
        raise explain(engine, error) from None
