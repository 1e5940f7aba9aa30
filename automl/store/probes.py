"""Measurements of earlier probes, by a key of everything that they depend on."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from automl.records import Prepared
from automl.store.engine import explain, reading, writing
from automl.store.tables import probes


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What an earlier probe measured, and when."""

    prepared: Prepared
    at: float  # POSIX seconds


def kept_probe(engine: Engine, key: str) -> Kept | None:
    """What a probe with that key measured; None where there was none. Raises BadStore if the database fails."""
    with reading(engine) as connection:
        found = connection.execute(select(probes.c.measured, probes.c.at).where(probes.c.key == key)).one_or_none()
    return None if found is None else Kept(prepared=Prepared.from_dict(found.measured), at=found.at)


def keep_probe(engine: Engine, key: str, prepared: Prepared, *, at: float) -> None:
    """Keeps a measurement in place of an older one with that key. Raises BadStore if the database fails.

    at  POSIX seconds
    """
    try:
        with writing(engine) as connection:
            connection.execute(delete(probes).where(probes.c.key == key))
            connection.execute(insert(probes).values(key=key, measured=asdict(prepared), at=at))
    except SQLAlchemyError as error:
        raise explain(engine, error) from None
