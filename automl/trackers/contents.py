"""Contents of an export: one study with its trials and epochs, and the figures that every tool shows."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from automl.errors import StudyConflict
from automl.records import (
    EpochRow,
    EvaluationRow,
    Listener,
    Notice,
    Params,
    ParamValue,
    Purpose,
    StudyRow,
    TrialRow,
    TrialState,
)
from automl.space import trainer_key
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

AT_ONCE = 100  # trials whose epochs are in memory
OPEN_STATES = (TrialState.RUNNING, TrialState.INTERRUPTED)  # of trials that may report more epochs


@dataclass(frozen=True, kw_only=True)
class Contents:
    """One study as read when its export began. Later epochs of a running study come with the next export."""

    engine: Engine
    study: StudyRow
    trials: tuple[TrialRow, ...]  # by number
    evaluations: tuple[EvaluationRow, ...] = ()
    winner: int | None = None  # trial whose recipe is handed over, as things stand
    answer: Sequence[tuple[str, str]] = ()  # labelled lines of the study's answer
    recipe: str = ""  # text of the winner's hyp.yaml; empty where there is none
    notes: tuple[str, ...] = ()  # on what is left out
    listener: Listener = lambda notice: None

    @property
    def key(self) -> str:
        """Text by which an export is known again as one of this very study."""
        return key_of(self.study)

    def curves(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[TrialRow, list[EpochRow]]]:
        """Yield each trial with its epochs, by number.

        numbers  of the trials to yield; None: all
        """
        wanted = {row.number for row in self.trials} if numbers is None else set(numbers)
        rows = [row for row in self.trials if row.number in wanted]
        for begin in range(0, len(rows), AT_ONCE):
            part = rows[begin : begin + AT_ONCE]
            epochs: dict[int, list[EpochRow]] = {row.number: [] for row in part}
            for epoch in read.epochs_of(self.engine, self.study.name, list(epochs)):
                epochs[epoch.trial].append(epoch)
            for row in part:
                yield row, [epoch for epoch in epochs[row.number] if epoch.epoch <= row.done_epochs]
            self._announce(begin + len(part), len(rows))

    def _announce(self, trials: int, total: int) -> None:
        at = time.time() - self.study.created_at
        self.listener(Notice(kind="exported", at=at, values={"trials": trials, "of": total}))


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An export that has ended."""

    tool: str
    place: str  # without a password
    trials: int
    epochs: int
    look: str  # command that opens it; empty where any program does
    notes: tuple[str, ...] = field(default=())


def key_of(study: StudyRow) -> str:
    """Text that names one study: its name and its beginning."""
    began = datetime.fromtimestamp(study.created_at, UTC)
    return f"{study.name}, began {began.isoformat(timespec='microseconds')}"


def check_key(found: object, contents: Contents, place: str) -> None:
    """Raise StudyConflict unless the export that lies at a place already is one of the same study.

    found  its key; None where nothing of automl's lies there
    """
    if found == contents.key:
        return
    name = contents.study.name
    whose = "which automl did not write" if found is None else f"of another study ({found})"
    raise StudyConflict(
        f"{place} holds '{name}' already, {whose}. Nothing was changed there: choose another place, or move it away."
    )


def figures(epoch: EpochRow) -> dict[str, float]:
    """Figures of one epoch under the tags of Ultralytics' own loggers, then its cost.

    `time/…` are seconds of this epoch, `automl/slot_s` slot-seconds of the trial so far.
    """
    return {
        "metrics/precision(B)": epoch.precision,
        "metrics/recall(B)": epoch.recall,
        "metrics/mAP50(B)": epoch.map50,
        "metrics/mAP50-95(B)": epoch.map50_95,
        **epoch.losses,
        "time/train_s": epoch.train_s,
        "time/val_s": epoch.val_s,
        "automl/slot_s": epoch.slot_s,
    }


