"""Charts as PNG pictures, to attach them one by one. Drawn by Matplotlib, without the user's settings."""

from __future__ import annotations

import io
from typing import Any

from automl.checks.plots import new_figure, own_settings
from automl.reports.chart import COLOURS, Bars, Chart, Lines, Matrix, Series, finite, spread
from automl.reports.chart_svg import short

_NAMED = 24  # rows of a matrix with names


def png(chart: Chart) -> bytes:
    """The chart as the content of a PNG file."""
    with own_settings():
        figure, axes = new_figure(*_size(chart))
        if isinstance(chart, Lines):
            _lines(axes, chart)
        elif isinstance(chart, Bars):
            _bars(axes, chart)
        else:
            _matrix(axes, chart)
        axes.set_title(_plain(chart.title), parse_math=False)
        content = io.BytesIO()
        figure.savefig(content, format="png")
        return content.getvalue()


def _size(chart: Chart) -> tuple[float, float]:
    if isinstance(chart, Bars):
        return 7.0, 1.1 + 0.32 * len(chart.names)
    return (7.0, 4.4) if isinstance(chart, Lines) else (7.0, 6.4)


def _plain(text: str) -> str:
    """A text without what Matplotlib reads as a formula, or leaves out of a legend."""
    return text.replace("$", r"\$").removeprefix("_")


def _lines(axes: Any, chart: Lines) -> None:
    for series in chart.series:
        points = finite(series)
        x, y = [point[0] for point in points], [point[1] for point in points]
        _draw(axes, series, x, y)
    across, up = spread(chart)
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    axes.set_xlabel(_plain(chart.x_label))
    axes.set_ylabel(_plain(chart.y_label))
    axes.grid(alpha=0.3)
    if sum(bool(series.name) for series in chart.series) > 1:
        axes.legend(frameon=False, fontsize=8)


def _draw(axes: Any, series: Series, x: list[float], y: list[float]) -> None:
    colour, label = COLOURS[series.colour % len(COLOURS)], _plain(short(series.name, 40))
    if series.points:
        axes.plot(x, y, "o", color=colour, label=label)
        for place, name in enumerate(series.names[: len(x)]):
            axes.annotate(
                _plain(short(name, 34)), (x[place], y[place]), xytext=(5, 5), textcoords="offset points", fontsize=8
            )
        return
    style = "steps-post" if series.steps else "default"
    axes.plot(x, y, "--" if series.dashed else "-", color=colour, label=label, drawstyle=style)


def _bars(axes: Any, chart: Bars) -> None:
    places = range(len(chart.names))
    axes.barh(places, chart.values, color=COLOURS[1])
    for place, (value, text) in enumerate(zip(chart.values, chart.texts, strict=True)):
        axes.text(value, place, f" {_plain(text)}", va="center", fontsize=8)
    axes.set_yticks(places, [_plain(short(name)) for name in chart.names])
    axes.invert_yaxis()
    axes.margins(x=0.15)


def _matrix(axes: Any, chart: Matrix) -> None:
    axes.imshow(chart.values, cmap="Blues", vmin=0, vmax=1)
    named = bool(chart.columns) and len(chart.columns) <= _NAMED
    if named:
        axes.set_xticks(range(len(chart.columns)), [_plain(short(name, 12)) for name in chart.columns], rotation=40)
        axes.set_yticks(range(len(chart.rows)), [_plain(short(name)) for name in chart.rows])
        for row, values in enumerate(chart.values):
            for column, value in enumerate(values):
                if value >= 0.005:
                    colour = "white" if value > 0.5 else "black"
                    axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xlabel(_plain(chart.x_label))
    axes.set_ylabel(_plain(chart.y_label))
