"""The leaderboard: sorted, filtered, a hundred rows at a time; two to ten trials side by side."""

from __future__ import annotations

import streamlit as st

from automl.figures import score
from automl.leaderboard import score_in_words
from automl.overview import Overview
from automl.pictures import PICTURES
from automl.records import Board, StudyRow, StudyState, TrialPage, TrialRow, TrialState
from automl.store import read
from dashboards import charts, context, frames, words
from dashboards.files import pictures

ROWS = 100
MOST = 10  # trials side by side
ORDERS = {
    "mAP50-95": ("score", True),
    "mAP50-95 at best epoch": ("best_map50_95", True),
    "best mAP50": ("best_map50", True),
    "newest": ("number", True),
    "oldest": ("number", False),
    "longest trained": ("done_epochs", True),
    "dearest": ("slot_s", True),
}


def draw(row: StudyRow) -> None:
    """Filters, table, comparison."""
    seen = context.seen(row)
    first, second, third, fourth = st.columns([2, 3, 2, 1])
    order = first.selectbox("Sort by", list(ORDERS), key="sort", bind="query-params")
    states = second.multiselect("State", [state.value for state in TrialState], key="state", bind="query-params")
    origin = third.text_input("Origin holds", key="origin", placeholder="gp, scratch-high …", bind="query-params")
    page = fourth.number_input("Page", 1, None, 1, key="page", bind="query-params")
    column, descending = ORDERS[order]
    board = Board(
        order=column,
        descending=descending,
        states=tuple(TrialState(state) for state in states),
        origin=origin or "",
        limit=ROWS,
        offset=ROWS * (int(page) - 1),
    )
    found = read.trial_page(context.engine(), row.name, board)
    if not found.rows:
        st.info(_nothing(found.total, len(seen.points)))
        return
    table = f"leaderboard {row.name} {order} {states} {origin} {page}"  # ticks belong to the rows that were ticked
    _leaderboard(row, seen, found, int(page), table)
    st.text_input(
        f"Compare (two to {MOST} trial numbers, or tick their rows)",
        key="compare",
        placeholder="0, 12, 31",
        bind="query-params",
    )
    _side_by_side(row, _numbers(st.session_state.get("compare") or ""))


def _leaderboard(row: StudyRow, seen: Overview, found: TrialPage, page: int, table: str) -> None:
    """One page of the table; `table` is its key, by which its ticked rows are known."""
    pages = -(-found.total // ROWS)
    if row.state is StudyState.RUNNING:
        st.button("Refresh", help="This table stands still while you read and tick; Overview follows the study.")
    scored = f"mAP50-95 is {score_in_words(row.spec.epochs)}, on val, one seed"
    where = "" if pages == 1 else f", page {page} of {pages}"
    st.caption(f"{found.total} trial{'' if found.total == 1 else 's'}{where}. {scored}.")
    st.dataframe(
        frames.leaderboard_frame(found.rows, seen.baseline, seen.verdict, row),
        hide_index=True,
        on_select=lambda: _compare(found.rows, table),
        selection_mode="multi-row",
        key=table,
        alt="Leaderboard",
        placeholder="–",
        column_config={
            "mAP50-95": st.column_config.NumberColumn(format="%.4f"),
            "at best epoch": st.column_config.NumberColumn(format="%.4f", help="mAP50-95; best.pt holds it"),
            "gain": st.column_config.NumberColumn(
                format="%+.4f", help="against the defaults' first run, one seed each: a difference below .02 is a tie"
            ),
            "over new seeds": st.column_config.TextColumn(
                help="best epochs of repeats with other seeds: mean and 90 % interval"
            ),
            "mAP50": st.column_config.NumberColumn(format="%.4f"),
        },
    )


def _nothing(total: int, trials: int) -> str:
    if total:
        return f"There are only {-(-total // ROWS)} pages."
    return "No trial fits these filters." if trials else "No trial has begun yet."


def _compare(rows: tuple[TrialRow, ...], table: str) -> None:
    picked = st.session_state[table]["selection"]["rows"]
    st.session_state["compare"] = ", ".join(str(rows[index].number) for index in picked if index < len(rows))


def _numbers(text: str) -> list[int]:
    found = [int(word) for word in text.replace(",", " ").split() if word.isdecimal() and len(word) < 10]
    return list(dict.fromkeys(found))


def _side_by_side(row: StudyRow, numbers: list[int]) -> None:
    if not numbers:
        return
    if len(numbers) > MOST:
        st.caption(f"The first {MOST} of {len(numbers)} are shown.")
    rows = read.trials_of(context.engine(), row.name, numbers[:MOST])
    if not rows:
        st.warning("This study has no trials with these numbers.")
        return
    known = {each.number for each in rows}
    unknown = [str(number) for number in numbers[:MOST] if number not in known]
    if unknown:
        st.caption(f"This study has no trial {', '.join(unknown)}.")
    for each in rows:
        left, right = st.columns([5, 1])
        told = f"{words.plain(words.ended(each))} Scored {score(each.score)}."
        left.markdown(f"**trial {each.number}** ({words.plain(each.origin)}): {told}")
        right.page_link("views/trial.py", label="Open", query_params={"study": row.name, "trial": str(each.number)})
    differing = frames.differing_frame(rows)
    if len(rows) > 1:
        st.subheader("Parameters that differ", anchor=False)
        if len(differing):
            st.dataframe(differing, alt="Parameters that differ")
        else:
            st.caption("These trials have the same parameters.")
    curves = frames.curves_frame(read.epochs_of(context.engine(), row.name, [each.number for each in rows]))
    if len(curves):
        names = [str(each.number) for each in rows]
        st.altair_chart(charts.curves_chart(curves, row.spec.rungs, names), alt="Learning curves")
    else:
        st.caption("None of them has finished an epoch.")
    _pictures(row, [each.number for each in rows])


def _pictures(row: StudyRow, numbers: list[int]) -> None:
    """One kind of picture of each trial that has it, side by side."""
    found = {number: pictures(row, number) for number in numbers}
    known = [name for name in PICTURES if any(name in files for files in found.values())]
    if not known:
        st.caption("Pictures are drawn of the defaults and the winner, when they are measured on unseen images.")
        return
    name = st.selectbox("Picture", known, format_func=PICTURES.__getitem__, key="picture", bind="query-params")
    lacking = [str(number) for number, files in found.items() if name not in files]
    if lacking:
        st.caption(f"No such picture of trial {', '.join(lacking)}: only what is measured on unseen images is drawn.")
    columns = st.columns(2)
    for index, number in enumerate(number for number, files in found.items() if name in files):
        columns[index % 2].image(str(found[number][name]), caption=f"trial {number}", width="stretch")