def evaluation_figures(row: EvaluationRow) -> dict[str, float]:
    """Figures on unseen images by tag: 'test/mAP50-95', 'holdout/gain_low'."""
    values = {
        "images": row.images,
        "mAP50-95": row.map50_95,
        "mAP50": row.map50,
        "precision": row.precision,
        "recall": row.recall,
        "mAP50-95_low": row.low,
        "mAP50-95_high": row.high,
        "gain": row.gain,
        "gain_low": row.gain_low,
        "gain_high": row.gain_high,
        "gain_chance": row.chance,
    }
    known = {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}
    return {f"{row.split}/{name}": value for name, value in known.items()}


def arguments(contents: Contents, trial: TrialRow) -> dict[str, bool | int | float | str]:
    """Every argument of a trial that is known, by name; those read back from the trainer take precedence."""
    merged: Params = {**contents.study.spec.fixed, **trial.params, **(trial.applied or {})}
    return {key: _plain(value) for key, value in sorted(merged.items())}


def searched(contents: Contents, trial: TrialRow) -> dict[str, bool | int | float | str]:
    """The arguments of a trial that the search varies, with model and image size, by name; fixed when it began."""
    spec = contents.study.spec
    settings: Params = {**spec.fixed, **trial.params}
    names = {trainer_key(name) for name in spec.space.get("parameters", {})} | {*trial.params, "model", "imgsz"}
    return {name: _plain(settings[name]) for name in sorted(names) if name in settings}


def label(trial: TrialRow) -> str:
    """Name of a trial among the others: 'trial-00003', 'trial-00012-repeats-3', 'trial-00020-production-of-3'."""
    name = f"trial-{trial.number:05d}"
    if trial.repeats is None:
        return name
    return f"{name}-{'production-of' if trial.purpose is Purpose.PRODUCTION else 'repeats'}-{trial.repeats}"


def facts(trial: TrialRow) -> dict[str, bool | int | float | str]:
    """Facts that never change during a trial, by name."""
    repeats = {} if trial.repeats is None else {"repeats_trial": trial.repeats}
    return {
        "trial": trial.number,
        "purpose": trial.purpose.value,
        "origin": trial.origin,
        "defaults": trial.purpose is Purpose.BASELINE,
        **repeats,
        "seed": trial.seed,
        "epochs_planned": trial.epochs,
    }


def outcome(trial: TrialRow) -> dict[str, bool | int | float | str]:
    """State, score and cost as things stand, by name; what is not known yet is left out."""
    values: Mapping[str, float | int | str | None] = {
        "state": trial.state.value,
        "reason": trial.reason or None,
        "epochs_done": trial.done_epochs,
        "score": trial.score,
        "best_mAP50-95": trial.best_map50_95,
        "best_epoch": trial.best_epoch,
        "slot_s": trial.slot_s,
        "device": trial.device,
        "node": trial.node,
    }
    return {key: value for key, value in values.items() if value is not None}


def summary(contents: Contents) -> dict[str, bool | int | float | str]:
    """Facts of the study, by name; the lines of its answer come first."""
    study, spec = contents.study, contents.study.spec
    values: Mapping[str, float | int | str | None] = {
        **{f"answer, {name}": text for name, text in contents.answer},
        "winner": contents.winner,
        "state": study.state.value,
        "reason": study.reason or None,
        "data": spec.data,
        "data_fingerprint": spec.data_fingerprint,
        "models": ",".join(spec.models),
        "imgsz": ",".join(map(str, spec.imgsz)),
        "weights": spec.weights or "none",
        "trainer": spec.trainer,
        "sampler": spec.sampler,
        "seed": spec.seed,
        "epochs": spec.epochs,
        "production_epochs": spec.train,
        "budget": ",".join(spec.budgets),
        "slot_s": study.slot_s,
        "wall_s": study.wall_s,
        "versions": json.dumps(dict(spec.versions)),
    }
    return {key: value for key, value in values.items() if value is not None}


def _plain(value: ParamValue) -> bool | int | float | str:
    """A value for tools that know no None; a list or another value of a file as text."""
    return "none" if value is None else value if isinstance(value, bool | int | float | str) else str(value)


def shown(place: str) -> str:
    """A place for a message, without the password of a URL."""
    return re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:***@", place)
