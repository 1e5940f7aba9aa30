"""Figures as people read them, in the terminal and on the page."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # beginnings of text that spreadsheets read as a formula


def duration(seconds: float) -> str:
    """Seconds as '1:02:03', '4:05' or '42 s'."""
    whole = int(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, seconds_left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds_left:02}" if hours else f"{minutes}:{seconds_left:02}"


def span(seconds: float) -> str:
    """Seconds in words: '42 s', '8 min 33 s', '3 h 20 min'."""
    whole = int(max(0.0, seconds))
    minutes, seconds_left = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {seconds_left} s" if minutes else f"{whole} s"


def clock(at: float) -> str:
    """POSIX time as this machine's time of day, with the date where that is another day than now: '14:32'."""
    today = time.localtime(at)[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", time.localtime(at))


def moment(at: float) -> str:
    """POSIX time as date and time of this machine: '2026-11-25 14:05'."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def ago(seconds: float) -> str:
    """Age in its largest whole unit: 'just now' below a minute, '1 minute ago', '5 hours ago', '12 days ago'."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def score(value: float | None) -> str:
    """Fraction with three digits; a dash for None and NaN."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def harmless(value: object) -> object:
    """A table's value; text that a spreadsheet would read as a formula has a `'` before it."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \n")[:1] in _FORMULA and value.strip() else value


def listed(words: Sequence[str], most: int = 6) -> str:
    """Words as a list in a sentence: 'a, b and c'. Beyond `most` their number: 'a, b and 7 more'."""
    items = [*words[:most], *([f"{len(words) - most} more"] if len(words) > most else [])]
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def size(count: int) -> str:
    """Bytes in decimal units: '812 MB', '1.2 GB', '4 kB'."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


@dataclass(frozen=True)
class CostUnit:
    """Unit of slot time."""

    name: str  # 'gpu-h', 'cpu-min' or 'cpu-s'
    slot_s: float  # its slot-seconds
    digits: int  # after the decimal point, in text


def cost_unit(slot_s: float, device: str) -> CostUnit:
    """Unit in which so many slot-seconds read best."""
    if slot_s >= 3600:
        return CostUnit(f"{device}-h", 3600.0, 2)
    if slot_s >= 60:
        return CostUnit(f"{device}-min", 60.0, 1)
    return CostUnit(f"{device}-s", 1.0, 0)


def format_cost(slot_s: float, device: str) -> str:
    """Slot-seconds in the unit that reads best: '1.25 gpu-h', '7.9 cpu-min', '42 cpu-s'."""
    unit = cost_unit(slot_s, device)
    return f"{slot_s / unit.slot_s:.{unit.digits}f} {unit.name}"


def whole_percents(parts: Sequence[float], total: float) -> list[int]:
    """Each part of the total in whole percents, which sum to the rounded percentage of all parts together.

    The largest remainders are rounded up (Hamilton's method), so that parts of one whole never sum to 101.
    """
    exact = [100 * part / total for part in parts]
    whole = [math.floor(percent) for percent in exact]
    missing = round(sum(exact)) - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for place in by_remainder[:missing]:
        whole[place] += 1
    return whole
