"""Charts of results about trained networks: pure."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboards.charts import BLUE, GREEN, GREY, HEIGHT, ORANGE, PURPLE, RED, SKY, Chart

KINDS = {"single": BLUE, "single with TTA": SKY, "soup": GREEN, "pair": PURPLE, "three or more": RED}
TICKS = alt.Axis(tickCount=8)
ENGINES = (BLUE, GREEN, PURPLE, RED, SKY, GREY)


def front_chart(frame: pd.DataFrame) -> Chart:
    """mAP50-95 against latency of single networks, TTA, soups, pairs and larger ensembles."""
    kinds = [kind for kind in KINDS if kind in set(frame["kind"])]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds]),
        legend=alt.Legend(orient="top", title=None, offset=4, padding=0),
    )
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds), legend=None)
    return _front(frame, colour, shape, "way", "mAP50-95 against latency; line: Pareto front")


def latency_chart(frame: pd.DataFrame) -> Chart:
    """mAP50-95 against measured latency of kept trials, a colour an engine."""
    engines = sorted(set(frame["engine"]))
    colours = [ENGINES[place % len(ENGINES)] for place in range(len(engines))]
    colour = alt.Color(
        "engine:N",
        scale=alt.Scale(domain=engines, range=colours),
        legend=alt.Legend(orient="top", title=None, offset=4, padding=0),
    )
    shape = alt.Shape("engine:N", scale=alt.Scale(domain=engines), legend=None)
    return _front(frame, colour, shape, "network", "mAP50-95 against measured latency; line: Pareto front")


def _front(frame: pd.DataFrame, colour: alt.Color, shape: alt.Shape, name: str, title: str) -> Chart:
    x = alt.X("latency_ms:Q", title="median ms an image, batch 1", scale=alt.Scale(zero=False, padding=20), axis=TICKS)
    y = alt.Y("map50_95:Q", title="mAP50-95", scale=alt.Scale(zero=False, padding=20))
    tooltip = [
        alt.Tooltip(f"{name}:N"),
        alt.Tooltip("latency_ms:Q", title="median ms", format=".1f"),
        alt.Tooltip("p95_ms:Q", title="95 % within ms", format=".1f"),
        alt.Tooltip("map50_95:Q", title="mAP50-95", format=".4f"),
    ]
    base = alt.Chart(frame, title=alt.TitleParams(title, offset=8))
    dots = base.mark_point(filled=True, size=90, opacity=0.9).encode(
        x=x, y=y, color=colour, shape=shape, tooltip=tooltip
    )
    best = frame[frame["front"]]
    line = alt.Chart(best).mark_line(color=ORANGE, interpolate="step-after").encode(x=x, y=y)
    middle = (frame["latency_ms"].min() + frame["latency_ms"].max()) / 2
    early, late = best[best["latency_ms"] <= middle], best[best["latency_ms"] > middle]
    text = alt.Text(f"{name}:N")
    left = alt.Chart(early).mark_text(align="left", dx=7, dy=9, color=GREY, limit=170).encode(x=x, y=y, text=text)
    right = alt.Chart(late).mark_text(align="right", dx=-9, dy=-7, color=GREY, limit=170).encode(x=x, y=y, text=text)
    layers: alt.LayerChart = line + dots + left + right
    return layers.properties(height=HEIGHT)
