"""Figures of a data report: splits, classes, plots and mosaics."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from automl.records import CheckRow, DataReport
from dashboards import data_frames, words
from dashboards.files import picture


def draw(row: CheckRow, report: DataReport) -> None:
    """Draw the tables of splits and classes, then the plots of the whole set."""
    st.subheader("Splits", anchor=False)
    splits = data_frames.splits_frame(report)
    if len(splits):
        st.dataframe(splits, hide_index=True, alt="Figures of each split", height="content")
    else:
        st.caption("The check could not read any split.")
    classes = data_frames.classes_frame(report)
    if len(classes):
        st.subheader("Classes", anchor=False)
        st.dataframe(classes, hide_index=True, alt="Boxes and images of each class")
    if report.plots:
        st.subheader("Plots", anchor=False)
        gallery(row, {name: title.replace("_", " ") for title, name in report.plots.items()})


def gallery(row: CheckRow, titles: Mapping[str, str], columns: int = 2) -> None:
    """Draw the pictures of these file names, side by side; say how many are not here.

    titles  by file name; they are text, not Markdown
    """
    files = {name: file for name in titles if (file := picture(row, name)) is not None}
    places = st.columns(columns) if files else []
    damaged = 0
    for index, (name, file) in enumerate(files.items()):
        try:
            caption = words.plain(titles[name]) or None
            places[index % columns].image(str(file), caption=caption, width="stretch")
        except Exception:  # whatever a damaged or exchanged file makes the reader of pictures raise
            damaged += 1
    missing = len([name for name in titles if name]) - len(files)
    if missing:
        st.caption(f"{missing:,} picture{' is' if missing == 1 else 's are'} not on this machine.")
    if damaged:
        st.caption(f"{damaged:,} picture{' is' if damaged == 1 else 's are'} damaged.")
