"""DataFrames to charts: pure. Titles, units, and the colours of Okabe and Ito, which colour-blind readers tell apart.

Source of the palette: Okabe and Ito, "Color Universal Design", 2008.

Charts that are drawn again and again name their channels as objects: to read a string takes Altair much longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from automl.scores.halving import RungTrust
from automl.scores.trust import DEFAULTS

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#B8A800",
    "#8A8A8A",
)
TRIALS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY, "#004B75", "#7A5300")
HEIGHT = 340
EDGE = {"left": 0, "top": 0, "bottom": 6, "right": 8}  # room for the last label below bars
LONGEST = 180  # pixels of a parameter's name
NARROW = 0.02  # mAP50-95 that the chart of the best so far spans at least
Chart = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.FacetChart


_COST = alt.Axis(tickCount=6)
_EPOCH = alt.X("epoch:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1))


def _title(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, offset=8)


def _legend(title: str | None = None) -> alt.Legend:
    return alt.Legend(orient="top", title=title, offset=4, padding=0)


def _score(field: str = "map50_95", title: str = "mAP50-95 on val", *, zero: bool = False) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(zero=zero))


def best_chart(frame: pd.DataFrame, baseline: float | None, unit: str) -> Chart:
    """Best score so far against cost, in the unit of that name; the defaults as a dashed line."""
    x = alt.X("spent:Q", title=f"spent ({unit})", scale=alt.Scale(zero=True), axis=_COST)
    y = alt.Y("map50_95:Q", title="mAP50-95 on val", scale=_window(frame["map50_95"], baseline))
    tooltip = [alt.Tooltip("trial:Q"), _tip("map50_95"), alt.Tooltip("spent:Q", title=unit, format=".3~r")]
    base = alt.Chart(frame, title=_title("Best so far against cost")).encode(x=x, y=y, tooltip=tooltip)
    line = base.mark_line(interpolate="step-after", color=BLUE, clip=True)
    line += base.mark_point(filled=True, size=40, opacity=1, color=BLUE, clip=True)
    if baseline is None:
        return line.properties(height=HEIGHT)
    rule = pd.DataFrame({"map50_95": [baseline], "what": [f"the defaults' first run {baseline:.3f}"]})
    dashes = alt.Chart(rule).mark_rule(strokeDash=[5, 4], color=ORANGE, size=2).encode(y=y)
    label = (
        alt.Chart(rule)
        .mark_text(align="right", dx=-4, dy=10, color=ORANGE)  # below the line's end, where the best so far never is
        .encode(y=y, x=alt.value("width"), text=alt.Text("what:N"))
    )
    return (dashes + line + label).properties(height=HEIGHT)


def _window(scores: pd.Series, baseline: float | None) -> alt.Scale:
    """Range of the last best and the defaults; first trials far below them stay outside."""
    last = float(scores.iloc[-1])
    low, high = sorted((last, last if baseline is None else baseline))
    span = max(high - low, NARROW)
    return alt.Scale(domain=[max(0.0, low - 0.6 * span), high + 0.25 * span], nice=False, zero=False)


def _tip(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", format=".4f")


def intervals_chart(frame: pd.DataFrame) -> Chart:
    """Expected mean over seeds of the defaults and the best trials, in its 90 % interval, best first."""
    order = list(frame["what"])
    y = alt.Y("what:N", title=None, sort=order, axis=alt.Axis(labelOverlap=False, labelFlush=False))
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=order, range=[ORANGE if trial == DEFAULTS else BLUE for trial in frame["trial"]]),
        legend=None,
    )
    tooltip = [alt.Tooltip("what:N"), alt.Tooltip("seeds:Q"), _tip("mean"), _tip("low"), _tip("high")]
    base = alt.Chart(frame, title=_title("mAP50-95 to expect over seeds, 90 % intervals")).encode(
        y=y, color=colour, tooltip=tooltip
    )
    span = base.mark_rule(size=3).encode(
        x=alt.X("low:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        x2="high:Q",
    )
    return (span + base.mark_point(filled=True, size=110, opacity=1).encode(x="mean:Q")).properties(
        height=60 + 26 * len(frame), padding=EDGE
    )


def spending_chart(frame: pd.DataFrame, unit: str) -> Chart:
    """Spent and planned cost by purpose, in the unit of that name."""
    kinds = [kind for kind in ("spent", "planned") if kind in set(frame["kind"])]
    return (
        alt.Chart(frame, title=_title("Where the budget went"))
        .mark_bar()
        .encode(
            y=alt.Y("purpose:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False)),
            yOffset=alt.YOffset("kind:N", sort=["spent", "planned"]),
            x=alt.X("cost:Q", title=unit, axis=_COST),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=kinds, range=[BLUE, SKY][: len(kinds)]),
                legend=_legend(),
            ),
            tooltip=[alt.Tooltip("purpose:N"), alt.Tooltip("kind:N"), alt.Tooltip("cost:Q", title=unit, format=".3~r")],
        )
        .properties(height=min(HEIGHT, 100 + 48 * frame["purpose"].nunique()), padding=EDGE)
    )


def curves_chart(frame: pd.DataFrame, rungs: Sequence[int], names: Sequence[str]) -> Chart:
    """Learning curves of some trials: rungs as grey lines, a dot at the last epoch."""
    scale = alt.Scale(domain=list(names), range=list(TRIALS[: len(names)]))
    colour = alt.Color("trial:N", scale=scale, legend=_legend("trial"))
    known = frame.dropna(subset=["map50_95"])
    base = alt.Chart(known, title=_title("Learning curves; grey: rungs, dot: last epoch"))
    lines = base.mark_line(strokeWidth=2).encode(
        x=_EPOCH, y=_score(), color=colour, tooltip=["trial:N", "epoch:Q", _tip("map50_95")]
    )
    last = known.loc[known.groupby("trial")["epoch"].idxmax()] if len(known) else known
    ends = alt.Chart(last).mark_point(filled=True, size=80).encode(x="epoch:Q", y="map50_95:Q", color=colour)
    rules = alt.Chart(pd.DataFrame({"epoch": list(rungs)})).mark_rule(color=GREY, strokeDash=[2, 3]).encode(x="epoch:Q")
    return (rules + lines + ends).properties(height=HEIGHT)


def production_chart(frame: pd.DataFrame) -> Chart:
    """Learning curves of the production trainings: a colour a recipe, a line a seed, a dot at each best epoch.

    The search's own training of each recipe is dashed.
    """
    known = frame.dropna(subset=["map50_95"])
    names = sorted(set(known["recipe"]), key=lambda name: (name != "the defaults", name))
    others = iter(colour for colour in TRIALS if colour != ORANGE)  # there are at most a few recipes
    colours = [ORANGE if name == "the defaults" else next(others, GREY) for name in names]
    colour = alt.Color("recipe:N", scale=alt.Scale(domain=names, range=colours), legend=_legend())
    with_search = "search" in set(known["training"])
    title = "Production trainings; dot: best epoch" + ("; dashed: the search's" if with_search else "")
    base = alt.Chart(known, title=_title(title))
    tooltip = ["recipe:N", "training:N", "trial:N", "epoch:Q", _tip("map50_95")]
    dash = alt.StrokeDash("training:N", scale=alt.Scale(domain=["production", "search"]), legend=None)
    lines = base.mark_line(strokeWidth=2).encode(
        x=_EPOCH, y=_score(), color=colour, detail="trial:N", strokeDash=dash, tooltip=tooltip
    )
    long = known[known["training"] == "production"]
    best = long.loc[long.groupby("trial")["map50_95"].idxmax()] if len(long) else long
    dots = alt.Chart(best).mark_point(filled=True, size=80, opacity=1)
    return (lines + dots.encode(x="epoch:Q", y="map50_95:Q", color=colour, tooltip=tooltip)).properties(height=HEIGHT)


def metrics_chart(frame: pd.DataFrame) -> Chart:
    """Precision, recall, mAP50 and mAP50-95 of one trial."""
    names = {"map50_95": "mAP50-95", "map50": "mAP50", "precision": "precision", "recall": "recall"}
    long = frame.rename(columns=names).melt("epoch", list(names.values()), "metric", "value").dropna()
    scale = alt.Scale(domain=list(names.values()), range=[BLUE, SKY, GREEN, ORANGE])
    return (
        alt.Chart(long, title=_title("Metrics on val"))
        .mark_line(strokeWidth=2)
        .encode(
            x=_EPOCH,
            y=_score("value", "fraction", zero=True),
            color=alt.Color("metric:N", scale=scale, legend=_legend()),
            tooltip=["metric:N", "epoch:Q", _tip("value")],
        )
        .properties(height=HEIGHT)
    )


def losses_chart(frame: pd.DataFrame) -> Chart:
    """Losses of one trial in a colour each, solid for train and dashed for val."""
    return (
        alt.Chart(frame.dropna(), title=_title("Losses"))
        .mark_line(strokeWidth=2)
        .encode(
            x=_EPOCH,
            y=alt.Y("value:Q", title="loss", scale=alt.Scale(zero=False)),
            color=alt.Color("loss:N", scale=alt.Scale(range=list(TRIALS)), legend=_legend()),
            strokeDash=alt.StrokeDash("split:N", legend=_legend()),
            tooltip=["split:N", "loss:N", "epoch:Q", _tip("value")],
        )
        .properties(height=HEIGHT)
    )


def importance_chart(importance: Mapping[str, float]) -> Chart:
    """Share of what separates the best tenth from the rest, by parameter."""
    frame = pd.DataFrame({"parameter": list(importance), "share": list(importance.values())})
    return (
        alt.Chart(frame, title=_title("What separates the best trials"))
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("share:Q", title="importance (shares add up to 1)", axis=alt.Axis(format=".0%")),
            y=alt.Y("parameter:N", title=None, sort="-x", axis=alt.Axis(labelLimit=LONGEST)),
            tooltip=["parameter:N", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(height=110 + 24 * len(frame))
    )


def slice_chart(frame: pd.DataFrame, name: str, default: object, *, log: bool) -> Chart:
    """Score against one parameter; the default as a dashed line."""
    numeric = pd.api.types.is_numeric_dtype(frame["value"])
    kind = "Q" if numeric else "N"
    scale = (
        alt.Scale(type="log", nice=False, padding=10)
        if log and numeric
        else alt.Scale(zero=False)
        if numeric
        else alt.Undefined
    )
    dots = (
        alt.Chart(frame, title=_title(f"{name}; dashed: the default"))
        .mark_circle(size=55, opacity=0.7)
        .encode(
            x=alt.X(f"value:{kind}", title=name, scale=scale),
            y=_score(),
            color=alt.Color(
                "ran:N",
                scale=alt.Scale(domain=["to the end", "stopped early"], range=[BLUE, ORANGE]),
                legend=_legend(),
            ),
            tooltip=["trial:Q", f"value:{kind}", _tip("map50_95"), "ran:N"],
        )
    )
    if default is None or (log and not (isinstance(default, int | float) and default > 0)):
        return dots.properties(height=HEIGHT)
    shown = default if numeric else str(default)
    rule = (
        alt.Chart(pd.DataFrame({"value": [shown]})).mark_rule(color=GREY, strokeDash=[5, 4]).encode(x=f"value:{kind}")
    )
    return (dots + rule).properties(height=HEIGHT)


def parallel_chart(frame: pd.DataFrame, *, dark: bool = False) -> Chart:
    """A line a trial across the parameters' ranges, coloured by score so that the best stand out."""
    return (
        alt.Chart(frame, title=_title("Parallel coordinates of the best trials"))
        .mark_line(opacity=0.5)
        .encode(
            x=alt.X(
                "parameter:N",
                title=None,
                axis=alt.Axis(labelAngle=-45, labelOverlap=False, labelLimit=LONGEST),
                sort=None,
            ),
            y=alt.Y("place:Q", title="place in the searched range", axis=alt.Axis(format=".0%")),
            detail="trial:N",
            order="axis:Q",
            color=alt.Color(
                "map50_95:Q",
                title="mAP50-95",
                scale=alt.Scale(scheme="viridis", reverse=not dark),
                legend=_legend("mAP50-95"),
            ),
            tooltip=["trial:N", "parameter:N", "value:N", _tip("map50_95")],
        )
        .properties(height=HEIGHT + 60)
    )


