"""Measurements of earlier probes, by a key of everything that they depend on."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from automl.records import Prepared
from automl.store.engine import explain, reading, writing
from automl.store.tables import probes


def kept_probe(engine: Engine, key: str) -> Prepared | None:
    """What a probe with that key measured; None where there was none."""
    with reading(engine) as connection:
        found = connection.scalar(select(probes.c.measured).where(probes.c.key == key))
    return None if found is None else Prepared.from_dict(found)


def keep_probe(engine: Engine, key: str, prepared: Prepared, *, at: float) -> None:
    """Keeps a measurement in place of an older one with that key. at: POSIX seconds."""
    try:
        with writing(engine) as connection:
            connection.execute(delete(probes).where(probes.c.key == key))
            connection.execute(insert(probes).values(key=key, measured=asdict(prepared), at=at))
    except SQLAlchemyError as error:
        raise explain(engine, error) from None
