"""Announcements while a search runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that happened, for a progress display or an event file."""

    kind: str  # "note", "probed", "plan", "study", "trial_started", "epoch", "trial_ended", "exported"
    at: float  # wall seconds since the study began
    trial: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Notice], None]
