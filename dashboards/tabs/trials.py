"""The leaderboard: sorted, filtered, a hundred rows at a time; two to ten trials side by side."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from automl.figures import score
from automl.files.pictures import PICTURES
from automl.records import Board, StudyRow, StudyState, TrialPage, TrialRow, TrialState
from automl.reports.watch import StudyProgress
from automl.scores.words import score_definition
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


COLUMNS = {
    "mAP50-95": st.column_config.NumberColumn(format="%.4f"),
    "at best epoch": st.column_config.NumberColumn(format="%.4f", help="mAP50-95; best.pt holds it"),
    "gain": st.column_config.NumberColumn(
        format="%+.4f", help="against the defaults' first run, one seed each: a difference below .02 is a tie"
    ),
    "over new seeds": st.column_config.TextColumn(
        help="best epochs of repeats with other seeds: mean and 90 % interval"
    ),
    "mAP50": st.column_config.NumberColumn(format="%.4f"),
    "origin": st.column_config.TextColumn(width=110),
}


def draw(row: StudyRow) -> None:
    """Filters, table, comparison. The table follows a running study."""
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
    if _follow(row, board):
        st.text_input(
            f"Compare (two to {MOST} trial numbers, or tick their rows)",
            key="compare",
            placeholder="0, 12, 31",
            bind="query-params",
            on_change=_tick_anew,
        )
        _side_by_side(row, _wanted())


def _follow(row: StudyRow, board: Board) -> bool:
    """The table, drawn again while the study runs; whether it has a row.

    Its figures are always those of now. Its order too, until a row is ticked: then rows stay where they are.
    """
    running = row.state is StudyState.RUNNING
    kept: list[TrialPage] = []  # what was drawn last

    def draw() -> None:
        now = read.study(context.engine(), row.name) if kept else row
        if now.state is not row.state:
            st.rerun()  # it has ended: the whole page once, and then no more looks
        found = read.trial_page(context.engine(), row.name, board)
        if kept and bool(found.rows) is not bool(kept[0].rows):
            st.rerun()  # the first row has come, or the last one gone: what stands below the table too
        seen = context.seen(now)
        kept[:] = [found]
        if found.rows:
            _leaderboard(now, seen, found, board)
        else:
            st.info(_nothing(found.total, len(seen.points)))

    context.live(draw, running=running)
    return bool(kept and kept[0].rows)


def _leaderboard(row: StudyRow, seen: StudyProgress, found: TrialPage, board: Board) -> None:
    """One page of the table. While rows are ticked it keeps their order, since a tick belongs to a place."""
    key = f"leaderboard {row.name} {board} {st.session_state.get('ticks', 0)}"
    held: list[int] = st.session_state.get(f"{key} rows", [])
    now = [each.number for each in found.rows]
    ticked = bool(st.session_state[key]["selection"]["rows"]) if key in st.session_state else False
    rows, shown = found.rows, now
    if ticked and held != now:
        by_number = {each.number: each for each in read.trials_of(context.engine(), row.name, held)}
        rows = tuple(by_number[number] for number in held if number in by_number)
        shown = [each.number for each in rows]
    st.session_state[f"{key} rows"] = shown
    _heading(row, found.total, board, new=None if shown == now else len({*now} - {*shown}))
    compared = _wanted()
    st.dataframe(
        frames.leaderboard_frame(rows, seen.baseline, seen.verdict, row),
        hide_index=True,
        on_select=lambda: _compare(shown, key),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [n for n, number in enumerate(shown) if number in compared]}},
        key=key,
        alt="Leaderboard",
        placeholder="–",
        column_config=COLUMNS,
    )
    if st.session_state.pop("ticked", False):
        st.rerun()  # the comparison below


def _heading(row: StudyRow, total: int, board: Board, *, new: int | None) -> None:
    """What the table shows. `new`: trials that its held order leaves out; None where it is the order of now."""
    pages = -(-total // ROWS)
    where = "" if pages == 1 else f", page {board.offset // ROWS + 1} of {pages}"
    scored = f"mAP50-95 is {score_definition(row.spec.epochs)}, on val, one seed."
    told = f"{total} trial{'' if total == 1 else 's'}{where}. {scored}"
    if row.state is not StudyState.RUNNING:
        st.caption(told)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{told} {words.held_order(new)}".strip(), width="stretch")
        st.button(
            "Sort anew", disabled=new is None, on_click=_tick_anew, help="Rows stay in place while some are ticked."
        )


def _tick_anew() -> None:
    """The table begins anew: in the order of now, with the rows ticked that are compared."""
    st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1


def _nothing(total: int, trials: int) -> str:
    if total:
        return f"There are only {-(-total // ROWS)} pages."
    return "No trial fits these filters." if trials else "No trial has begun yet."


def _compare(shown: list[int], table: str) -> None:
    """Compares the ticked rows, beside those of other pages that are compared already."""
    picked = [shown[index] for index in st.session_state[table]["selection"]["rows"] if index < len(shown)]
    others = [number for number in _wanted() if number not in shown]
    st.session_state["compare"] = ", ".join(map(str, [*others, *picked]))
    st.session_state["ticked"] = True


def _wanted() -> list[int]:
    """The numbers of the trials that are compared. The link has them before their box is drawn."""
    return _numbers(st.session_state.get("compare", st.query_params.get("compare")) or "")


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
    running = row.state is StudyState.RUNNING and _any_runs(rows)
    first = [rows]

    def draw() -> None:
        now = first.pop() if first else read.trials_of(context.engine(), row.name, numbers[:MOST])
        if running and not _any_runs(now):
            st.rerun()  # all have ended: the whole page once, and then no more looks
        _compared(row, now, numbers[:MOST])

    context.live(draw, running=running)


def _any_runs(rows: Iterable[TrialRow]) -> bool:
    return any(each.state is TrialState.RUNNING for each in rows)


def _compared(row: StudyRow, rows: list[TrialRow], numbers: list[int]) -> None:
    """How each trial ended, the parameters that differ, learning curves and pictures."""
    known = {each.number for each in rows}
    unknown = [str(number) for number in numbers if number not in known]
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
