"""Winner, cost and outlook of a study; follows a running one."""

from __future__ import annotations

import time

import streamlit as st

from automl.figures import cost_unit, score
from automl.records import EventRow, StudyRow, StudyState
from automl.reports.watch import StudyProgress
from automl.store import read
from dashboards import charts, context, frames, words

EVENTS = 200  # lines of the log that stay on the page
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
    st.markdown(f"**{words.plain(words.state_of(study, progress.alive))}** · {words.plain(words.headline(progress))}")
    production = words.production(progress)
    if production:
        st.markdown(words.plain(production))
    _figures(progress)
    outlook = words.plain(words.outlook(progress, context.database()))
    st.progress(min(1.0, progress.share_spent), text=outlook)
    _charts(progress)
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
    st.caption(words.NEXT)
    st.code(words.next_command(progress, db=context.database()), language="bash", wrap_lines=True)


def _charts(progress: StudyProgress) -> None:
    """Best so far against cost; beside it the intervals and the spending."""
    study = progress.study
    left, right = st.columns([3, 2])
    unit = cost_unit(study.slot_s, study.spec.slots.device)  # that of the figure above
    steps = frames.best_frame(progress.rises, study.slot_s, unit)
    baseline = progress.baseline.score if progress.baseline is not None else None
    with left:
        if len(steps):
            st.altair_chart(charts.best_chart(steps, baseline, unit.name), alt="Best so far against cost")
        else:
            _before_a_score(progress)
    with right:
        height = charts.HEIGHT
        if progress.verdict is not None:
            intervals = charts.intervals_chart(frames.intervals_frame(progress.verdict))
            st.altair_chart(intervals, alt="mAP50-95 over seeds")
            height -= 100
        spending = frames.spending_frame(progress, unit)
        if spending["cost"].any():
            st.altair_chart(charts.spending_chart(spending, unit.name, height), alt="Spent by purpose")
        else:
            st.caption("Nothing has been spent yet.")


def _before_a_score(progress: StudyProgress) -> None:
    """Learning curves of the running trials, as long as none has ended."""
    study, numbers = progress.study, [row.number for row in progress.running if row.done_epochs]
    if study.state is not StudyState.RUNNING:
        st.caption("No trial has ended with a score.")
        return
    if numbers:
        curves = frames.curves_frame(read.epochs_of(context.engine(), study.name, numbers))
        names = [str(number) for number in numbers][: len(charts.TRIALS)]
        chart = charts.curves_chart(curves[curves["trial"].isin(names)], study.spec.rungs, names)
        st.altair_chart(chart, alt="Learning curves of the first trials")
    st.caption("The first trial has not ended yet: its score appears here.")


def _figures(progress: StudyProgress) -> None:
    study, winner, baseline = progress.study, progress.winner, progress.baseline
    first, second, third, fourth = st.columns(4)
    with first.container(border=True, height="stretch", gap="xsmall"):
        gain = progress.gain
        st.metric(
            "mAP50-95 of the winner",
            score(progress.figure(winner)),
            None if gain is None else f"{gain:+.3f} vs defaults",
            help="on val; after seed repeats the mean of their best epochs",
        )
        _lines(words.certainty(progress, winner), words.unseen_score(progress, winner))
    with second.container(border=True, height="stretch", gap="xsmall"):
        st.metric("The defaults' mAP50-95", score(progress.figure(baseline)), help="on val")
        _lines(words.certainty(progress, baseline), words.unseen_score(progress, baseline))
    with third.container(border=True, height="stretch", gap="xsmall"):
        st.metric("Spent", words.cost(study.slot_s, study))
        _lines(words.share_of_budget(progress), words.wall_time(study))
    with fourth.container(border=True, height="stretch", gap="xsmall"):
        st.metric("Trials", str(len(progress.points)))
        _lines(", ".join(f"{count} {state}" for state, count in sorted(progress.states.items())))


def _lines(*texts: str) -> None:
    for text in filter(None, texts):
        st.caption(words.plain(text))


def _events(study: StudyRow) -> list[EventRow]:
    """The log: lines of earlier looks and those that are new."""
    key = f"events of {study.name} {study.created_at}"
    known: list[EventRow] = st.session_state.get(key, [])
    new = read.events(context.engine(), study.name, after_id=known[-1].id if known else 0, limit=EVENTS)
    st.session_state[key] = [*known, *new][-EVENTS:]
    events: list[EventRow] = st.session_state[key]
    return events
