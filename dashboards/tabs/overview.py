"""How good the best is, what it cost, whether it is worth waiting; follows a running study."""

from __future__ import annotations

import time

import streamlit as st

from automl.overview import Overview
from automl.records import EventRow, StudyRow, StudyState
from automl.store import read
from automl.terminal import duration, score
from dashboards import charts, context, frames, words

CARD = 132  # pixels of a figure's frame, with or without a difference
EVENTS = 200  # lines of the log that stay on the page


def draw(row: StudyRow) -> None:
    """The whole tab. Its parts that change are drawn again while the study runs."""
    running = row.state is StudyState.RUNNING

    def follow() -> None:
        now = read.study(context.engine(), row.name) if running else row
        if running and now.state is not StudyState.RUNNING:
            st.rerun()  # it has ended: the whole page once, and then no more looks
        _now(context.seen(now))

    context.live(follow, running=running)


def _now(seen: Overview) -> None:
    study = seen.study
    st.markdown(f"**{words.plain(words.state_of(study, seen.alive))}** · {words.plain(words.headline(seen))}")
    _figures(seen)
    st.progress(
        min(1.0, seen.share_spent), text=f"{seen.share_spent:.0%} of {words.plain(' + '.join(study.spec.budgets))}"
    )
    st.caption(words.plain(words.worth(seen, context.database())))
    left, right = st.columns([3, 2])
    device = study.spec.slots.device
    risen = frames.incumbent_frame(seen.points, study.spec.probe_s)
    baseline = seen.baseline.score if seen.baseline is not None else None
    with left:
        if len(risen):
            st.altair_chart(charts.incumbent_chart(risen, baseline, device), alt="Incumbent against cost")
        else:
            st.info("The first trial has not ended yet: its score appears here.")
    with right:
        st.altair_chart(charts.spending_chart(frames.spending_frame(seen), device), alt="Spent by purpose")
    if study.state is StudyState.RUNNING:
        st.subheader("Running now", anchor=False)
        if seen.running and seen.alive:
            st.dataframe(frames.running_frame(seen.running, time.time()), hide_index=True, alt="Running trials")
        else:
            st.caption("No trial runs at this moment.")
    st.subheader("Log", anchor=False)
    st.dataframe(frames.events_frame(_events(study)), hide_index=True, height=260, alt="Event log, newest first")
    st.caption("What to run next")
    st.code(words.next_command(seen, db=context.database()), language="bash")


def _figures(seen: Overview) -> None:
    study, winner, base = seen.study, seen.winner, seen.baseline
    columns = st.columns(4)
    best = winner.score if winner is not None else None
    found = seen.verdict.of(winner.number) if seen.verdict is not None and winner is not None else None
    shown = found.score.mean if found is not None else best
    above = None
    if winner is not None and winner.number and base is not None and base.score is not None and best is not None:
        above = found.gain.mean if found is not None and found.gain is not None else best - base.score
    columns[0].metric(
        "mAP50-95 to take home",
        score(shown),
        None if above is None else f"{above:+.3f} vs defaults",
        border=True,
        height=CARD,
        help=words.plain(words.headline(seen)),
    )
    columns[0].caption(words.plain(words.certainty(seen)))
    again = seen.verdict.of(0) if seen.verdict is not None else None
    beside = again.score.mean if again is not None else base.score if base is not None else None
    columns[1].metric("Defaults, mAP50-95 on val", score(beside), border=True, height=CARD)
    for each in seen.evaluations:
        if winner is not None and each.trial == winner.number:
            columns[1].caption(f"On {each.split}, never seen: {score(each.map50_95)} ({each.images} images)")
    columns[2].metric("Spent", words.cost(study.slot_s, study), border=True, height=CARD)
    columns[2].caption(f"{duration(study.wall_s)} of wall time, {study.spec.slots.count} slots")
    states = seen.states
    columns[3].metric("Trials", str(len(seen.points)), border=True, height=CARD)
    columns[3].caption(", ".join(f"{count} {state}" for state, count in sorted(states.items())))


def _events(study: StudyRow) -> list[EventRow]:
    """The log: what was read before, and what has come since."""
    key = f"events of {study.name}"
    known: list[EventRow] = st.session_state.get(key, [])
    fresh = read.events(context.engine(), study.name, after_id=known[-1].id if known else 0, limit=EVENTS)
    st.session_state[key] = [*known, *fresh][-EVENTS:]
    kept: list[EventRow] = st.session_state[key]
    return kept
