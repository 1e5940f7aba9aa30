"""All studies, newest first."""

from __future__ import annotations

import streamlit as st

from automl.budget import Ledger, parse_all
from automl.overview import incumbent
from automl.records import Purpose, StudyRow, StudyState
from automl.report import is_dead
from automl.store import read
from dashboards import context, frames

PAGE = 20  # studies at once


@st.cache_data(show_spinner=False, max_entries=200)
def _line(name: str, heartbeat_at: float, trials: int, _row: StudyRow) -> list[float]:
    return [best for _, best, _ in incumbent(context.points(_row))]


def _share(row: StudyRow) -> float:
    ledger = Ledger(parse_all(row.spec.budgets, row.spec.slots.device))
    ledger.charge(None, Purpose.PROBE, row.slot_s)
    return ledger.share_spent(row.wall_s, row.trials)


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
    page = st.number_input(f"Page (of {pages})", 1, pages, 1) if pages > 1 else 1
    shown = found[(page - 1) * PAGE : page * PAGE]
    lines = [
        (
            row,
            row.state is StudyState.RUNNING and not is_dead(row),
            _share(row),
            _line(row.name, row.heartbeat_at, row.trials, row),
        )
        for row in shown
    ]
    chosen = st.dataframe(
        frames.studies_frame(lines),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="studies",
        alt="Studies, newest first",
        column_config={
            "best": st.column_config.NumberColumn("best mAP50-95", format="%.3f", help="one seed, on val"),
            "defaults": st.column_config.NumberColumn("defaults", format="%.3f", help="one seed, on val"),
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
