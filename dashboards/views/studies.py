"""All studies, newest first; follows the running ones."""

from __future__ import annotations

import streamlit as st

from automl.records import StudyRow
from automl.reports.watch import StudyProgress
from automl.store import read
from dashboards import context, frames

PAGE = 20  # studies at once
COLUMNS = {  # the first four fit side by side on a phone: 390 pixels with the boxes
    "study": st.column_config.TextColumn(width=125),
    "state": st.column_config.TextColumn(width=92),
    "winner": st.column_config.NumberColumn("mAP50-95", width=76, format="%.3f", help="on val, as handed over"),
    "gain": st.column_config.NumberColumn(width=62, format="%+.3f", help="of the best found, against the defaults"),
    "how sure": st.column_config.TextColumn(help="chance that the best recipe found beats the defaults"),
    "defaults": st.column_config.NumberColumn(format="%.3f", help="their mAP50-95 on val"),
    "epochs": st.column_config.NumberColumn(width=62, help="of the trainings that these figures are of"),
    "best so far": st.column_config.LineChartColumn(width=100, help="best so far, trial by trial"),
    "budget": st.column_config.ProgressColumn("budget spent", width=115, format="%.0f%%", min_value=0, max_value=100),
}


def _draw() -> None:
    rows = read.studies(context.engine())
    if not rows:
        raise context.NoStudy
    st.title("Studies", anchor=False)
    text = st.text_input("Search", key="search", placeholder="Name or data set", bind="query-params") or ""
    matches = _matching(rows, text)
    if not matches:
        st.info("No study has this in its name or data set.")
        return
    pages = -(-len(matches) // PAGE)
    page = st.number_input(f"Page (of {pages})", 1, pages, 1, key="page", bind="query-params") if pages > 1 else 1
    shown = [context.progress_of(row) for row in _on(page, matches)]
    _follow(shown, text, page)
    names = [progress.study.name for progress in shown]
    name = st.selectbox("Open a study", names, index=None, placeholder="Choose one, or click its row's box")
    if name:
        st.switch_page("views/study.py", query_params={"study": name})


def _matching(rows: list[StudyRow], text: str) -> list[StudyRow]:
    part = text.lower().strip()
    return [row for row in rows if part in row.name.lower() or part in row.spec.data.lower()]


def _on(page: int, rows: list[StudyRow]) -> list[StudyRow]:
    return rows[(page - 1) * PAGE : page * PAGE]


def _follow(shown: list[StudyProgress], text: str, page: int) -> None:
    """Draw the table, repeatedly while one of its studies runs; typed text beside it stays."""
    names = [progress.study.name for progress in shown]
    key = f"studies {names[0]} {text} {page}"  # a tick belongs to these very rows
    first = [shown]

    def draw() -> None:
        if first:
            _table(first.pop(), key)
            return
        now = [context.progress_of(row) for row in _on(page, _matching(read.studies(context.engine()), text))]
        if [progress.study.name for progress in now] != names or not _running(now):
            st.rerun()  # another study has begun, or the last one has ended: the whole page, once
        _table(now, key)

    context.live(draw, running=_running(shown))


def _running(shown: list[StudyProgress]) -> bool:
    return any(progress.alive for progress in shown)


def _table(shown: list[StudyProgress], key: str) -> None:
    names = [progress.study.name for progress in shown]
    st.dataframe(
        frames.studies_frame(shown),
        hide_index=True,
        on_select=lambda: _pick(names, key),
        selection_mode="single-row",
        key=key,
        alt="Studies, newest first",
        placeholder="–",
        column_config=COLUMNS,
    )
    name = st.session_state.pop("picked", None)
    if name is not None:
        st.switch_page("views/study.py", query_params={"study": name})


def _pick(names: list[str], key: str) -> None:
    """Remember the study whose row was ticked, among those on the screen at that moment."""
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state["picked"] = names[rows[0]] if rows else None


with context.page("Studies"):
    _draw()
