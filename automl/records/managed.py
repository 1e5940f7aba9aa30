"""Records of what is done to a whole study besides running it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """Preview of a deletion: contents and cost of the study, and notes on what stays."""

    name: str
    trials: int
    slot_s: float  # spent on the study
    device: str  # "gpu" or "cpu", the unit of slot-seconds
    folder: str  # the study's; empty where it is not here, or is not removed
    size_bytes: int  # of that folder
    notes: tuple[str, ...] = ()  # sentences on what stays, and on studies that need files of this one


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """A study that was deleted."""

    name: str
    trials: int
    freed_bytes: int
    notes: tuple[str, ...] = ()  # sentences on files that stay
