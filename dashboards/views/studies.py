"""All studies, newest first."""

from __future__ import annotations

import streamlit as st

from automl.store import read
from dashboards import context, frames

PAGE = 20  # studies at once


def _draw() -> None:
    rows = read.studies(context.engine())
    if not rows:
        raise context.NoStudy("there is no study yet")
    st.title("Studies", anchor=False)
    text = st.text_input("Search", key="search", placeholder="Name or data set", bind="query-params")
    wanted = text.lower().strip() if text else ""
    found = [row for row in rows if wanted in row.name.lower() or wanted in row.spec.data.lower()]
    if not found:
        st.info("No study has this in its name or data set.")
        return
    pages = -(-len(found) // PAGE)
    page = st.number_input(f"Page (of {pages})", 1, pages, 1, key="page", bind="query-params") if pages > 1 else 1
    shown = found[(page - 1) * PAGE : page * PAGE]
    chosen = st.dataframe(
        frames.studies_frame([context.seen(row) for row in shown]),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="studies",
        alt="Studies, newest first",
        placeholder="–",
        column_config={
            "best": st.column_config.NumberColumn("mAP50-95", format="%.3f", help="on val, of the trial to take home"),
            "defaults": st.column_config.NumberColumn("defaults", format="%.3f", help="on val"),
            "gain": st.column_config.NumberColumn("gain", format="%+.3f", help="against the defaults"),
            "incumbent": st.column_config.LineChartColumn("incumbent", help="best so far, trial by trial"),
            "budget": st.column_config.ProgressColumn("budget spent", format="percent", min_value=0, max_value=1),
        },
    )
    picked = chosen["selection"]["rows"] if chosen else []
    if picked and picked[0] < len(shown):
        st.switch_page("views/study.py", query_params={"study": shown[picked[0]].name})
    names = [row.name for row in shown]
    name = st.selectbox("Open a study", names, index=None, placeholder="Choose one, or click its row's box")
    if name:
        st.switch_page("views/study.py", query_params={"study": name})


with context.page("Studies"):
    _draw()
