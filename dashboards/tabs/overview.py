"""The answer of a study, its outlook, charts and log; follows a running one."""

from __future__ import annotations

import time

import streamlit as st

from automl.figures import cost_unit
from automl.records import EventRow, Purpose, StudyRow, StudyState
from automl.reports.card import card
from automl.reports.watch import StudyProgress
from automl.scores.halving import rung_trust
from automl.scores.words import rank_correlations
from automl.store import read
from dashboards import charts, context, frames, results, results_frames, words
from dashboards import results_words as names
from dashboards.tabs import diagnosed

EVENTS = 200  # lines of the log that stay on the page
LATEST = 300  # trials that the rank correlations are measured on
SYMPTOMS = 3  # that the overview shows, the surest
VERIFIED = {"promised": st.column_config.NumberColumn(format="%.3f")}
FEW, LOG = 6, 260  # lines that need no scrolling; height of a longer log in pixels


def draw(row: StudyRow) -> None:
    """Draw the tab, repeatedly while the study runs."""
    running = row.state is StudyState.RUNNING

    def follow() -> None:
        now = read.study(context.engine(), row.name) if running else row
        if running and now.state is not StudyState.RUNNING:
            st.rerun()  # it has ended: the whole page once, and then no more looks
        _draw(context.progress_of(now), _events(now))

    context.live(follow, running=running)


def _draw(progress: StudyProgress, events: list[EventRow]) -> None:
    study = progress.study
    _answer(progress)
    if progress.waiting:
        st.warning(words.plain(progress.waiting + ("" if progress.alive else context.database())))
    state = f"**{words.plain(words.state_of(study, progress.alive))}** · "
    outlook = f"{words.share_of_budget(progress)}. {words.outlook(progress, context.database())}"
    st.progress(min(1.0, progress.share_spent), text=state + words.plain(outlook))
    st.caption(words.plain(words.trials(progress)))
    _charts(progress)
    _verifications(study)
    if study.state is not StudyState.RUNNING:
        diagnosed.draw(names.worst(results.diagnoses(study), SYMPTOMS), trials=True)
    if study.state is StudyState.RUNNING:
        st.subheader("Running now", anchor=False)
        if progress.running and progress.alive:
            st.dataframe(frames.running_frame(progress.running, time.time()), hide_index=True, alt="Running trials")
        else:
            st.caption("No trial runs at this moment.")
    st.subheader("Log", anchor=False)
    if events:
        log = words.log_of(events, time.time())  # text, not a table: its lines wrap on a phone
        st.code(log, language=None, wrap_lines=True, height=LOG if len(events) > FEW else "content")
    else:
        st.caption("The log is empty.")
    _details(progress)


def _answer(progress: StudyProgress) -> None:
    """The card that the terminal begins with too, and the command to copy."""
    lines = card(progress, db_words=context.database())
    with st.container(border=True, gap="small"):
        if lines:
            st.subheader(words.card_title(progress.study), anchor=False)
            st.html(words.card_html(lines))
        else:
            st.markdown(words.plain(words.headline(progress)))
        missing = words.missing_production(progress.study, progress.production, context.database())
        if missing:
            st.markdown(words.plain(missing))
        if not any(line.label == "next" for line in lines):
            st.caption(words.NEXT)
        st.code(words.next_command(progress, db=context.database()), language="bash", wrap_lines=True)


def _charts(progress: StudyProgress) -> None:
    """Best so far against cost; beside it the production trainings, whose length is another."""
    study = progress.study
    unit = cost_unit(study.slot_s, study.spec.slots.device)
    steps = frames.best_frame(progress.rises, study.slot_s, unit)
    baseline = progress.baseline.score if progress.baseline is not None else None
    produced = [point for point in progress.points if point.purpose is Purpose.PRODUCTION]
    searched = {point.repeats for point in produced if point.repeats is not None}
    numbers = sorted({*searched, *(point.number for point in produced)})
    curves = read.epochs_of(context.engine(), study.name, numbers) if produced else []
    left, right = st.columns([3, 2]) if curves else (st.container(), None)
    with left:
        if len(steps):
            st.altair_chart(charts.best_chart(steps, baseline, unit.name), alt="Best so far against cost")
        else:
            _before_a_score(progress)
    if right is not None:
        recipes = {point.number: words.produced_name(point.repeats, study) for point in produced}
        recipes |= {number: words.produced_name(number, study) for number in searched}
        frame = frames.production_frame(curves, recipes, searched)
        right.altair_chart(charts.production_chart(frame), alt="Production trainings by epoch")


def _verifications(study: StudyRow) -> None:
    """Verifications of the study's recipes."""
    records = results.verifications(study)
    if not records:
        return
    st.subheader("Verified", anchor=False)
    frame = results_frames.verifications_frame(records)
    st.dataframe(frame, hide_index=True, alt="Verifications", column_config=VERIFIED)
    st.caption(words.plain(records[0].sentence))


def _details(progress: StudyProgress) -> None:
    """Verdict of the seed repeats, rank correlations, costs by purpose beside the plan; drawn when it is opened."""
    study = progress.study
    opened = st.expander("Details", key="details", on_change="rerun", bind="query-params")
    if not opened.open:
        return
    with opened:
        scores = read.scores(context.engine(), study.name, latest=LATEST)
        ranks = rank_correlations(rung_trust(scores, study.spec.rungs, study.spec.epochs))
        for sentence in filter(None, [*words.details(progress), ranks]):
            st.markdown(words.plain(sentence))
        if progress.answer is not None and study.state is StudyState.FINISHED and not results.verifications(study):
            st.caption("Its figure has not been verified with further seeds yet. The command for that:")
            st.code(names.command_of("verify", study, context.database()), language="bash", wrap_lines=True)
        left, right = st.columns(2)
        unit = cost_unit(study.slot_s, study.spec.slots.device)
        spending = frames.spending_frame(progress, unit)
        if spending["cost"].any():
            left.altair_chart(charts.spending_chart(spending, unit.name), alt="Spent by purpose")
        else:
            left.caption("Nothing has been spent yet.")
        if progress.verdict is not None:
            intervals = charts.intervals_chart(frames.intervals_frame(progress.verdict))
            right.altair_chart(intervals, alt="mAP50-95 over seeds")


def _before_a_score(progress: StudyProgress) -> None:
    """Learning curves of the running trials, as long as none has ended."""
    study, numbers = progress.study, [row.number for row in progress.running if row.done_epochs]
    if study.state is not StudyState.RUNNING:
        st.caption("No trial has ended with a score.")
        return
    if numbers:
        curves = frames.curves_frame(read.epochs_of(context.engine(), study.name, numbers))
        trials = [str(number) for number in numbers][: len(charts.TRIALS)]
        chart = charts.curves_chart(curves[curves["trial"].isin(trials)], study.spec.rungs, trials)
        st.altair_chart(chart, alt="Learning curves of the first trials")
    st.caption("The first trial has not ended yet: its score appears here.")


def _events(study: StudyRow) -> list[EventRow]:
    """The log: lines of earlier looks and those that are new."""
    key = f"events of {study.name} {study.created_at}"
    known: list[EventRow] = st.session_state.get(key, [])
    new = read.events(context.engine(), study.name, after_id=known[-1].id if known else 0, limit=EVENTS)
    st.session_state[key] = [*known, *new][-EVENTS:]
    events: list[EventRow] = st.session_state[key]
    return events
