"""The history of a study in its stored rows, for a search that is rebuilt from them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from automl.records import EpochRow, TrialPoint, TrialRow, TrialState
from automl.scores.halving import Rungs, final

RESUMABLE = (TrialState.RUNNING, TrialState.INTERRUPTED)


def events(trials: Iterable[TrialRow], epochs: Iterable[EpochRow]) -> Iterator[tuple[int, EpochRow | None]]:
    """Events in the order of time: a trial's number with the epoch that it reported, or None where it ended.

    A trial's own events come in their order, whatever the machine's clock said: it may have been set back.
    """
    timeline: list[tuple[float, int, int, EpochRow | None]] = []
    reached: dict[int, float] = {}  # by trial: time of its latest event
    for report in sorted(epochs, key=lambda epoch: (epoch.trial, epoch.epoch)):
        at = reached[report.trial] = max(report.reported_at, reached.get(report.trial, -math.inf))
        timeline.append((at, 0, report.trial, report))
    for row in trials:
        if row.state not in RESUMABLE:
            ended_at = row.ended_at if row.ended_at is not None else math.inf
            timeline.append((max(ended_at, reached.get(row.number, -math.inf)), 1, row.number, None))
    for _, _, number, epoch in sorted(timeline, key=lambda event: event[:3]):
        yield number, epoch


def at_horizon(
    ended: Iterable[TrialPoint], curves: Mapping[int, Sequence[float]], levels: Sequence[int], horizon: int
) -> list[tuple[float, float]]:
    """Score at the horizon and slot-seconds of each trial that has ended with a score.

    A stopped trial's score is extrapolated, as the search does for its sampler. That value is stored nowhere: here it
    is computed from the gains of a few trials, and of today.

    curves  mAP50-95 by epoch of trials that were trained to the horizon
    levels  the rungs
    """
    rungs = Rungs(levels, horizon)
    for trial, curve in curves.items():
        for level in rungs.levels if len(curve) >= horizon else ():
            rungs.record(trial, level, final(curve[:level], horizon))
    scores = []
    for point in ended:
        score = point.score
        if score is not None and point.state is not TrialState.COMPLETED:
            if point.done_epochs in rungs.levels:  # where it was stopped: its score is what it had there
                rungs.record(point.number, point.done_epochs, score)
            score = rungs.extrapolate(point.number, score)
        if score is not None:
            scores.append((score, point.slot_s))
    return scores
