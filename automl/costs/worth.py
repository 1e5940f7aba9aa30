"""Worth of fixing labels and of searching, in mAP50-95, from recorded runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from automl.records import SuspectKind
from automl.scores.trust import Interval


@dataclass(frozen=True, kw_only=True)
class LabelLoss:
    """Loss of mAP50-95 on val by one kind of wrong labels in train."""

    kind: SuspectKind
    share: float  # of the boxes of train that were made wrong
    loss: float
    low: float  # of a 90 % interval
    high: float
    seeds: int  # pairs of trainings


@dataclass(frozen=True, kw_only=True)
class SearchGain:
    """Gain of a search with its production training over the defaults trained for 300 epochs."""

    trainings: int  # budget, in trainings of the defaults of 300 epochs
    gain: float  # mAP50-95
    low: float
    high: float


# `python -m benchmarks price`, docs/measurements.md: yolov5n on BCCD.
LOSSES: Sequence[LabelLoss] = (
    LabelLoss(kind=SuspectKind.MISSING, share=0.4, loss=0.0069, low=-0.0112, high=0.0250, seeds=2),
    LabelLoss(kind=SuspectKind.LOOSE, share=0.4, loss=0.0197, low=-0.0001, high=0.0395, seeds=2),
    LabelLoss(kind=SuspectKind.CLASS, share=0.4, loss=0.0098, low=-0.0080, high=0.0276, seeds=2),
    LabelLoss(kind=SuspectKind.SUPERFLUOUS, share=0.4, loss=0.0305, low=0.0092, high=0.0518, seeds=2),
)
LOSSES_FROM = "yolov5n on BCCD at 160 px, 8 epochs, two pairs"
# `python -m benchmarks split`, docs/measurements.md: a family of tasks that is fitted to two data sets.
SEARCHES = (
    SearchGain(trainings=4, gain=0.0015, low=-0.0017, high=0.0049),
    SearchGain(trainings=8, gain=0.0098, low=0.0057, high=0.0142),
    SearchGain(trainings=15, gain=0.0149, low=0.0102, high=0.0193),
)
SEARCH_EPOCHS = 300


def recorded_loss(shares: Mapping[SuspectKind, float]) -> Interval:
    """Loss by so large shares of wrong boxes of each kind, in proportion to the recorded one.

    The errors of the kinds count as independent. A loss is not taken to be below zero.
    """
    rows = {row.kind: row for row in LOSSES}
    parts = [(rows[kind], share / rows[kind].share) for kind, share in shares.items() if kind in rows]
    mean = sum(max(0.0, row.loss) * factor for row, factor in parts)
    half = math.sqrt(sum(((row.high - row.low) / 2 * factor) ** 2 for row, factor in parts))
    return Interval(mean=mean, low=mean - half, high=mean + half)


def beaten_by(loss: float) -> SearchGain | None:
    """The largest recorded search that brings less than fixing; None if the smallest brings more."""
    return max((row for row in SEARCHES if row.gain < loss), key=lambda row: row.trainings, default=None)


def beats(loss: float) -> SearchGain | None:
    """The smallest recorded search that brings at least as much; None if none does."""
    return min((row for row in SEARCHES if row.gain >= loss), key=lambda row: row.trainings, default=None)
