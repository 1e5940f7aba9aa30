"""How good the best is, what it cost, whether it is worth waiting; follows a running study."""

from __future__ import annotations

import time

import streamlit as st

from automl.figures import cost_unit, score
from automl.records import EventRow, StudyRow, StudyState
from automl.reports.watch import StudyProgress
from automl.store import read
from dashboards import charts, context, frames, words

EVENTS = 200  # lines of the log that stay on the page
FEW, LOG = 6, 260  # lines that are shown whole; the height in pixels of more


def draw(row: StudyRow) -> None:
    """The whole tab. Its parts that change are drawn again while the study runs."""
    running = row.state is StudyState.RUNNING

    def follow() -> None:
        now = read.study(context.engine(), row.name) if running else row
        if running and now.state is not StudyState.RUNNING:
            st.rerun()  # it has ended: the whole page once, and then no more looks
        _now(context.seen(now), _events(now))

    context.live(follow, running=running)


def _now(seen: StudyProgress, events: list[EventRow]) -> None:
    study = seen.study
    st.markdown(f"**{words.plain(words.state_of(study, seen.alive))}** · {words.plain(words.headline(seen))}")
    made = words.produced(seen)
    if made:
        st.markdown(words.plain(made))
    _figures(seen)
    st.progress(min(1.0, seen.share_spent), text=words.plain(words.worth(seen, context.database())))
    left, right = st.columns([3, 2])
    unit = cost_unit(study.slot_s, study.spec.slots.device)  # the one in which the figure above is told
    risen = frames.best_frame(seen.rises, study.slot_s, unit)
    baseline = seen.baseline.score if seen.baseline is not None else None
    with left:
        if len(risen):
            st.altair_chart(charts.best_chart(risen, baseline, unit.name), alt="Best so far against cost")
        else:
            _before_a_score(seen)
    with right:
        height = charts.HEIGHT
        if seen.verdict is not None:
            intervals = charts.intervals_chart(frames.intervals_frame(seen.verdict))
            st.altair_chart(intervals, alt="mAP50-95 over new seeds")
            height -= 100
        spending = frames.spending_frame(seen, unit)
        if spending["cost"].any():
            st.altair_chart(charts.spending_chart(spending, unit.name, height), alt="Spent by purpose")
        else:
            st.caption("Nothing has been spent yet.")
    if study.state is StudyState.RUNNING:
        st.subheader("Running now", anchor=False)
        if seen.running and seen.alive:
            st.dataframe(frames.running_frame(seen.running, time.time()), hide_index=True, alt="Running trials")
        else:
            st.caption("No trial runs at this moment.")
    st.subheader("Log", anchor=False)
    if events:
        log = words.log_of(events, time.time())  # text, not a table: its lines wrap on a phone
        st.code(log, language=None, wrap_lines=True, height=LOG if len(events) > FEW else "content")
    else:
        st.caption("Nothing has happened yet.")
    st.caption("What to run next")
    st.code(words.next_command(seen, db=context.database()), language="bash", wrap_lines=True)


def _before_a_score(seen: StudyProgress) -> None:
    """What there is to see before a trial has ended: how those that run are learning."""
    study, numbers = seen.study, [row.number for row in seen.running if row.done_epochs]
    if study.state is not StudyState.RUNNING:
        st.caption("No trial has ended with a score.")
        return
    if numbers:
        curves = frames.curves_frame(read.epochs_of(context.engine(), study.name, numbers))
        names = [str(number) for number in numbers][: len(charts.TRIALS)]
        drawn = charts.curves_chart(curves[curves["trial"].isin(names)], study.spec.rungs, names)
        st.altair_chart(drawn, alt="Learning curves of the first trials")
    st.caption("The first trial has not ended yet: its score appears here.")


def _figures(seen: StudyProgress) -> None:
    study, winner, base = seen.study, seen.winner, seen.baseline
    first, second, third, fourth = st.columns(4)
    with first.container(border=True, height="stretch", gap="xsmall"):
        gain = seen.gain
        st.metric(
            "mAP50-95 to take home",
            score(seen.figure(winner)),
            None if gain is None else f"{gain:+.3f} vs defaults",
            help="on val; the mean of new seeds' best epochs once repeats have run",
        )
        _lines(words.certainty(seen, winner), words.unseen_score(seen, winner))
    with second.container(border=True, height="stretch", gap="xsmall"):
        st.metric("The defaults' mAP50-95", score(seen.figure(base)), help="on val, trained first")
        _lines(words.certainty(seen, base), words.unseen_score(seen, base))
    with third.container(border=True, height="stretch", gap="xsmall"):
        st.metric("Spent", words.cost(study.slot_s, study))
        _lines(words.share_of_budget(seen), words.took(study))
    with fourth.container(border=True, height="stretch", gap="xsmall"):
        st.metric("Trials", str(len(seen.points)))
        _lines(", ".join(f"{count} {state}" for state, count in sorted(seen.states.items())))


def _lines(*texts: str) -> None:
    for text in filter(None, texts):
        st.caption(words.plain(text))


def _events(study: StudyRow) -> list[EventRow]:
    """The log: what was read before, and what has come since."""
    key = f"events of {study.name} {study.created_at}"
    known: list[EventRow] = st.session_state.get(key, [])
    fresh = read.events(context.engine(), study.name, after_id=known[-1].id if known else 0, limit=EVENTS)
    st.session_state[key] = [*known, *fresh][-EVENTS:]
    kept: list[EventRow] = st.session_state[key]
    return kept
