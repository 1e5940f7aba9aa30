"""One study: overview, trials, insight."""

from __future__ import annotations

import streamlit as st

from dashboards import context
from dashboards.tabs import insight, overview, trials
from dashboards.words import description, plain

TABS = {"Overview": overview.draw, "Trials": trials.draw, "Insight": insight.draw}

with context.page("Study"):
    row = context.linked_study()
    st.title(plain(row.name), anchor=False)
    st.caption(plain(description(row)))
    if row.note:
        st.markdown(f"**Note:** {plain(row.note)}")
    tab = st.segmented_control(
        "View",
        list(TABS),
        default="Overview",
        required=True,
        key="tab",
        bind="query-params",
        label_visibility="collapsed",
    )
    TABS[tab or "Overview"](row)
    context.share()
