"""Ensembles: what the store has of them."""

from __future__ import annotations

import streamlit as st

from dashboards import context, words

with context.page("Ensembles"):
    row = context.chosen_study()
    st.title(f"{words.plain(row.name)}: ensembles", anchor=False)
    st.info(
        "No ensemble of this study has been made: automl cannot make one yet. Until then the "
        "weights of its best trials, which Take home offers, are the members that one would begin with."
    )
    st.page_link("views/home.py", label="Take home", query_params={"study": row.name})
