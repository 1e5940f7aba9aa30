"""Common parts of all pages: the database, the study that the link names, and a sentence for every error."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from automl.errors import AutoMLError, BadStore, NoStore, StoreAway, UnknownName
from automl.files.home import home_folder
from automl.page import PUBLIC
from automl.records import StudyRow, TrialRow
from automl.reports.watch import StudyProgress, Watch
from automl.store import read
from automl.store.address import BEGIN, db_words, default_url, store_url
from automl.store.engine import open_store
from dashboards.words import NO_STUDY, plain

if TYPE_CHECKING:
    from sqlalchemy import Engine

LIVE_S = 3.0  # seconds between two looks at a running study
WATCHED = 50  # studies that are kept in memory
log = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def _opened(url: str) -> Engine:
    return open_store(url, create=False, read_only=True)


def engine() -> Engine:
    """The database, which this process cannot write to. Raises BadStore."""
    return _opened(store_url(None, None))


def database() -> str:
    """Words that a command needs to reach this page's database; empty for the one in the home folder."""
    url = store_url(None, None)
    return "" if url == default_url(home_folder(None)) else db_words(url, {})


class NoStudy(AutoMLError):
    """The store is empty or absent, which is no failure."""

    def __init__(self) -> None:
        super().__init__(NO_STUDY)


@contextmanager
def page(title: str) -> Iterator[None]:
    """The body of a page. A failure becomes a sentence and a way out below the title, never a traceback.

    title  shown on failure only; a page that succeeds writes its own
    """
    with failures_as_text(title):
        yield


@contextmanager
def failures_as_text(title: str = "") -> Iterator[None]:
    """Show a failure within as a sentence; Streamlit's own signals pass."""
    try:
        yield
    except UnknownName as error:
        _head(title)
        st.warning(plain(error))
        st.page_link("views/studies.py", label="See all studies")
    except NoStudy:
        _head(title)
        _begin()
    except NoStore:
        _opened.clear()
        _head(title)
        _begin()
        st.button("Look again", key="retry")
    except StoreAway as error:
        _opened.clear()
        _head(title)
        st.error(f"The database does not answer: {plain(error)} A running search goes on and loses nothing.")
        st.button("Look again", key="retry")
    except BadStore as error:
        _opened.clear()
        _head(title)
        st.error(f"This database cannot be shown: {plain(error)}")
        st.button("Look again", key="retry")
    except AutoMLError as error:
        _head(title)
        st.error(plain(error))
    except Exception as error:
        log.exception("a page failed")
        st.error(f"This page failed ({type(error).__name__}). The terminal of `automl dashboard` has the details.")
        st.page_link("views/studies.py", label="See all studies")


def _head(title: str) -> None:
    if title:
        st.title(title, anchor=False)


def _begin() -> None:
    st.info(f"{NO_STUDY.capitalize()}. Start one in a terminal; it appears here with its first epoch.")
    st.code(BEGIN + database(), language="bash", wrap_lines=True)


def linked_study() -> StudyRow:
    """The study that the link names, else the newest, whose name is added to the link. Raises NoStudy, UnknownName."""
    name = st.query_params.get("study") or st.session_state.get("study")
    row = read.study(engine(), name) if name else read.latest_study(engine())
    if row is None:
        raise NoStudy
    st.query_params["study"] = st.session_state["study"] = row.name
    return row


def share() -> None:
    """Offer the address that opens this very view."""
    with st.popover("Share this view"):
        st.code(f"{st.context.url}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)
        st.caption("Opens the same study, view, selection and filters for whoever can reach this page.")


def progress_of(row: StudyRow) -> StudyProgress:
    """The study as it stands now; only rows that are new since anybody's last look are read."""
    return _watch(store_url(None, None), row.name, row.created_at).look(engine(), row)


@st.cache_resource(show_spinner=False, max_entries=WATCHED)
def _watch(url: str, name: str, created_at: float) -> Watch:
    return Watch()


def linked_trial(row: StudyRow, fallback: int) -> TrialRow:
    """The trial that the link names, else the fallback, whose number is added to the link."""
    text = st.query_params.get("trial", str(fallback))
    if not text.isdecimal() or len(text) > 9:
        raise UnknownName("trial", text)
    trial = read.trial(engine(), row.name, int(text))
    st.query_params["trial"] = str(trial.number)
    return trial


def live(draw: Callable[[], None], *, running: bool) -> None:
    """Draw a part of the page, repeatedly while something runs."""

    def guarded() -> None:
        with failures_as_text():
            draw()

    st.fragment(guarded, run_every=LIVE_S if running else None)()


def signed_in() -> bool:
    """True for a visitor who may look: anyone while the page serves this machine alone, else after signing in."""
    if not os.environ.get(PUBLIC) or getattr(st.user, "is_logged_in", False):
        return True
    st.title("automl", anchor=False)
    st.write("Sign in to see the studies.")
    st.button("Sign in", on_click=st.login, type="primary")
    return False
