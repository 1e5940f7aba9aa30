"""The report on a data set as one HTML file that needs no network."""

from __future__ import annotations

from automl.reports.data_report import KeptReport

MARK = "<!-- automl check -->"  # beginning of every file that is written here


def html_of(report: KeptReport) -> str:
    """The report as an HTML page, with its pictures inside."""
    return MARK + report._repr_html_()
