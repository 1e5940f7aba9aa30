"""Charts as inline SVG: sharp at any size, in the colours of the page, readable aloud, without a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from automl.reports.chart import COLOURS, Bars, Chart, Lines, Matrix, Series, finite, spread, tick_text, ticks

WIDTH, HEIGHT = 520, 320  # units of the picture
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 14, 44
_LINE = 16  # height of a legend's line
_BAR = 22
_CHARACTER = 6.6  # mean width at 12 units
_NAMED = 24  # rows of a matrix with names; more have no room for them
_LONGEST = 22  # characters of a name


def svg(chart: Chart) -> Markup:
    """The chart as an element of a page; every name in it is escaped."""
    height, parts = (
        _lines(chart) if isinstance(chart, Lines) else _bars(chart) if isinstance(chart, Bars) else _matrix(chart)
    )
    body = Markup("").join(parts)
    return Markup('<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        chart.alt, WIDTH, round(height), body
    )


def variables() -> Markup:
    """Colours of the lines as variables of a style sheet."""
    return Markup("; ").join(Markup("--c{}: {}").format(place, colour) for place, colour in enumerate(COLOURS))


def _text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "", turn: int = 0) -> Markup:
    turned = Markup(' transform="rotate({} {:.0f} {:.0f})"').format(turn, x, y) if turn else ""
    styled = Markup(' class="{}"').format(kind) if kind else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}"{}{}>{}</text>').format(
        x, y, anchor, styled, turned, words
    )


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def short(name: str, most: int = _LONGEST) -> str:
    """A long name without its end."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


class _Frame:
    """Place of values in the picture of lines."""

    def __init__(self, chart: Lines, top: float, height: float) -> None:
        self.x, self.y = spread(chart)
        self.top, self.bottom = top, height - _BOTTOM

    def across(self, value: float) -> float:
        low, high = self.x
        return _LEFT + (value - low) / ((high - low) or 1.0) * (WIDTH - _LEFT - _RIGHT)

    def up(self, value: float) -> float:
        low, high = self.y
        place = self.bottom - (value - low) / ((high - low) or 1.0) * (self.bottom - self.top)
        return min(self.bottom, max(self.top, place))


def _lines(chart: Lines) -> tuple[float, list[Markup]]:
    legend, room = _legend([series for series in chart.series if series.name])
    height = HEIGHT + room
    frame = _Frame(chart, _TOP + room, height)
    parts = [*legend, *_axes(chart, frame, height)]
    for series in chart.series:
        parts += _dots(series, frame) if series.points else [_path(series, frame)]
    return height, parts


def _axes(chart: Lines, frame: _Frame, height: float) -> list[Markup]:
    parts = []
    for value in ticks(*frame.y):
        parts.append(_rule(_LEFT, frame.up(value), WIDTH - _RIGHT, frame.up(value)))
        parts.append(_text(_LEFT - 6, frame.up(value) + 4, tick_text(value), "end"))
    for value in ticks(*frame.x):
        parts.append(_rule(frame.across(value), frame.bottom, frame.across(value), frame.bottom + 4, "axis"))
        parts.append(_text(frame.across(value), frame.bottom + 18, tick_text(value)))
    parts.append(_rule(_LEFT, frame.bottom, WIDTH - _RIGHT, frame.bottom, "axis"))
    parts.append(_text((_LEFT + WIDTH) / 2, height - 6, chart.x_label))
    parts.append(_text(12, (frame.top + frame.bottom) / 2, chart.y_label, turn=-90))
    return parts


def _path(series: Series, frame: _Frame) -> Markup:
    steps: list[str] = []
    for x, y in finite(series):
        across, up = f"{frame.across(x):.1f}", f"{frame.up(y):.1f}"
        steps += [f"M{across} {up}"] if not steps else [f"H{across}V{up}" if series.steps else f"L{across} {up}"]
    dashes = Markup(' stroke-dasharray="6 4"') if series.dashed else ""
    return Markup('<path class="line" style="stroke:var(--c{})"{} d="{}"/>').format(
        series.colour, dashes, "".join(steps)
    )


