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

    def __repr__(self) -> str:
        trial = "" if self.trial is None else f", trial {self.trial}"
        values = ", ".join(f"{name}={_short(value)}" for name, value in self.values.items())
        return f"<Notice '{self.kind}' at {self.at:.0f} s{trial}: {values}>"


Listener = Callable[[Notice], None]


def _short(value: object) -> str:
    """A value of a notice in a line that may hold a dozen of them."""
    if isinstance(value, Mapping) and value:
        return "{…}"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)
