"""Recorded learning curves, from a file with a training a line or from the trials of a study."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automl.errors import BadData, NothingToCompare
from automl.records import EpochMetrics, EpochRow, TrialRow, TrialState
from automl.store import read
from automl.store.address import default_url
from automl.store.engine import open_store

GAINS: Mapping[str, float] = {"box": 7.5, "cls": 0.5, "dfl": 1.5}  # Ultralytics' defaults


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training that ran its whole schedule."""

    group: tuple[str, int, int]  # model, image size, horizon: only trainings of one group compare
    epochs: tuple[EpochMetrics, ...]  # first to last
    gains: Mapping[str, float] = field(default_factory=lambda: dict(GAINS))  # its losses were multiplied by these

    @property
    def has_losses(self) -> bool:
        """True if every epoch has the losses of train and val."""
        names = [f"{split}/{part}_loss" for split in ("train", "val") for part in GAINS]
        return all(math.isfinite(epoch.losses.get(name, math.nan)) for epoch in self.epochs for name in names)


def from_file(file: Path) -> list[Training]:
    """Trainings in a JSON-lines file.

    A line: imgsz, horizon, epochs (a list with map50_95, map50 and perhaps precision, recall, train_box_loss,
    val_cls_loss ...), and perhaps model and hyp, whose box, cls and dfl are the gains.
    Raises BadData, which names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(file, f"cannot be read ({error}). Give a file with one training a line.") from error
    trainings = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            trainings.append(_training(json.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadData(
                file, f"this is no recorded training ({error!r}). See its first lines.", line=number
            ) from error
    return trainings


def from_store(study: str, db: str | None = None) -> list[Training]:
    """Trainings of a study's completed trials: survivors, hence more alike and harder to rank than all trials.

    db  URL of the database; None: that of AUTOML_DB, else the one in AUTOML_HOME

    Raises UnknownName, BadStore, and NothingToCompare where no trial is complete.
    """
    home = Path(os.environ.get("AUTOML_HOME") or "automl-runs").expanduser().absolute()
    engine = open_store(db or os.environ.get("AUTOML_DB") or default_url(home), create=False)
    rows = [row for row in read.trials(engine, study) if row.state is TrialState.COMPLETED]
    if not rows:
        raise NothingToCompare(f"no trial of study '{study}' ran to its horizon yet, so nothing has an end to predict.")
    return stored(rows, read.epochs(engine, study))


def stored(rows: Iterable[TrialRow], epochs: Sequence[EpochRow]) -> list[Training]:
    """Trainings of completed trials; of a repeated epoch the last report counts."""
    by_trial: dict[int, dict[int, EpochRow]] = {}
    for epoch in epochs:
        by_trial.setdefault(epoch.trial, {})[epoch.epoch] = epoch
    trainings = []
    for row in rows:
        by_epoch = by_trial.get(row.number, {})
        if sorted(by_epoch) != list(range(1, row.epochs + 1)):
            continue
        values = {**row.params, **(row.applied or {})}
        gains = {part: float(values.get(part) or gain) for part, gain in GAINS.items()}
        group = (Path(str(values.get("model", ""))).stem, int(values.get("imgsz") or 0), row.epochs)
        curve = tuple(_metrics(by_epoch[number]) for number in sorted(by_epoch))
        trainings.append(Training(group=group, epochs=curve, gains=gains))
    return trainings


def _metrics(row: EpochRow) -> EpochMetrics:
    return EpochMetrics(
        epoch=row.epoch,
        map50_95=row.map50_95,
        map50=row.map50,
        precision=row.precision,
        recall=row.recall,
        train_s=row.train_s,
        val_s=row.val_s,
        losses=row.losses,
    )


def _training(document: Mapping[str, Any]) -> Training:
    epochs = tuple(_epoch(number, values) for number, values in enumerate(document["epochs"], start=1))
    if not epochs:
        raise ValueError("no epochs")
    hyp = document.get("hyp", {})
    return Training(
        group=(str(document.get("model", "")), int(document["imgsz"]), int(document["horizon"])),
        epochs=epochs,
        gains={part: float(hyp.get(part, gain)) for part, gain in GAINS.items()},
    )


def _epoch(number: int, values: Mapping[str, float]) -> EpochMetrics:
    losses = {
        f"{split}/{part}_loss": float(values[f"{split}_{part}_loss"])
        for split in ("train", "val")
        for part in GAINS
        if f"{split}_{part}_loss" in values
    }
    return EpochMetrics(
        epoch=number,
        map50_95=float(values["map50_95"]),
        map50=float(values["map50"]),
        precision=float(values.get("precision", math.nan)),
        recall=float(values.get("recall", math.nan)),
        train_s=0.0,
        val_s=0.0,
        losses=losses,
    )
