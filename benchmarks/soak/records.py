"""Records of the soak: kinds of faults, invariants, and what became of a study."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """Kind of a fault."""

    DRIVER_KILLED = "driver killed"
    WORKER_KILLED = "worker killed"
    HANG = "hang"
    DATABASE_AWAY = "database away"
    DISK_FULL = "disk full"
    NAN = "NaN"
    CLOCK_STEP = "clock step"
    OUT_OF_MEMORY = "out of memory"
    STOP = "stop"
    INTERRUPT = "Ctrl-C"
    INTERRUPT_TWICE = "Ctrl-C twice"
    TWO_DRIVERS = "two drivers"
    RESUME = "resume"


class Invariant(StrEnum):
    """Fact that holds whatever happens."""

    KEPT = "no trial or epoch is lost"
    ONCE = "none is counted twice"
    LEDGER = "the ledger is the sum of the attempts"
    BUDGET = "the budget is exceeded by an epoch a slot at most"
    END = "every study ends or can be resumed"
    SAME = "decisions are those of an undisturbed study"
    MEMORY = "a search rebuilt from its rows knows what the living one knew"
    RUNNING = "no row runs without a driver"
    ALONE = "a driver that was replaced writes nothing"
    SOUND = "no unforeseen error"


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold, and where."""

    invariant: Invariant
    text: str


@dataclass
class Told:
    """A study after its last session."""

    seed: int
    gentle: bool  # True: no fault changed a score or a time, so it is compared with an undisturbed study
    sessions: int = 0
    trials: int = 0
    epochs: int = 0
    replays: int = 0  # of journals with rows that the database did not have
    state: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
