"""Charts as plain data: what is drawn, without how. `chart_svg` draws them into a page, `chart_png` as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Okabe and Ito, "Color Universal Design", 2008: colours that colour-blind readers tell apart.
COLOURS = ("#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8A8A8A")


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line, or points with names."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: int = 0  # place in COLOURS
    dashed: bool = False
    steps: bool = False  # True: the value stays until the next point
    points: bool = False  # True: a dot at each point and no line
    names: tuple[str, ...] = ()  # of the points


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines over a common axis."""

    key: str  # name of its file
    title: str
    alt: str  # for those who cannot see it
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    y_range: tuple[float, float] | None = None  # None: that of the values
    x_range: tuple[float, float] | None = None
    note: str = ""  # sentence below it


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars with a name each, the first one on top."""

    key: str
    title: str
    alt: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    texts: tuple[str, ...]  # values in words, beside the bars
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A table of shares in [0, 1] as colours."""

    key: str
    title: str
    alt: str
    x_label: str
    y_label: str
    columns: tuple[str, ...]  # empty: a map without names
    rows: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]  # by row
    note: str = ""


Chart = Lines | Bars | Matrix


def spread(chart: Lines) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of x and of y that the chart shows."""
    x = chart.x_range or _range([value for series in chart.series for value in series.x])
    y = chart.y_range or _range([value for series in chart.series for value in series.y])
    return x, y


def finite(series: Series) -> list[tuple[float, float]]:
    """Points whose values are numbers."""
    return [(x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(x) and math.isfinite(y)]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers within a range, `most` at most."""
    width = high - low
    if not math.isfinite(width) or width <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(width / most))
    step = next((power * factor for factor in (1, 2, 2.5, 5, 10) if width / (power * factor) <= most), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    """A tick in few characters."""
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e7 else f"{value:.4g}"


def _range(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = 0.05 * (high - low) or max(0.5 * abs(high), 0.5)
    return (0.0 if low >= 0 and low - room < 0.15 * high else low - room), high + room
