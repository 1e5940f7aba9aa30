"""Ensembles of a study: none yet."""

from __future__ import annotations

import streamlit as st

from dashboards import context, words

with context.page("Ensembles"):
    row = context.linked_study()
    st.title(f"{words.plain(row.name)}: ensembles", anchor=False)
    st.info(
        "This study has no ensemble: automl cannot build one yet. The weights of its best trials, on the page Export, "
        "are the members to begin with."
    )
    st.page_link("views/export.py", label="Export", query_params={"study": row.name})
