"""Curves of one training as arrays, and the share of its schedule that it has gone. Pure; numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from automl.records import EpochRow, Params, TrialState

Floats = npt.NDArray[np.float64]
COMPONENTS = ("box", "cls", "dfl")  # of the loss; each has a gain of that name


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Figures of a training by epoch, one value for each epoch that was reported."""

    trial: int
    epochs: npt.NDArray[np.int64]  # (n,) from 1, ascending
    map50_95: Floats  # (n,)
    map50: Floats
    precision: Floats
    recall: Floats
    train: Mapping[str, Floats]  # losses of train by component, times their gains; empty where not recorded
    val: Mapping[str, Floats]
    horizon: int  # epochs of the learning-rate schedule
    state: TrialState = TrialState.COMPLETED
    closed: int = 0  # last epochs without mosaic, in which the loss of train falls by itself
    cosine: bool = False  # learning rate along a cosine; False: along a line
    lrf: float = 0.01  # share of the learning rate at the end of the schedule
    arguments: Params = field(default_factory=dict)  # of the training, for remedies

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def left(self) -> float:
        """Learning rate after the last epoch as a share of the first one's: 1 to lrf."""
        share = min(1.0, float(self.epochs[-1]) / self.horizon) if len(self) else 0.0
        fall = (1 + np.cos(np.pi * share)) / 2 if self.cosine else 1 - share
        return float(self.lrf + (1 - self.lrf) * fall)

    @property
    def whole(self) -> bool:
        """True if the schedule was gone to its end."""
        return bool(len(self)) and int(self.epochs[-1]) >= self.horizon

    def number(self, name: str, default: float) -> float:
        """Argument of the training; the default where it has none."""
        value = self.arguments.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default

    @property
    def settled(self) -> int:
        """Epochs of the warm-up and of the first fall, which say nothing yet."""
        return min(len(self), max(3, round(0.1 * self.horizon)))

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """(n,) True where the score and every loss are numbers."""
        columns = [self.map50_95, *self.train.values(), *self.val.values()]
        return np.asarray(np.isfinite(np.stack(columns)).all(axis=0), dtype=bool)


def curves_of(
    rows: Sequence[EpochRow],
    horizon: int,
    *,
    state: TrialState = TrialState.COMPLETED,
    closed: int = 0,
    cosine: bool = False,
    lrf: float = 0.01,
    arguments: Params | None = None,
) -> Curves:
    """Curves of one trial's epochs, in whatever order they were reported; of an epoch reported twice the first."""
    first = {row.epoch: row for row in reversed(rows)}
    ordered = [first[epoch] for epoch in sorted(first)]
    return Curves(
        trial=ordered[0].trial if ordered else 0,
        epochs=np.array([row.epoch for row in ordered], dtype=np.int64),
        map50_95=_column([row.map50_95 for row in ordered]),
        map50=_column([row.map50 for row in ordered]),
        precision=_column([row.precision for row in ordered]),
        recall=_column([row.recall for row in ordered]),
        train=_losses(ordered, "train"),
        val=_losses(ordered, "val"),
        horizon=max(1, horizon),
        state=state,
        closed=closed,
        cosine=cosine,
        lrf=lrf,
        arguments=arguments or {},
    )


def _losses(rows: Sequence[EpochRow], split: str) -> dict[str, Floats]:
    """Losses of the components that every epoch has."""
    names = {component: f"{split}/{component}_loss" for component in COMPONENTS}
    return {
        component: _column([row.losses[name] for row in rows])
        for component, name in names.items()
        if rows and all(name in row.losses for row in rows)
    }


def _column(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
