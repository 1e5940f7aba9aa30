"""What stored rows say has happened to a study, for a search that is rebuilt from them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from automl.records import EpochRow, Trial, TrialPoint, TrialRow, TrialState
from automl.scores.halving import Rungs, final

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


def at_horizon(
    ended: Iterable[TrialPoint], curves: Mapping[int, Sequence[float]], levels: Sequence[int], horizon: int
) -> list[tuple[float, float]]:
    """Score and slot-seconds of trials that have ended; of a stopped one the score that it was heading for.

    What the search told its sampler of a stopped trial is nowhere stored. Here it is told by the same rule, from
    the gains of a few trials instead of all, and from those of today instead of when it was stopped.

    curves  mAP50-95 by epoch of trials that were trained to the horizon
    levels  the rungs
    """
    rungs = Rungs(levels, horizon)
    for trial, scores in curves.items():
        for level in rungs.levels if len(scores) >= horizon else ():
            rungs.record(trial, level, final(scores[:level], horizon))
    found = []
    for point in ended:
        score = point.score
        if score is not None and point.state is not TrialState.COMPLETED:
            if point.done_epochs in rungs.levels:  # where it was stopped: its score is what it had there
                rungs.record(point.number, point.done_epochs, score)
            score = rungs.extrapolate(point.number, score)
        if score is not None:
            found.append((score, point.slot_s))
    return found
