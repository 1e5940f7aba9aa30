"""The report of a data check: verdict, findings, figures, suspicious labels."""

from __future__ import annotations

import json

import streamlit as st

from automl.errors import BadReport, UnknownName
from automl.records import CheckRow, StudyRow
from automl.store import checked, read
from automl.store.address import store_url
from automl.store.checked import Kept
from dashboards import context, data_frames, data_words, words
from dashboards.files import html_of
from dashboards.tabs import figures, findings, suspects

PARTS = {"Findings": findings.draw, "Figures": figures.draw, "Suspects": suspects.draw}


def _draw() -> None:
    row, study = _chosen()
    if row is None:
        if study is None:
            raise context.NoStudy
        _nothing(study)
        return
    st.title(f"{words.plain(data_words.short(row.data))}: data", anchor=False)
    st.text(row.data)
    _others(row)
    if study is not None:
        _of_study(row, study)
    try:
        kept = _report(store_url(None, None), row.id, row.at)
    except BadReport as error:
        _verdict(row)
        st.warning(words.plain(str(error)))
        return
    _verdict(row, kept)
    part = st.segmented_control(
        "Part",
        list(PARTS),
        default="Findings",
        required=True,
        key="part",
        bind="query-params",
        label_visibility="collapsed",
    )
    PARTS[part or "Findings"](row, kept.report)
    _downloads(row, kept)
    _studies(row)
    context.share()


def _chosen() -> tuple[CheckRow | None, StudyRow | None]:
    """The report that the link names, else that of the study, else the newest; and the study of the link."""
    engine = context.engine()
    number, named = st.query_params.get("report"), st.query_params.get("study") or st.session_state.get("study")
    if number is not None:
        if not number.isdecimal() or len(number) > 9:
            raise UnknownName("data report", number)
        return checked.data_report(engine, int(number)), None
    newest = [] if named else checked.data_reports(engine, limit=1)
    if newest:
        return newest[0], None
    study = context.linked_study()
    return checked.report_of_study(engine, study.name), study


@st.cache_resource(show_spinner=False, max_entries=5)
def _report(url: str, number: int, at: float) -> Kept:
    return checked.whole_report(context.engine(), number)


def _nothing(study: StudyRow) -> None:
    """A study whose data nobody has checked."""
    spec = study.spec
    st.title(f"{words.plain(study.name)}: data", anchor=False)
    st.text(spec.data)
    st.caption(words.plain(f"Fingerprint {spec.data_fingerprint}. {data_words.held_study(study)}"))
    st.info(
        "There is no report on this data set. Every label row was read when the study began; an unusable row would "
        "have been an error with file and line. A report is made in a terminal, and appears here:"
    )
    st.code(data_words.check_command(spec.data, context.database()), language="bash", wrap_lines=True)
    _others(None)


def _others(row: CheckRow | None) -> None:
    """Offer the other reports."""
    rows = checked.data_reports(context.engine())
    if row is not None and row not in rows:
        rows.append(row)
    if len(rows) < (1 if row is None else 2):
        return
    by_id = {other.id: other for other in rows}
    number = st.selectbox(
        "Report" if row is not None else "Reports on other data",
        list(by_id),
        index=None if row is None else list(by_id).index(row.id),
        format_func=lambda number: data_words.choice(by_id[number]),
        placeholder="Choose one",
    )
    if number is not None and (row is None or number != row.id):
        st.query_params.clear()
        st.query_params["report"] = str(number)
        st.rerun()


def _of_study(row: CheckRow, study: StudyRow) -> None:
    state = data_words.other_state(row, study)
    if state:
        st.warning(words.plain(state))
    st.caption(words.plain(f"Data of study {study.name}. {data_words.held_study(study)}"))


def _verdict(row: CheckRow, kept: Kept | None = None) -> None:
    show = st.error if row.errors else st.warning if row.warnings else st.success
    show(words.plain(data_words.verdict(row)))
    report = None if kept is None else kept.report
    for sentence in [] if kept is None else [kept.report.price, kept.report.judged, data_words.unread(kept.unread)]:
        if sentence:
            st.markdown(words.plain(sentence))
    st.caption(words.plain(data_words.checked(row, report)))


def _downloads(row: CheckRow, kept: Kept) -> None:
    st.subheader("Downloads", anchor=False)
    report, file = kept.report, html_of(row)
    first, second, third = st.columns(3)
    first.download_button(
        "Report (JSON)",
        lambda: json.dumps(report.as_document(), indent=1, ensure_ascii=False).encode("utf-8", "replace"),
        f"report-{row.id}.json",
        "application/json",
        on_click="ignore",
        width="stretch",
    )
    if report.suspects:
        second.download_button(
            "Suspects (CSV)",
            lambda: data_frames.suspects_csv(report),
            "suspects.csv",
            "text/csv",
            on_click="ignore",
            width="stretch",
        )
    if file is not None:
        size = f"{file.stat().st_size / 1e6:.1f} MB"
        third.download_button(
            f"Report (HTML, {size})",
            file.read_bytes,
            f"report-{row.id}.html",
            "text/html",
            on_click="ignore",
            width="stretch",
        )


def _studies(row: CheckRow) -> None:
    """Link the studies of these data."""
    same = [
        study.name
        for study in read.studies(context.engine())
        if study.name == row.study or (row.fingerprint and study.spec.data_fingerprint == row.fingerprint)
    ]
    if same:
        st.subheader("Studies of these data", anchor=False)
    for name in same[:20]:
        st.page_link("views/study.py", label=words.plain(name), query_params={"study": name})
    if len(same) > 20:
        st.page_link("views/studies.py", label=f"All {len(same)} studies")


with context.page("Data"):
    _draw()
