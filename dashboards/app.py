"""The page: `automl dashboard` runs this file with Streamlit. Reads the database, writes nothing.

Its pages lie in `views/`: Streamlit opens each file of a folder called `pages` by a link of its own, without asking
the visitor to sign in.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import streamlit as st

if "dashboards" not in sys.modules:  # at the top of a checkout, inside `automl` as installed: one name for both
    _here = Path(__file__).parent
    _spec = importlib.util.spec_from_file_location(
        "dashboards", _here / "__init__.py", submodule_search_locations=[str(_here)]
    )
    assert _spec is not None, "a file has a spec"
    sys.modules["dashboards"] = importlib.util.module_from_spec(_spec)

from dashboards.context import signed_in

# Otherwise a third of the first screen is empty, and the corner blinks with every redrawn part.
QUIET = """<style>
[data-testid=stMainBlockContainer] {padding-top: 4rem; padding-bottom: 3rem}
[data-testid=stStatusWidget] {display: none}
</style>"""


def export_by_old_address() -> None:
    """Open the page Export for a link from before it had this name."""
    st.switch_page("views/export.py", query_params=st.query_params.to_dict())


st.set_page_config(page_title="automl", layout="wide", initial_sidebar_state="auto")
st.html(QUIET)
if signed_in():
    st.navigation(
        [
            st.Page("views/studies.py", title="Studies", default=True),
            st.Page("views/study.py", title="Study", url_path="study"),
            st.Page("views/trial.py", title="Trial", url_path="trial"),
            st.Page("views/export.py", title="Export", url_path="export"),
            st.Page("views/ensembles.py", title="Ensembles", url_path="ensembles"),
            st.Page("views/data.py", title="Data", url_path="data"),
            st.Page(export_by_old_address, title="Export", url_path="home", visibility="hidden"),
        ],
        position="top",
    ).run()
