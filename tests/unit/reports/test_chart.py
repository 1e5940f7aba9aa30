from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from automl.reports.chart import Bars, Chart, Lines, Matrix, Series, finite, spread, tick_text, ticks
from automl.reports.chart_png import png
from automl.reports.chart_svg import svg

ODD = "<b>$x$ \"&' _class"
LINES = Lines(
    key="a",
    title=ODD,
    alt=ODD,
    x_label="epoch",
    y_label="mAP50-95",
    series=(
        Series(name=ODD, x=(1.0, 2.0, 3.0), y=(0.1, math.nan, 0.3)),
        Series(name="other", x=(1.0, 3.0), y=(0.2, 0.2), dashed=True, steps=True),
        Series(name="", x=(2.0,), y=(0.2,), points=True, names=(ODD,)),
    ),
)
BARS = Bars(key="b", title=ODD, alt=ODD, names=(ODD, "small"), values=(2.0, 1.0), texts=("2", ODD))
MATRIX = Matrix(
    key="c",
    title=ODD,
    alt=ODD,
    x_label="label",
    y_label="prediction",
    columns=(ODD, "background"),
    rows=(ODD, "background"),
    values=((0.75, 0.2), (0.25, 0.0)),
)
MAP = Matrix(key="d", title="", alt="", x_label="x", y_label="y", columns=(), rows=(), values=((0.0, 1.0),) * 3)
NOTHING = Lines(key="e", title="", alt="", x_label="", y_label="", series=(Series(name="", x=(), y=()),))
FLAT = Lines(key="f", title="", alt="", x_label="", y_label="", series=(Series(name="", x=(1.0,), y=(0.5,)),))
CHARTS = (LINES, BARS, MATRIX, MAP, NOTHING, FLAT)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.key)
def test_a_chart_is_well_formed_and_says_what_it_shows(chart: Chart) -> None:
    picture = ET.fromstring(svg(chart))
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == chart.alt
    assert "nan" not in svg(chart)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.key)
def test_a_chart_is_a_picture_too(chart: Chart) -> None:
    assert Image.open(io.BytesIO(png(chart))).format == "PNG"


def test_names_of_strangers_stay_text() -> None:
    assert "<b>" not in svg(LINES)
    assert ODD in "".join(ET.fromstring(svg(BARS)).itertext())


def test_values_that_are_no_numbers_are_passed_over() -> None:
    assert finite(LINES.series[0]) == [(1.0, 0.1), (3.0, 0.3)]
    assert spread(LINES)[1][1] == pytest.approx(0.31)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [(0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.39, 0.46, [0.4, 0.42, 0.44, 0.46]), (0.5, 0.5, [0.5])],
)
def test_ticks_are_round(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(marks)


@pytest.mark.parametrize(("value", "text"), [(2000.0, "2,000"), (0.25, "0.25"), (0.0, "0")])
def test_a_tick_takes_few_characters(value: float, text: str) -> None:
    assert tick_text(value) == text


def test_a_large_matrix_has_no_names() -> None:
    names = tuple(f"class {number}" for number in range(60))
    values = tuple(tuple(float(row == column) for column in range(60)) for row in range(60))
    chart = Matrix(key="g", title="", alt="", x_label="x", y_label="y", columns=names, rows=names, values=values)
    assert "class 3</text>" not in svg(chart)
    assert "class 3" in svg(chart)  # for the mouse
