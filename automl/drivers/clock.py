"""The study's own clock beside that of the machine, which may be set back between two sessions. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from automl.records import EpochRow, TrialRow


def posix_offset_s(now: float, wall_s: float, trials: Iterable[TrialRow], epochs: Iterable[EpochRow]) -> float:
    """Difference between POSIX seconds and wall seconds of a study in a session that begins now.

    Never such that a row would be dated before one of an earlier session: the history is replayed in the order of the
    rows' times.

    now     POSIX seconds of the machine's clock
    wall_s  wall seconds of the study
    """
    times = [at for row in trials for at in (row.started_at, row.ended_at) if at is not None]
    return max(now, max(times, default=now), max((row.reported_at for row in epochs), default=now)) - wall_s
