"""The real recorder with its journal on disk, in virtual time: its writer has its turns within calls, in no thread."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from automl.errors import AutoMLError
from automl.store.journal import SUFFIX, Journal
from automl.store.recorder import Claimed, Recorder
from automl.store.writer import Writer, WriterThread


class TurnRecorder(Recorder):
    """A recorder whose calls bring the same rows at the same time whenever they are repeated.

    journals  the study's folder of journals; None: rows wait in memory
    late      True if the writer gets no turn now, as a thread that is slow
    full      True if the disk takes no more
    """

    def __init__(
        self,
        engine: Engine,
        study: str,
        *,
        claimed: Claimed,
        journals: Path | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        late: Callable[[], bool] = lambda: False,
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journals = journals
        self._full = full
        super().__init__(engine, study, claimed=claimed, clock=clock, sleep=sleep)
        self._thread = None if journals is None else _Turns(self._writer, late)

    @property
    def durable(self) -> bool:
        """True if the death of the process loses none of the rows that were flushed."""
        return not self._journal.lost_rows

    def stop_requested(self) -> bool:
        """As the recorder; the writer looks for a request about that often."""
        if self._thread is not None:
            self._thread.wake()
        return super().stop_requested()

    def die(self) -> None:
        """The process is gone, and its file is closed."""
        self._journal.leave()

    def _opened(self, journals: Path | None) -> Journal:
        if self._journals is None:
            return super()._opened(None)
        return _Journal(self._journals / f"{self._session}{SUFFIX}", self._full)


class _Turns(WriterThread):
    """Turns of a writer. Never started."""

    def __init__(self, writer: Writer, late: Callable[[], bool]) -> None:
        super().__init__(writer)
        self._late = late

    def wake(self) -> None:
        """Do what the thread does when it wakes, at once or with a later call."""
        writer = self._writer
        if writer.over or writer.lost or writer.broken or not writer.due or (not writer.urgent and self._late()):
            return
        try:
            if writer.work():
                writer.poll()
        except AutoMLError as error:
            writer.broken = error


class _Journal(Journal):
    """A journal on a disk that may be full."""

    def __init__(self, file: Path, full: Callable[[], bool]) -> None:
        self._full = full
        super().__init__(file)

    def _put(self, position: int, data: bytes) -> None:
        if self._full():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super()._put(position, data)
