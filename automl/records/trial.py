"""Records of one training: its proposal, its epochs, its end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ParamValue = bool | int | float | str | None
Params = Mapping[str, ParamValue]


class Purpose(StrEnum):
    """Purpose of slot-seconds."""

    PROBE = "probe"
    BASELINE = "baseline"
    POINTS = "points"  # the defaults at other variants and image sizes
    SEARCH = "search"
    CONFIRMATION = "confirmation"  # repeats with other seeds, and measuring on unseen images
    PRODUCTION = "production"  # the defaults and the winner, trained for as long as people train

    @property
    def searched(self) -> bool:
        """True for trials of the search itself: no repeat with another seed, no production training."""
        return self in (Purpose.BASELINE, Purpose.POINTS, Purpose.SEARCH)


class TrialState(StrEnum):
    """State of a trial."""

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
    origin: str = ""  # who proposed it: "defaults", "scratch-low", "tpe" ...
    attempt: int = 1  # counts restarts after a crash or an interruption
    done_epochs: int = 0  # epochs that an earlier attempt finished and reported
    repeats: int | None = None  # the trial that this one trains again, with another seed or for production


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """Figures of one finished epoch on the val split. Fractions in [0, 1]."""

    epoch: int  # from 1
    map50_95: float
    map50: float
    precision: float
    recall: float
    train_s: float  # wall seconds of training
    val_s: float  # wall seconds of validation
    losses: Mapping[str, float] = field(default_factory=dict)  # "train/box_loss", "val/cls_loss" ...
    applied: Params | None = None  # arguments read back from the trainer, with an attempt's first epoch
    replayed: bool = False  # read from a snapshot instead of trained now: it may have been reported already

    @property
    def finite(self) -> bool:
        """False where the score is NaN or infinite, which makes the trial a failed one."""
        return math.isfinite(self.map50_95)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """End of a trial, with the reason in one sentence."""

    state: TrialState
    reason: str = ""
    error: str | None = None  # traceback of a failed trial


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """Inputs of a trainer besides the trial: where files lie and what it may use."""

    data: str  # absolute path of the data.yaml
    weights: str | None
    fixed: Params
    directory: str  # the trial's own folder: log, snapshot, best and last weights
    cache: str  # folder shared by the trials of one data set: label caches
    device: str  # "cpu" or a CUDA index such as "0"
    threads: int
    pause_file: str | None = None  # while this file exists every epoch ends with a snapshot
    network: str = ""  # present file of the trial's network, where `model` names one that has moved


@dataclass(frozen=True, kw_only=True)
class SplitMetrics:
    """Figures of one set of weights on one split. Fractions in [0, 1]."""

    images: int
    map50_95: float
    map50: float
    precision: float
    recall: float
