"""Frozen records that travel between the rooms of the house. Units are in the names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

ParamValue = bool | int | float | str | None
Params = Mapping[str, ParamValue]


class Purpose(StrEnum):
    """What slot-seconds were spent on."""

    PROBE = "probe"
    BASELINE = "baseline"
    POINTS = "points"  # the defaults at other variants and image sizes
    SEARCH = "search"
    CONFIRMATION = "confirmation"  # repeats with other seeds, and the test split
    PRODUCTION = "production"  # the trial to take home, trained for longer


class StudyState(StrEnum):
    """Where a study stands. RUNNING with an old heartbeat means that its driver died."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"


class TrialState(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    COMPLETED = "completed"  # reached the horizon
    STOPPED = "stopped"  # ended at a rung by successive halving
    CUT = "cut"  # ended because the budget was spent
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # goes on from its snapshot when the study is resumed


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training as proposed. `params` holds what differs from the study's fixed arguments."""

    number: int  # 0 is the baseline
    params: Params
    epochs: int  # the horizon: the schedule that the trainer is told, whatever rung ends it
    seed: int
    purpose: Purpose = Purpose.SEARCH
    origin: str = ""  # "defaults", "scratch-low", "tpe" ...: who proposed it
    attempt: int = 1  # counts restarts after a crash or an interruption
    done_epochs: int = 0  # epochs that an earlier attempt finished and reported
    repeats: int | None = None  # the trial whose parameters this one trains again, with another seed or for production


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """What one finished epoch measured on the val split. Fractions in [0, 1]."""

    epoch: int  # from 1
    map50_95: float
    map50: float
    precision: float
    recall: float
    train_s: float  # wall seconds of training
    val_s: float  # wall seconds of validation
    losses: Mapping[str, float] = field(default_factory=dict)  # "train/box_loss", "val/cls_loss" ...
    applied: Params | None = None  # arguments read back from the trainer, with an attempt's first epoch

    @property
    def finite(self) -> bool:
        """False where the score is NaN or infinite, which makes the trial a failed one."""
        return math.isfinite(self.map50_95)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial ended, and why in one sentence."""

    state: TrialState
    reason: str = ""
    error: str | None = None  # traceback of a failed trial


@dataclass(frozen=True, kw_only=True)
class Slots:
    """Places where trials run side by side; one trial holds one slot."""

    count: int
    device: str  # "gpu" or "cpu": what a slot-second is a second of
    devices: tuple[str, ...] = ()  # CUDA indices to use; empty: any
    threads: int = 1  # CPU threads of one slot


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """Everything that fixes a search: with the same spec and history it asks the same questions."""

    name: str
    data: str  # absolute path of the data.yaml
    data_fingerprint: str
    trainer: str
    models: tuple[str, ...]
    imgsz: tuple[int, ...]
    weights: str | None
    weights_sha256: str | None
    space: Mapping[str, Any]  # document of the search space, as in configs/spaces/*.yaml
    sampler: str
    seed: int
    epochs: int  # the horizon
    rungs: tuple[int, ...]  # epochs at which trials are compared, without the horizon
    budgets: tuple[str, ...]  # as the user wrote them
    slots: Slots
    fixed: Params  # arguments that every trial gets
    given: tuple[tuple[str, Params], ...]  # origin and parameters of the trials that run first
    probe_s: float  # slot-seconds that the probe took
    epoch_s: float  # seconds of one epoch of the baseline, as probed
    versions: Mapping[str, str]
    directory: str  # where logs, snapshots and weights of the trials lie
    parameters: int = 0  # of the baseline's network
    warm: tuple[tuple[str, Params, float, int], ...] = ()  # earlier trainings: source, arguments, score, trained epochs
    holdout: float = 0.0  # share of val that was held back from the search
    unseen: str = ""  # what the baseline and the winner are measured on at the end: "test", "holdout" or nothing
    unseen_s: float = 0.0  # seconds of measuring the baseline on it, as probed
    points: tuple[tuple[str, float], ...] = ()  # "model@imgsz" of trials 0, 1 ... and probed seconds of an epoch there
    target: float | None = None  # mAP50-95 that is enough
    plan: Mapping[str, Any] = field(default_factory=dict)  # document of plan.Plan; empty in studies without one
    confirm: int = 3  # best trials that run again with other seeds, beside the defaults
    early_end: bool = False  # whether the search ends when the rest of the budget promises too little
    reserve_trials: int = 0  # repeats that are kept from the search's share of the budget
    reserve_s: float = 0.0  # slot-seconds that they were expected to cost
    measuring_s: float = 0.0  # seconds that are kept from the search for measuring on unseen images
    train: int = 0  # epochs at most of a production training after the search; 0 for none
    beyond: tuple[tuple[int, Params], ...] = ()  # of trials 0, 1 ...: epochs beyond which `optimizer=auto` stands for
    # something else, and the defaults there

    def to_dict(self) -> dict[str, Any]:
        """Plain containers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The spec that `to_dict` wrote; keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in document.items() if key in known}
        values["slots"] = Slots(**{**values["slots"], "devices": tuple(values["slots"]["devices"])})
        for key in ("models", "imgsz", "rungs", "budgets"):
            values[key] = tuple(values[key])
        values["given"] = tuple((origin, params) for origin, params in values["given"])
        warm = values.get("warm", ())
        values["warm"] = tuple((str(o), params, float(score), int(epochs)) for o, params, score, epochs in warm)
        values["beyond"] = tuple((int(epochs), params) for epochs, params in values.get("beyond", ()))
        values["points"] = tuple((str(name), float(epoch_s)) for name, epoch_s in values.get("points", ()))
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """What a trainer needs besides the trial: where things lie and what it may use."""

    data: str  # absolute path of the data.yaml
    weights: str | None
    fixed: Params
    directory: str  # the trial's own folder: log, snapshot, best and last weights
    cache: str  # folder shared by the trials of one data set: label caches
    device: str  # "cpu" or a CUDA index such as "0"
    threads: int
    pause_file: str | None = None  # while this file exists every epoch ends with a snapshot


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What the trainer found out before the study began."""

    defaults: Params  # every argument of a run in which the user changes nothing, explicit
    fitted: int | None  # tensors of the weights file that fitted; None without a weights file
    tensors: int  # tensors of the network
    parameters: int
    train_images: int
    val_images: int
    train_s: float  # seconds of one epoch's training, extrapolated from a few steps
    val_s: float
    startup_s: float  # seconds from the call to the first step
    memory_bytes: int  # high-water mark of the GPU, or of the process where there is none
    versions: Mapping[str, str]
    memory_total_bytes: int = 0  # of the GPU, or of the machine; 0: unknown
    latency_s: float = 0.0  # seconds of one image's way through the fused network, alone; 0: not measured
    gflops: float = 0.0  # of one image; 0: not measured
    horizon: int = 0  # epochs for which `defaults` were resolved
    switch_epochs: int | None = None  # beyond so many epochs `optimizer=auto` stands for something else
    elsewhere: Params = field(default_factory=dict)  # the defaults on the other side of that horizon

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """What `asdict` made of one; keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in known})

    def defaults_at(self, epochs: int) -> Params:
        """`defaults` for a horizon of so many epochs."""
        switch = self.switch_epochs
        return self.defaults if switch is None or (epochs > switch) == (self.horizon > switch) else self.elsewhere

    @property
    def epoch_s(self) -> float:
        """Seconds of one epoch with its validation."""
        return self.train_s + self.val_s


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
    repeats: int | None = None  # the trial whose parameters it trained again, with another seed or for production


