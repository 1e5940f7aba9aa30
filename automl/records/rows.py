"""Stored rows: one record for each kind. Their `repr` is one short line; the fields have the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from automl.records.study import EndedBy, StudySpec, StudyState
from automl.records.trial import Params, Purpose, Trial, TrialState


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """One trial as stored, with its score and its best epoch."""

    number: int
    state: TrialState
    purpose: Purpose
    origin: str
    params: Params
    applied: Params | None
    seed: int
    epochs: int  # planned
    done_epochs: int
    attempt: int  # number of the latest attempt; 0 before the first
    score: float | None  # mean mAP50-95 of its last epochs so far, by which trials are compared
    best_map50_95: float | None  # of its best epoch, which best.pt holds
    best_map50: float | None
    best_epoch: int | None
    last_map50_95: float | None
    slot_s: float
    paid_s: float  # seconds of training and validation within slot_s
    reason: str
    error: str | None
    node: str | None
    device: str | None
    started_at: float | None  # POSIX seconds
    ended_at: float | None
    repeats: int | None = None  # the trial that it trained again, with another seed or for production

    def __repr__(self) -> str:
        done = f"{self.done_epochs}/{self.epochs} epochs"
        return f"<TrialRow {self.number}: {self.state}, {self.origin}, score {_score(self.score)}, {done}>"

    def trial(self) -> Trial:
        """The trial as it was proposed, with the epochs that its latest attempt has finished."""
        return Trial(
            number=self.number,
            params=self.params,
            epochs=self.epochs,
            seed=self.seed,
            purpose=self.purpose,
            origin=self.origin,
            attempt=self.attempt,
            done_epochs=self.done_epochs,
            repeats=self.repeats,
        )


@dataclass(frozen=True, kw_only=True)
class TrialPoint:
    """The few columns of a trial that charts of many thousand trials need."""

    number: int
    state: TrialState
    purpose: Purpose
    score: float | None  # mean mAP50-95 of its last epochs so far
    best_map50_95: float | None
    last_map50_95: float | None
    done_epochs: int
    slot_s: float
    ended_at: float | None  # POSIX seconds
    repeats: int | None

    def __repr__(self) -> str:
        return f"<TrialPoint {self.number}: {self.state}, score {_score(self.score)}, {self.done_epochs} epochs>"


@dataclass(frozen=True, kw_only=True)
class Board:
    """Filter and order of a leaderboard. Repeats are never among its rows."""

    order: str = "score"  # a column of the trials, one of `read.ORDERS`
    descending: bool = True
    states: tuple[TrialState, ...] = ()  # states to show; all if empty
    origin: str = ""  # text within the origin, in any case
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class TrialPage:
    """Some rows of a leaderboard and the number of all."""

    rows: tuple[TrialRow, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class EvaluationRow:
    """Evaluation of one trial's weights on a split that the search never saw.

    Intervals hold 90 % of the figures that other images would give; None if single images are not known.
    """

    trial: int
    split: str  # "test", or "holdout" for a part of val that was held back
    images: int
    map50_95: float
    map50: float
    precision: float
    recall: float
    slot_s: float
    at: float  # POSIX seconds
    low: float | None = None  # of mAP50-95
    high: float | None = None
    gain: float | None = None  # mAP50-95 above the defaults' on the same images; None for the defaults themselves
    gain_low: float | None = None
    gain_high: float | None = None
    chance: float | None = None  # that the gain is above zero

    def __repr__(self) -> str:
        gain = "" if self.gain is None else f", {self.gain:+.3f} against the defaults"
        figure = f"mAP50-95 {_score(self.map50_95)} on {self.images} images{gain}"
        return f"<EvaluationRow of trial {self.trial} on {self.split}: {figure}>"


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """One epoch as first reported. `slot_s` is the trial's cumulative cost then."""

    trial: int
    epoch: int
    attempt: int
    map50_95: float
    map50: float
    precision: float
    recall: float
    losses: Mapping[str, float]
    train_s: float
    val_s: float
    slot_s: float
    reported_at: float  # POSIX seconds

    def __repr__(self) -> str:
        return f"<EpochRow {self.epoch} of trial {self.trial}: mAP50-95 {_score(self.map50_95)}>"


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One line of a study's log."""

    at: float  # POSIX seconds
    kind: str
    trial: int | None
    text: str
    id: int = 0  # counts up in the order of writing; 0 before it is stored


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """One run of a trial on one node. A crash ends an attempt, not the trial."""

    trial: int
    number: int  # from 1
    node: str | None
    device: str | None
    pid: int | None
    started_at: float  # POSIX seconds
    ended_at: float | None
    first_epoch: int | None  # None until the attempt reports
    outcome: TrialState | None  # None while it runs
    slot_s: float  # of this attempt alone


@dataclass(frozen=True, kw_only=True)
class ArtifactRow:
    """A file that a trial left behind."""

    trial: int
    kind: str  # "best", "last", "snapshot", "log"
    path: str  # place in the study's folder, with slashes; absolute in rows of earlier versions
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Sign of life of a study process."""

    host: str
    pid: int
    at: float  # POSIX seconds
    process: str = ""  # its identity beyond host name and number; empty in rows of earlier versions


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """One study as stored, with the figures that a list needs."""

    name: str
    state: StudyState
    reason: str
    spec: StudySpec
    created_at: float  # POSIX seconds
    heartbeat_at: float
    host: str
    pid: int
    stop_requested: bool
    slot_s: float  # charged so far, probe included
    wall_s: float  # wall seconds of all sessions
    trials: int
    baseline_map50_95: float | None
    best_map50_95: float | None
    best_trial: int | None
    note: str = ""  # the user's own words on it
    process: str = ""  # identity of the study process, as in Heartbeat
    ended_by: EndedBy | None = None  # end of the last session; None while it runs, and in rows of earlier versions

    def __repr__(self) -> str:
        best = f"best epoch {_score(self.best_map50_95)}, the defaults' {_score(self.baseline_map50_95)}"
        return f"<StudyRow '{self.name}': {self.state}, {self.trials} trials, {best} mAP50-95>"

    @property
    def heartbeat(self) -> Heartbeat:
        """Last sign of life of the study process."""
        return Heartbeat(host=self.host, pid=self.pid, at=self.heartbeat_at, process=self.process)


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """One check of a data set as stored, with the figures that a list needs."""

    id: int
    study: str | None  # of a check at its start; None for `automl check`
    data: str  # present path of the data.yaml
    folder: str | None  # present path of the folder with its pictures
    fingerprint: str  # empty where the data could not be read as a whole
    at: float  # POSIX seconds
    version: str  # of automl
    errors: int
    warnings: int
    notes: int
    suspects: int
    images: int
    boxes: int


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
