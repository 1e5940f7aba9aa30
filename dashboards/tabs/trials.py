"""The leaderboard, sorted, filtered and paged, and two to ten trials side by side."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from automl.figures import score
from automl.files.pictures import PICTURES
from automl.records import Board, StudyRow, StudyState, TrialPage, TrialRow, TrialState
from automl.reports.overview import Overview
from automl.scores.words import origin_text, score_definition
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
    "over seeds": st.column_config.TextColumn(help="scores of the same recipe with several seeds, and their mean"),
    "mAP50": st.column_config.NumberColumn(format="%.4f"),
    "recipe": st.column_config.TextColumn(width=110),
}


def draw(row: StudyRow) -> None:
    """Draw filters, table and comparison. The table follows a running study."""
    first, second, third, fourth = st.columns([2, 3, 2, 1])
    order = first.selectbox("Sort by", list(ORDERS), key="sort", bind="query-params")
    states = second.multiselect("State", [state.value for state in TrialState], key="state", bind="query-params")
    origin = third.text_input("Recipe from", key="origin", placeholder="gp, scratch-high …", bind="query-params")
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
        _side_by_side(row, _compared_numbers())


def _follow(row: StudyRow, board: Board) -> bool:
    """Draw the table, repeatedly while the study runs; True if it has a row.

    Its figures are always up to date. So is its order, until a row is ticked: from then on rows stay in place.
    """
    running = row.state is StudyState.RUNNING
    last: list[TrialPage] = []  # the page that was drawn last

    def draw() -> None:
        now = read.study(context.engine(), row.name) if last else row
        if now.state is not row.state:
            st.rerun()  # it has ended: the whole page once, and then no more looks
        page = read.trial_page(context.engine(), row.name, board)
        if last and bool(page.rows) is not bool(last[0].rows):
            st.rerun()  # the first row has come, or the last one gone: the parts below the table change too
        progress = context.progress_of(now)
        last[:] = [page]
        if page.rows:
            _leaderboard(now, progress, page, board)
        else:
            st.info(_empty_text(page.total, len(progress.points)))

    context.live(draw, running=running)
    return bool(last and last[0].rows)


def _leaderboard(study: StudyRow, overview: Overview, page: TrialPage, board: Board) -> None:
    """Draw one page of the table. With ticked rows it keeps their order, since a tick belongs to a place."""
    key = f"leaderboard {study.name} {board} {st.session_state.get('ticks', 0)}"
    held: list[int] = st.session_state.get(f"{key} rows", [])
    now = [row.number for row in page.rows]
    ticked = bool(st.session_state[key]["selection"]["rows"]) if key in st.session_state else False
    rows, shown = page.rows, now
    if ticked and held != now:
        by_number = {row.number: row for row in read.trials_of(context.engine(), study.name, held)}
        rows = tuple(by_number[number] for number in held if number in by_number)
        shown = [row.number for row in rows]
    st.session_state[f"{key} rows"] = shown
    _heading(study, page.total, board, new=None if shown == now else len({*now} - {*shown}))
    compared = _compared_numbers()
    st.dataframe(
        frames.leaderboard_frame(rows, overview.baseline, overview.verdict, study),
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
    """Draw the caption. `new`: trials that a held order leaves out; None where the order is up to date."""
    pages = -(-total // ROWS)
    place = "" if pages == 1 else f", page {board.offset // ROWS + 1} of {pages}"
    definition = f"mAP50-95 is {score_definition(row.spec.epochs)}, on val, one seed."
    text = f"{total} trial{'' if total == 1 else 's'}{place}. {definition}"
    if row.state is not StudyState.RUNNING:
        st.caption(text)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{text} {words.held_order(new)}".strip(), width="stretch")
        st.button(
            "Sort anew", disabled=new is None, on_click=_tick_anew, help="Rows stay in place while some are ticked."
        )


def _tick_anew() -> None:
    """Sort the table anew, with the compared rows ticked."""
    st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1


def _empty_text(total: int, trials: int) -> str:
    if total:
        return f"There are only {-(-total // ROWS)} pages."
    return "No trial fits these filters." if trials else words.NO_TRIAL


def _compare(shown: list[int], table: str) -> None:
    """Compare the ticked rows, beside those of other pages that are compared already."""
    picked = [shown[index] for index in st.session_state[table]["selection"]["rows"] if index < len(shown)]
    others = [number for number in _compared_numbers() if number not in shown]
    st.session_state["compare"] = ", ".join(map(str, [*others, *picked]))
    st.session_state["ticked"] = True


def _compared_numbers() -> list[int]:
    """Numbers of the compared trials; from the link until their box is drawn."""
    return _numbers(st.session_state.get("compare", st.query_params.get("compare")) or "")


def _numbers(text: str) -> list[int]:
    numbers = [int(word) for word in text.replace(",", " ").split() if word.isdecimal() and len(word) < 10]
    return list(dict.fromkeys(numbers))


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
        _comparison(row, now, numbers[:MOST])

    context.live(draw, running=running)


def _any_runs(rows: Iterable[TrialRow]) -> bool:
    return any(row.state is TrialState.RUNNING for row in rows)


def _comparison(study: StudyRow, rows: list[TrialRow], numbers: list[int]) -> None:
    """Draw the end of each trial, the parameters that differ, learning curves and pictures."""
    known = {row.number for row in rows}
    unknown = [str(number) for number in numbers if number not in known]
    if unknown:
        st.caption(f"This study has no trial {', '.join(unknown)}.")
    for row in rows:
        left, right = st.columns([5, 1])
        end = f"{words.plain(words.end_of(row))} Scored {score(row.score)}."
        left.markdown(f"**trial {row.number}** ({words.plain(origin_text(row.origin, row.repeats))}): {end}")
        right.page_link("views/trial.py", label="Open", query_params={"study": study.name, "trial": str(row.number)})
    differing = frames.differing_frame(rows)
    if len(rows) > 1:
        st.subheader("Parameters that differ", anchor=False)
        if len(differing):
            st.dataframe(differing, alt="Parameters that differ")
        else:
            st.caption("These trials have the same parameters.")
    curves = frames.curves_frame(read.epochs_of(context.engine(), study.name, [row.number for row in rows]))
    if len(curves):
        names = [str(row.number) for row in rows]
        st.altair_chart(charts.curves_chart(curves, study.spec.rungs, names), alt="Learning curves")
    else:
        st.caption("None of them has finished an epoch.")
    _pictures(study, [row.number for row in rows])


def _pictures(study: StudyRow, numbers: list[int]) -> None:
    """Draw one kind of picture, side by side for each trial that has it."""
    files = {number: pictures(study, number) for number in numbers}
    names = [name for name in PICTURES if any(name in of_trial for of_trial in files.values())]
    if not names:
        st.caption("Pictures are drawn of the defaults and the winner, when they are measured on unseen images.")
        return
    name = st.selectbox("Picture", names, format_func=PICTURES.__getitem__, key="picture", bind="query-params")
    lacking = [str(number) for number in numbers if name not in files[number]]
    if lacking:
        st.caption(f"No such picture of trial {', '.join(lacking)}: only trials measured on unseen images have one.")
    columns = st.columns(2)
    for index, number in enumerate(number for number in numbers if name in files[number]):
        columns[index % 2].image(str(files[number][name]), caption=f"trial {number}", width="stretch")
