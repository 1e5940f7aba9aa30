"""Figures as people read them, in the terminal and on the page."""

from __future__ import annotations

import time
from collections.abc import Sequence


def duration(seconds: float) -> str:
    """'1:02:03', '4:05' or '42 s'."""
    whole = int(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(at: float) -> str:
    """A POSIX time as date and time of this machine: '2026-11-25 14:05'."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def ago(seconds: float) -> str:
    """An age in its largest whole unit: 'just now' below a minute, '1 minute ago', '5 hours ago', '12 days ago'."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def score(value: float | None) -> str:
    """A fraction with three digits, or a dash."""
    return "–" if value is None or value != value else f"{value:.3f}"


def listed(words: Sequence[str], most: int = 6) -> str:
    """The words as a sentence lists them: 'a, b and c', and how many more there are than `most`."""
    shown = [*words[:most], *([f"{len(words) - most} more"] if len(words) > most else [])]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
