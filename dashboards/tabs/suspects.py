"""Suspicious labels of a data report: sorted, filtered and paged, each with its crop and the place of its label."""

from __future__ import annotations

import math

import streamlit as st

from automl.records import CheckRow, DataReport, Suspect, SuspectKind
from dashboards import context, data_frames, data_words, words
from dashboards.data_frames import Numbered
from dashboards.tabs.figures import gallery

ROWS = 100
CROPS = 12  # below the table
ORDERS = {
    "most suspicious": lambda entry: -_score(entry),
    "least suspicious": lambda entry: _score(entry),
    "label file": lambda entry: (entry.suspect.file, entry.suspect.line or 0),
    "kind": lambda entry: entry.suspect.kind.value,
    "class": lambda entry: -1 if entry.suspect.label_class is None else entry.suspect.label_class,
}
COLUMNS = {
    "number": st.column_config.NumberColumn(width="small"),
    "chance": st.column_config.NumberColumn(format="%.2f", help="that the label is an error, as the report says"),
    "model": st.column_config.TextColumn(help="class that the model proposes"),
    "place": st.column_config.TextColumn(help="label file and line; none for a missing label"),
}


def _score(entry: Numbered) -> float:
    return -1.0 if math.isnan(entry.suspect.score) else entry.suspect.score


def draw(row: CheckRow, report: DataReport) -> None:
    """Draw filters, table, and the chosen suspect or the first crops."""
    if not report.suspects:
        st.info(
            "Nobody has looked for suspicious labels here. A trained model finds them; name a study or its weights:"
        )
        command = data_words.check_command(row.data, " --baseline STUDY" + context.database())
        st.code(command, language="bash", wrap_lines=True)
        return
    if len(report.suspects) < row.suspects:
        st.caption(f"The {len(report.suspects):,} most suspicious of {row.suspects:,} labels are kept here.")
    entries = _fitting(report)
    pages = max(1, -(-len(entries) // ROWS))
    page = min(pages, st.session_state.get("suspects_page", 1))
    shown = entries[(page - 1) * ROWS : page * ROWS]
    if not entries:
        st.info("No suspect fits these filters.")
        return
    place = f", page {page} of {pages}" if pages > 1 else ""
    st.caption(f"{data_words.counted(len(entries), 'suspect')}{place}. A click on a row's box shows its crop.")
    key = f"suspects {row.id} {page}"
    st.dataframe(
        data_frames.suspects_frame(shown, report.names),
        hide_index=True,
        on_select=lambda: _pick([entry.number for entry in shown], key),
        selection_mode="single-row",
        key=key,
        alt="Suspicious labels",
        column_config=COLUMNS,
    )
    number = st.number_input("Show suspect", 1, len(report.suspects), None, key="suspect", bind="query-params")
    if number is not None:
        _one(row, report, Numbered(number, report.suspects[number - 1]))
        return
    titles = {entry.suspect.picture: _title(entry) for entry in shown if entry.suspect.picture}
    gallery(row, dict(list(titles.items())[:CROPS]), columns=4)


def _fitting(report: DataReport) -> list[Numbered]:
    """Suspects that pass the filters, in the chosen order."""
    first, second, third, fourth, fifth = st.columns([2, 2, 2, 2, 1])
    order = first.selectbox("Sort by", list(ORDERS), key="suspects_sort", bind="query-params")
    kinds = second.multiselect("Kind", [kind.value for kind in SuspectKind], key="kind", bind="query-params")
    splits = third.multiselect("Split", sorted({s.split for s in report.suspects}), key="split", bind="query-params")
    text = fourth.text_input("File or class", key="suspects_text", bind="query-params") or ""
    fifth.number_input("Page", 1, None, 1, key="suspects_page", bind="query-params")
    entries = [
        entry
        for entry in map(Numbered, range(1, len(report.suspects) + 1), report.suspects)
        if (not kinds or entry.suspect.kind.value in kinds)
        and (not splits or entry.suspect.split in splits)
        and text.lower().strip() in _searched(entry.suspect, report)
    ]
    return sorted(entries, key=ORDERS[order])


def _searched(suspect: Suspect, report: DataReport) -> str:
    classes = (data_words.class_of(number, report.names) for number in (suspect.label_class, suspect.proposed_class))
    return " ".join((suspect.file, suspect.image, *classes)).lower()


def _pick(numbers: list[int], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state["suspect"] = numbers[rows[0]] if rows else None


def _title(entry: Numbered) -> str:
    suspect = entry.suspect
    name = suspect.file.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{entry.number}: {suspect.kind.value}, {data_words.where(name, suspect.line)}"


def _one(row: CheckRow, report: DataReport, entry: Numbered) -> None:
    """One suspect: its crop, and the places to look at."""
    suspect = entry.suspect
    left, right = st.columns([2, 3])
    with left:
        if suspect.picture:
            gallery(row, {suspect.picture: _title(entry)}, columns=1)
        else:
            st.caption("This suspect has no crop.")
    with right:
        st.markdown(words.plain(data_words.suspicion(suspect, report.names)))
        st.caption("Label file and line" if suspect.line is not None else "Label file, which lacks this object")
        st.code(data_words.where(suspect.file, suspect.line), language=None, wrap_lines=True)
        st.caption("Image")
        st.code(suspect.image, language=None, wrap_lines=True)