def rungs_chart(rungs: Sequence[RungTrust]) -> Chart:
    """Rank correlation of each rung with the next one; colour by whether the rung stops trials."""
    frame = pd.DataFrame(
        {
            "rung": [f"{rung.level} → {rung.following}" for rung in rungs],
            "correlation": [rung.correlation for rung in rungs],
            "trials": [rung.trials for rung in rungs],
            "stops": ["stops trials" if rung.stops else "stops no trial" for rung in rungs],
        }
    )
    return (
        alt.Chart(frame, title=_title("Rank correlation between rungs (epochs)"))
        .mark_bar()
        .encode(
            x=alt.X("rung:N", title=None, sort=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("correlation:Q", title="Spearman's rho", scale=alt.Scale(domain=[-1, 1])),
            color=alt.Color(
                "stops:N",
                scale=alt.Scale(domain=["stops trials", "stops no trial"], range=[BLUE, ORANGE]),
                legend=_legend(),
            ),
            tooltip=["rung:N", alt.Tooltip("correlation:Q", format=".2f"), "trials:Q", "stops:N"],
        )
        .properties(height=HEIGHT)
    )


def pareto_chart(frame: pd.DataFrame, against: str, title: str) -> Chart:
    """Best score of each operating point against its cost of inference."""
    front = frame.sort_values(against)
    front = front[front["map50_95"] > front["map50_95"].cummax().shift(fill_value=-1.0)]
    x = alt.X(f"{against}:Q", title=title, scale=alt.Scale(zero=False))
    dots = (
        alt.Chart(frame, title=_title(f"mAP50-95 against {title}; the line is the Pareto front"))
        .mark_circle(size=90, color=BLUE)
        .encode(x=x, y=_score(), tooltip=["point:N", "trial:Q", _tip("map50_95"), f"{against}:Q"])
    )
    names = alt.Chart(frame).mark_text(dy=-12, color=GREY).encode(x=x, y="map50_95:Q", text="point:N")
    line = alt.Chart(front).mark_line(color=ORANGE, interpolate="step-after").encode(x=x, y="map50_95:Q")
    return (line + dots + names).properties(height=HEIGHT)