def _dots(series: Series, frame: _Frame) -> list[Markup]:
    parts = []
    for place, (x, y) in enumerate(finite(series)):
        across, up = frame.across(x), frame.up(y)
        name = series.names[place] if place < len(series.names) else ""
        parts.append(
            Markup('<circle style="fill:var(--c{})" cx="{:.1f}" cy="{:.1f}" r="5"><title>{}</title></circle>').format(
                series.colour, across, up, name
            )
        )
        anchor = "end" if across > 0.7 * WIDTH else "start"
        parts.append(_text(across + (-8 if anchor == "end" else 8), up - 6, short(name, 34), anchor))
    return parts


def _legend(series: Sequence[Series]) -> tuple[list[Markup], float]:
    """Entries of the legend, and the height that they take."""
    if len(series) < 2:
        return [], 0.0
    parts, x, y = [], float(_LEFT), 12.0
    for one in series:
        width = 30 + _CHARACTER * len(short(one.name, 40))
        if x > _LEFT and x + width > WIDTH - _RIGHT:
            x, y = float(_LEFT), y + _LINE
        dashes = Markup(' stroke-dasharray="6 4"') if one.dashed else ""
        parts.append(
            Markup('<path class="line" style="stroke:var(--c{})"{} d="M{:.0f} {:.0f}h18"/>').format(
                one.colour, dashes, x, y
            )
        )
        parts.append(_text(x + 23, y + 4, short(one.name, 40), "start"))
        x += width + 10
    return parts, y + 4


def _bars(chart: Bars) -> tuple[float, list[Markup]]:
    left = 12 + min(0.42 * WIDTH, _CHARACTER * max((len(short(name)) for name in chart.names), default=0))
    right = 16 + _CHARACTER * max((len(text) for text in chart.texts), default=0)
    top = max(chart.values, default=1.0) or 1.0
    parts: list[Markup] = []
    for place, (name, value, words) in enumerate(zip(chart.names, chart.values, chart.texts, strict=True)):
        y, length = 4 + _BAR * place, max(0.0, value) / top * (WIDTH - left - right)
        parts.append(_text(left - 6, y + 14, short(name), "end"))
        parts.append(
            Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}"/>').format(
                left, y + 2, length, _BAR - 6
            )
        )
        parts.append(_text(left + length + 5, y + 14, words, "start"))
    return 8 + _BAR * len(chart.names), parts


def _matrix(chart: Matrix) -> tuple[float, list[Markup]]:
    named = bool(chart.columns) and len(chart.columns) <= _NAMED
    longest = max((len(short(name)) for name in chart.columns), default=0) if named else 0
    left, bottom = 30 + _CHARACTER * longest, 30 + (min(longest, 12) * 5.5 if named else 0)
    across = max(1, max((len(row) for row in chart.values), default=1))
    side = min((WIDTH - left - _RIGHT) / across, 64.0 if named else 24.0)
    parts = list(_squares(chart, left, side, figures=named and side > 26))
    below = 8 + side * len(chart.values)
    if named:
        for place, name in enumerate(chart.rows):
            parts.append(_text(left - 5, 8 + side * (place + 0.5) + 4, short(name), "end"))
        for place, name in enumerate(chart.columns):
            x = left + side * (place + 0.5)
            parts.append(_text(x + 4, below + 14, short(name, 12), "end", turn=-35))
    parts.append(_text(left + side * across / 2, below + bottom, chart.x_label))
    parts.append(_text(12, 8 + side * len(chart.values) / 2, chart.y_label, turn=-90))
    return below + bottom + 8, parts


def _squares(chart: Matrix, left: float, side: float, *, figures: bool) -> Iterable[Markup]:
    for row, values in enumerate(chart.values):
        for column, value in enumerate(values):
            x, y = left + side * column, 8 + side * row
            if value > 0 or figures:
                yield Markup(
                    '<rect class="cell" style="fill-opacity:{:.2f}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
                    'height="{:.1f}"><title>{}</title></rect>'
                ).format(min(1.0, value), x, y, side, side, _place_text(chart, row, column, value))
            if figures and value >= 0.005:
                kind = "on" if value > 0.5 else ""
                yield _text(x + side / 2, y + side / 2 + 4, f"{value:.2f}", kind=kind)


def _place_text(chart: Matrix, row: int, column: int, value: float) -> str:
    if not chart.columns:
        return f"{value:.2f}"
    return f"{chart.y_label} {chart.rows[row]}, {chart.x_label} {chart.columns[column]}: {value:.2f}"