@dataclass(frozen=True, kw_only=True)
class TrialPoint:
    """What a chart of many thousand trials needs of each."""

    number: int
    state: TrialState
    purpose: Purpose
    score: float | None  # mean mAP50-95 of its last epochs so far
    best_map50_95: float | None
    done_epochs: int
    slot_s: float
    ended_at: float | None  # POSIX seconds
    repeats: int | None


@dataclass(frozen=True, kw_only=True)
class Board:
    """Which rows of a leaderboard are asked for, and in which order. Repeats are never among them."""

    order: str = "score"  # a column of the trials, one of `read.ORDERS`
    descending: bool = True
    states: tuple[TrialState, ...] = ()  # those that are shown; all if empty
    origin: str = ""  # text that the origin holds, upper or lower case
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class TrialPage:
    """Some rows of a leaderboard and how many there are in all."""

    rows: tuple[TrialRow, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class SplitMetrics:
    """What one set of weights scored on one split. Fractions in [0, 1]."""

    images: int
    map50_95: float
    map50: float
    precision: float
    recall: float


@dataclass(frozen=True, kw_only=True)
class EvaluationRow:
    """One trial's weights measured once on a split that the search never saw.

    The intervals hold 90 % of what other images would have given; None where the images are not known apart.
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
    chance: float | None = None  # that it is above zero


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """One epoch as stored, when it was reported first. `slot_s` is the trial's cumulative cost then."""

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
    path: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """A sign of life of a study's driver: which process it is, and when it was heard of."""

    host: str
    pid: int
    at: float  # POSIX seconds


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

    @property
    def heartbeat(self) -> Heartbeat:
        """The driver's last sign of life."""
        return Heartbeat(host=self.host, pid=self.pid, at=self.heartbeat_at)
