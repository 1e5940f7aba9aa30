"""Release of a study by a process that lives on, as a notebook's kernel does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from automl.errors import AutoMLError
from automl.host import identity
from automl.records import StudyState
from automl.store import read
from automl.store.recorder import Recorder
from automl.store.replay import replay

if TYPE_CHECKING:
    from sqlalchemy import Engine

REASON = "interrupted before its trials went on"
_WAIT_S = 30.0  # longest wait for a database that may hang


@contextmanager
def released(engine: Engine, name: str) -> Iterator[None]:
    """Leave the study interrupted where an error or Ctrl-C ends the block with the study still running.

    Nobody else could tell that it does not run: its process is alive.
    """
    try:
        yield
    except BaseException:
        thread = threading.Thread(target=_release, args=(engine, name), daemon=True)
        thread.start()
        thread.join(_WAIT_S)
        raise


def _release(engine: Engine, name: str) -> None:
    with suppress(AutoMLError):  # it may not have begun
        row = read.study(engine, name)
        if row.state is not StudyState.RUNNING or (row.pid, row.process) != (os.getpid(), identity.own()):
            return
        replay(engine, row)  # first: a new session would end that of the journal
        row = read.study(engine, name)
        if row.state is StudyState.RUNNING:
            recorder = Recorder(engine, name)
            recorder.study_closed(StudyState.INTERRUPTED, REASON, at=time.time(), slot_s=row.slot_s, wall_s=row.wall_s)
            recorder.close()
