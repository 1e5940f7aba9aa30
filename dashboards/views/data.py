"""The data set of a study."""

from __future__ import annotations

import streamlit as st

from dashboards import context, words

with context.page("Data"):
    row = context.linked_study()
    st.title(f"{words.plain(row.name)}: data", anchor=False)
    spec = row.spec
    st.text(spec.data)
    held = f"{spec.holdout:.0%} of val was held back from the search." if spec.holdout else ""
    unseen = f"The final evaluation is on {spec.unseen}." if spec.unseen else "No split was kept unseen."
    st.caption(f"Fingerprint {words.plain(spec.data_fingerprint)}. {held} {unseen}")
    st.info(
        "There is no report on this data set. Every label row was read when the study began; an unusable row would "
        "have been an error with file and line."
    )
