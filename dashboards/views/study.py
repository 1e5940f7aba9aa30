"""One study: overview, trials, insight."""

from __future__ import annotations

import streamlit as st

from automl.store import checked
from dashboards import context
from dashboards.data_words import counts
from dashboards.tabs import insight, overview, trials
from dashboards.words import description, plain

TABS = {"Overview": overview.draw, "Trials": trials.draw, "Insight": insight.draw}

with context.page("Study"):
    row = context.linked_study()
    st.title(plain(row.name), anchor=False)
    st.caption(plain(description(row)))
    check = checked.report_of_study(context.engine(), row.name)
    if check is not None:
        label = f"Data report: {plain(counts(check))}"
        st.page_link("views/data.py", label=label, query_params={"study": row.name})
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
