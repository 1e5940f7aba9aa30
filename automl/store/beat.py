"""Heartbeat of a study whose driver begins: from its claim until the driver's own first heartbeat."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from automl.records import Heartbeat
from automl.store import read
from automl.store.engine import writing
from automl.store.tables import studies
from automl.store.write import is_latest

if TYPE_CHECKING:
    from sqlalchemy import Engine

_PAUSE_S = 5.0


@contextmanager
def beating(engine: Engine, name: str) -> Iterator[None]:
    """Keep the study's heartbeat within, until somebody else does: its recorder, or a driver that took it over."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(engine, name, read.study(engine, name).heartbeat, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(engine: Engine, name: str, last: Heartbeat, over: threading.Event) -> None:
    while not over.wait(_PAUSE_S):
        beat = replace(last, at=time.time())
        statement = update(studies).where(studies.c.name == name, is_latest(last)).values(heartbeat_at=beat.at)
        with suppress(SQLAlchemyError):  # away or locked: the next beat tries again
            with writing(engine) as connection:
                if connection.execute(statement).rowcount == 0:
                    return
            last = beat
