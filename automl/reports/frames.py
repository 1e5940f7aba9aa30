"""Trials and epochs as DataFrames. Columns have the names and the units of the records' fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl.files.frame import data_frame
from automl.records import EpochRow, TrialRow
from automl.scores.leaderboard import gain_shown

if TYPE_CHECKING:
    import pandas as pd

PARAMS = "params_"  # before the name of a parameter
_COUNTS = ("repeats", "best_epoch")
_FRACTIONS = ("score", "gain", "best_map50_95", "best_map50")
_OF_TRIAL = (
    *("number", "origin", "state", "purpose", "repeats", "epochs", "done_epochs"),
    *(*_FRACTIONS, "best_epoch", "slot_s", "paid_s", "seed", "reason"),
)
_OF_EPOCH = (
    *("trial", "epoch", "attempt", "map50_95", "map50", "precision", "recall"),
    *("train_s", "val_s", "slot_s", "reported_at"),
)


def trials_frame(trials: Sequence[TrialRow], baseline: TrialRow | None) -> pd.DataFrame:
    """A row for each trial, in the order of the trials, with its gain and its parameters."""
    values = [{**vars(row), "gain": gain_shown(row, baseline)} for row in trials]
    columns = {name: [_plain(value[name]) for value in values] for name in _OF_TRIAL}
    names = dict.fromkeys(name for row in trials for name in row.params)
    columns |= {f"{PARAMS}{name}": [row.params.get(name) for row in trials] for name in names}
    return data_frame(columns, fractions=_FRACTIONS, counts=_COUNTS)


def epochs_frame(epochs: Sequence[EpochRow]) -> pd.DataFrame:
    """A row for each epoch, in the order of the epochs; losses under the trainer's names, as `train/box_loss`."""
    columns = {name: [getattr(epoch, name) for epoch in epochs] for name in _OF_EPOCH}
    losses = tuple(dict.fromkeys(name for epoch in epochs for name in epoch.losses))
    columns |= {name: [epoch.losses.get(name) for epoch in epochs] for name in losses}
    return data_frame(columns, fractions=losses)


def _plain(value: object) -> object:
    """A state or a purpose as its text."""
    return str(value) if isinstance(value, str) else value
