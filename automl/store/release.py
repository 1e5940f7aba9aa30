"""Release of a study by a process that lives on, as a notebook's kernel does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from automl.errors import BadStore, UnknownName
from automl.host import identity
from automl.records import StudyState
from automl.store import read
from automl.store.recorder import Recorder

if TYPE_CHECKING:
    from sqlalchemy import Engine

REASON = "interrupted before its trials went on"


@contextmanager
def released(engine: Engine, name: str) -> Iterator[None]:
    """Leave the study interrupted where an error or Ctrl-C ends the block with the study still running.

    Nobody else could tell that it does not run: its process is alive.
    """
    try:
        yield
    except BaseException:
        with suppress(BadStore, UnknownName):  # it may not have begun
            _release(engine, name)
        raise


def _release(engine: Engine, name: str) -> None:
    row = read.study(engine, name)
    if row.state is StudyState.RUNNING and (row.pid, row.process) == (os.getpid(), identity.own()):
        recorder = Recorder(engine, name)
        recorder.study_closed(StudyState.INTERRUPTED, REASON, at=time.time(), slot_s=row.slot_s, wall_s=row.wall_s)
        recorder.close()
