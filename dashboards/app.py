"""The page: `automl dashboard` runs this file with Streamlit. Reads the database, writes nothing."""

from __future__ import annotations

import streamlit as st

from dashboards.context import signed_in

st.set_page_config(page_title="automl", layout="wide", initial_sidebar_state="auto")
if signed_in():
    st.navigation(
        [
            st.Page("pages/studies.py", title="Studies", default=True),
            st.Page("pages/study.py", title="Study", url_path="study"),
            st.Page("pages/trial.py", title="Trial", url_path="trial"),
            st.Page("pages/home.py", title="Take home", url_path="home"),
            st.Page("pages/ensembles.py", title="Ensembles", url_path="ensembles"),
            st.Page("pages/data.py", title="Data", url_path="data"),
        ]
    ).run()
