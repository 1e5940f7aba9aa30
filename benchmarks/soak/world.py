"""The machine of a study in virtual time: its clocks, and the line to its database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

BEGAN = 1e9  # POSIX seconds


class World:
    """Seconds that pass only when told, and a POSIX clock that may be set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.skew_s = 0.0

    def monotonic(self) -> float:
        """Seconds since the study began, pauses included."""
        return self.now

    def posix(self) -> float:
        """POSIX seconds, as the machine's clock shows them."""
        return BEGAN + self.skew_s + self.now

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.now += seconds


class Line:
    """The line to the database. Until it is mended commits fail, before or after they arrive."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._until = float("-inf")
        self._arrives = False
        self._error = ""

    @property
    def away(self) -> bool:
        """True while the database does not answer."""
        return self._world.now < self._until

    def cut(self, seconds: float, *, arrives: bool, error: str) -> None:
        """Let every commit fail from now on.

        arrives  True: the database has what is committed, but no answer comes back
        """
        self._until, self._arrives, self._error = self._world.now + seconds, arrives, error

    def wait(self) -> None:
        """Let time pass until the database is back."""
        self._world.now = max(self._world.now, self._until)

    @contextmanager
    def between(self, engine: Engine) -> Iterator[None]:
        """Stand between an engine and its database."""
        dialect: Any = engine.dialect
        commit = dialect.do_commit

        def fragile(connection: Any) -> None:
            if not self.away or self._arrives:
                commit(connection)
            if self.away:
                raise sqlite3.OperationalError(self._error)

        dialect.do_commit = fragile
        try:
            yield
        finally:
            dialect.do_commit = commit
