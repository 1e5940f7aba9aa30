"""What stored rows say has happened to a study, for a search that is rebuilt from them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from automl.records import EpochRow, Trial, TrialRow, TrialState

RESUMABLE = (TrialState.RUNNING, TrialState.INTERRUPTED)


def happened(trials: Iterable[TrialRow], epochs: Iterable[EpochRow]) -> Iterator[tuple[int, EpochRow | None]]:
    """Trial numbers in the order of time, each with the epoch that it reported or None where it ended."""
    events: list[tuple[float, int, int, EpochRow | None]] = [
        (row.ended_at if row.ended_at is not None else math.inf, 1, row.number, None)
        for row in trials
        if row.state not in RESUMABLE
    ]
    events += [(epoch.reported_at, 0, epoch.trial, epoch) for epoch in epochs]
    for _, _, number, epoch in sorted(events, key=lambda event: event[:3]):
        yield number, epoch


def restored(row: TrialRow) -> Trial:
    """The trial as it was proposed."""
    return Trial(
        number=row.number,
        params=row.params,
        epochs=row.epochs,
        seed=row.seed,
        purpose=row.purpose,
        origin=row.origin,
        attempt=row.attempt,
        repeats=row.repeats,
    )
