"""Importances, slices, parallel coordinates, trust in rungs, the Pareto front."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from automl.errors import EngineMismatch
from automl.records import StudyRow, TrialRow
from automl.scores.halving import rung_trust
from automl.space import Parameter, SearchSpace
from automl.store import read
from dashboards import charts, context, frames, results, results_charts, results_frames, words
from dashboards import results_words as names

TRIALS = 1000  # at most in a chart; of a larger study every nth
LINES = 200  # best trials in the parallel coordinates
LATEST = 300  # trials that the trust in rungs is measured on
FEWEST = 3  # trials that the charts need
AXES = {"latency_ms": "latency (ms an image)", "parameters_m": "parameters (millions)", "gflops": "GFLOPs"}


def draw(row: StudyRow) -> None:
    """Draw all charts; one without data says what it lacks."""
    rows = read.sample(context.engine(), row.name, TRIALS)
    if len(rows) < FEWEST:
        _measured(row)
        st.info(f"There are too few trials with a score to draw charts: {len(rows)} of at least {FEWEST}.")
        return
    space = SearchSpace.from_document(row.spec.space).at_horizon(row.spec.epochs)
    best = read.best_trials(context.engine(), row.name, limit=LINES)
    placed, top = ([replace(trial, params=space.values(trial.params)) for trial in trials] for trials in (rows, best))
    parameters = [p for p in space.parameters if any(p.name in trial.params for trial in placed)]
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
    _measured(row)


@st.cache_data(show_spinner=False, max_entries=20)
def _importance(
    name: str, heartbeat_at: float, _rows: list[TrialRow], _parameters: list[Parameter]
) -> dict[str, float]:
    from automl.sampler.importance import importances

    scores = [(row.params, row.score) for row in _rows if row.score is not None]
    return dict(importances(scores, _parameters))


def _importances(importance: dict[str, float]) -> None:
    if not importance:
        st.info("Importances need 20 trials in which the searched parameters vary.")
        return
    top = dict(list(importance.items())[:15])
    st.altair_chart(charts.importance_chart(top), alt="Parameter importances")
    st.caption(
        "Measured by PED-ANOVA on the trials' scores. A parameter that the search has settled early looks unimportant."
    )


def _rungs(row: StudyRow) -> None:
    if not row.spec.rungs:
        st.info("This study has no rungs: every trial trains to the end.")
        return
    scores = read.scores(context.engine(), row.name, latest=LATEST)
    trusts = rung_trust(scores, row.spec.rungs, row.spec.epochs)
    st.altair_chart(charts.rungs_chart(trusts), alt="Rank correlation between rungs")
    counts = ", ".join(f"{trust.trials} at {trust.level} → {trust.following}" for trust in trusts)
    st.caption(
        f"Spearman's rank correlation over those of the latest {LATEST} trials that reached both epochs: {counts}. "
        "Below .15 over ten trials or more a rung stops no trial. The colour follows these trials, the search itself "
        "counts all. Stopped trials are missing here, so the correlation reads low."
    )


def _slices(rows: list[TrialRow], parameters: list[Parameter], importance: dict[str, float]) -> None:
    known = [*(n for n in importance), *(p.name for p in parameters if p.name not in importance)]
    name = st.selectbox("Slice along", known, key="slice", bind="query-params")
    parameter = next(p for p in parameters if p.name == name)
    baseline = next((row for row in rows if row.number == 0), None)
    default = parameter.default if baseline is None else baseline.params.get(parameter.name, parameter.default)
    frame = frames.slice_frame(rows, parameter.name)
    log = parameter.kind == "log" and bool(len(frame)) and all(frame["value"] > 0)
    st.altair_chart(charts.slice_chart(frame, parameter.name, default, log=log), alt="Slice plot")


def _parallel(rows: list[TrialRow], parameters: list[Parameter], importance: dict[str, float]) -> None:
    axes = [p for name in list(importance)[:8] for p in parameters if p.name == name] or parameters[:8]
    ranked = sorted(rows, key=lambda row: row.score or 0.0)  # the best are drawn last, on top
    st.altair_chart(
        charts.parallel_chart(frames.parallel_frame(ranked, axes), dark=st.context.theme.type == "dark"),
        alt="Parallel coordinates",
    )


def _pareto(row: StudyRow, rows: list[TrialRow]) -> None:
    frame = frames.pareto_frame(rows, row.spec.plan)
    known = {key: title for key, title in AXES.items() if len(frame) and frame[key].max() > 0}
    if not known and results.latencies(row):
        return
    if not known:
        st.info("Latency, parameters and GFLOPs were not measured in this study: it has no plan with probes.")
        return
    if len(frame) < 2:
        only = frame.iloc[0]
        figures = ", ".join(f"{title} {only[key]:.3g}" for key, title in known.items())
        st.caption(
            "The Pareto front needs two models or image sizes: --models and --imgsz take several. "
            f"This study has one operating point, {words.plain(only['point'])}: {figures}."
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


def _measured(row: StudyRow) -> None:
    """mAP50-95 of kept trials against their measured latency; without any, the command that measures it."""
    records = results.latencies(row)
    if not records:
        if row.spec.trainer == "ultralytics":
            st.caption("The latency of kept trials has not been measured on a device yet. The command for that:")
            st.code(names.command_of("latency", row, context.database()), language="bash", wrap_lines=True)
        return
    devices = list(dict.fromkeys(record.device for record in records))
    device = devices[0]
    if len(devices) > 1:
        device = st.selectbox("Device", devices, key="device") or device
    numbers = [record.trial for record in records if record.trial is not None]
    trials = read.trials_of(context.engine(), row.name, numbers)
    scores = {trial.number: trial.best_map50_95 for trial in trials if trial.best_map50_95 is not None}
    frame = results_frames.latency_frame(records, scores, device)
    if not len(frame):
        st.caption("No measured network has a score.")
        return
    st.altair_chart(results_charts.latency_chart(frame), alt="mAP50-95 against measured latency")
    st.caption(words.plain(f"Measured on {device}: warm, one image at a time, from pixels to boxes."))
