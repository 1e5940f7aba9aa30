"""What mattered: importances, slices, parallel coordinates, trust in rungs, the Pareto front."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from automl.errors import EngineMismatch
from automl.records import StudyRow, TrialRow
from automl.scores.halving import rung_trust
from automl.space import Parameter, SearchSpace
from automl.store import read
from dashboards import charts, context, frames, words

TRIALS = 1000  # looked at; of a larger study every nth
LINES = 200  # trials in the parallel coordinates, the best ones
LATEST = 300  # trials from which the rungs' trust is told
FEWEST = 3
AXES = {"latency_ms": "latency (ms an image)", "parameters_m": "parameters (millions)", "gflops": "GFLOPs"}


def draw(row: StudyRow) -> None:
    """All charts; each says what it lacks."""
    rows = read.sample(context.engine(), row.name, TRIALS)
    if len(rows) < FEWEST:
        st.info(f"There are too few trials with a score to say what mattered: {len(rows)} of at least {FEWEST}.")
        return
    space = SearchSpace.from_document(row.spec.space).at_horizon(row.spec.epochs)
    best = read.best_trials(context.engine(), row.name, limit=LINES)
    placed, top = ([replace(each, params=space.values(each.params)) for each in those] for those in (rows, best))
    parameters = [p for p in space.parameters if any(p.name in each.params for each in placed)]
    importance: dict[str, float] | None = None
    try:
        importance = _importance(row.name, row.heartbeat_at, placed, parameters)
    except EngineMismatch as error:
        st.warning(f"Importances cannot be computed: {error}")
    if rows[-1].number - rows[0].number >= TRIALS:
        st.caption(f"Importances and slices show {len(rows)} trials, every nth; the other charts the best ones.")
    left, right = st.columns(2)
    with left:
        if importance is not None:
            _importances(importance)
    with right:
        _rungs(row)
    if parameters:
        _slices(placed, parameters, importance or {})
        _parallel(top, parameters, importance or {})
    _pareto(row, [*best, *rows])


@st.cache_data(show_spinner=False, max_entries=20)
def _importance(
    name: str, heartbeat_at: float, _rows: list[TrialRow], _parameters: list[Parameter]
) -> dict[str, float]:
    from automl.sampler.importance import importances

    scored = [(each.params, each.score) for each in _rows if each.score is not None]
    return dict(importances(scored, _parameters))


def _importances(importance: dict[str, float]) -> None:
    if not importance:
        st.info("Importances need 20 trials in which the searched parameters vary.")
        return
    top = dict(list(importance.items())[:15])
    st.altair_chart(charts.importance_chart(top), alt="Parameter importances")
    st.caption("Measured by PED-ANOVA on the trials' scores. A search that homes in hides what it has settled.")


def _rungs(row: StudyRow) -> None:
    if not row.spec.rungs:
        st.info("This study has no rungs: every trial trains to the end.")
        return
    scores = read.scores(context.engine(), row.name, latest=LATEST)
    found = rung_trust(scores, row.spec.rungs, row.spec.epochs)
    st.altair_chart(charts.rungs_chart(found), alt="Rank correlation between rungs")
    counts = ", ".join(f"{each.trials} at {each.level} → {each.following}" for each in found)
    st.caption(
        f"Spearman's rank correlation over those of the latest {LATEST} trials that reached both epochs: {counts}. "
        "Below .15 over ten trials or more a rung stops nobody; the colour is what these trials say, the search "
        "counts all. Only survivors are seen, so it reads low."
    )


def _slices(rows: list[TrialRow], parameters: list[Parameter], importance: dict[str, float]) -> None:
    names = [*(n for n in importance), *(p.name for p in parameters if p.name not in importance)]
    name = st.selectbox("Slice along", names, key="slice", bind="query-params")
    parameter = next(p for p in parameters if p.name == name)
    base = next((each for each in rows if each.number == 0), None)
    default = base.params.get(parameter.name, parameter.default) if base is not None else parameter.default
    frame = frames.slice_frame(rows, parameter.name)
    log = parameter.kind == "log" and bool(len(frame)) and all(frame["value"] > 0)
    st.altair_chart(charts.slice_chart(frame, parameter.name, default, log=log), alt="Slice plot")


def _parallel(rows: list[TrialRow], parameters: list[Parameter], importance: dict[str, float]) -> None:
    chosen = [p for name in list(importance)[:8] for p in parameters if p.name == name] or parameters[:8]
    best = sorted(rows, key=lambda each: each.score or 0.0)  # the best are drawn last, on top
    st.altair_chart(
        charts.parallel_chart(frames.parallel_frame(best, chosen), dark=st.context.theme.type == "dark"),
        alt="Parallel coordinates",
    )


def _pareto(row: StudyRow, rows: list[TrialRow]) -> None:
    frame = frames.pareto_frame(rows, row.spec.plan)
    known = {key: title for key, title in AXES.items() if len(frame) and frame[key].max() > 0}
    if not known:
        st.info("Latency, parameters and GFLOPs were not measured in this study: it has no plan with probes.")
        return
    if len(frame) < 2:
        only = frame.iloc[0]
        figures = ", ".join(f"{title} {only[key]:.3g}" for key, title in known.items())
        st.caption(
            "The Pareto front needs two models or image sizes: --models and --imgsz take several. "
            f"Here it is one point, {words.plain(only['point'])}: {figures}."
        )
        return
    against = st.segmented_control(
        "Against",
        list(known),
        default=next(iter(known)),
        required=True,
        format_func=known.__getitem__,
        key="against",
        bind="query-params",
    )
    axis = against or next(iter(known))
    st.altair_chart(charts.pareto_chart(frame, axis, known[axis]), alt="Pareto front")
