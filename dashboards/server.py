"""The page as `automl dashboard` serves it: the app behind the check of names."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from automl.host.visitors import KnownNames
from automl.page import HOSTS

app = App(
    Path(__file__).with_name("app.py"),
    middleware=[Middleware(KnownNames, names=os.environ.get(HOSTS, "").split())],
)
