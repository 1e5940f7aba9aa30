"""Recommendations and findings of a data report; a finding's places and pictures are drawn when it is opened."""

from __future__ import annotations

import streamlit as st

from automl.records import CheckRow, DataReport, Finding, Severity
from dashboards import data_frames, data_words, words
from dashboards.tabs.figures import gallery


def draw(row: CheckRow, report: DataReport) -> None:
    """Draw what to do, then errors, warnings and notes."""
    if report.recommendations:
        st.subheader("Recommendations", anchor=False)
    for advice in report.recommendations:
        source = data_words.SOURCES[advice.source]
        st.markdown(f"- **{words.plain(data_words.setting(advice))}**: {words.plain(advice.text)}")
        st.caption(words.plain(f"{advice.why} Source: {source}."))
    numbered = list(enumerate(report.findings))
    for severity, heading in data_words.HEADINGS.items():
        of_severity = [(number, finding) for number, finding in numbered if finding.severity is severity]
        if of_severity:
            st.subheader(f"{heading} ({len(of_severity)})", anchor=False)
        for number, finding in of_severity:
            _finding(row, number, finding)
    if not report.findings:
        st.caption("The check has found nothing to say about these data.")


def _finding(row: CheckRow, number: int, finding: Finding) -> None:
    label = f"{data_words.BADGES[finding.severity]} {words.plain(finding.title)}"
    first = number == 0 and finding.severity is Severity.ERROR
    opened = st.expander(label, expanded=first, key=f"finding{number}", on_change="rerun", bind="query-params")
    if not opened.open:
        return
    with opened:
        st.markdown(f"**What to do:** {words.plain(finding.advice)}")
        gallery(row, dict.fromkeys(finding.pictures, ""))
        if finding.places:
            st.dataframe(
                data_frames.places_frame(finding),
                hide_index=True,
                alt=f"Places of finding {number + 1}",
                key=f"places{number}",
                column_config={"place": st.column_config.TextColumn(width="large")},
            )
        if 0 < len(finding.places) < finding.count:
            st.caption(f"The first {len(finding.places):,} of {finding.count:,} places.")
        figures = data_words.figures_text(finding.figures)
        split = f" in {finding.split}" if finding.split else ""
        source = data_words.SOURCES[finding.source]
        st.caption(words.plain(f"{finding.code}{split} · source: {source}{' · ' if figures else ''}{figures}"))
