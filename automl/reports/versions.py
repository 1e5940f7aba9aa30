"""Versions of automl and its engines, and where its studies lie."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from automl import __version__
from automl.files.home import home_folder
from automl.files.installed import version_of
from automl.store.address import store_url, without_password

ENGINES = ("ultralytics", "torch", "torchvision", "ray", "optuna", "sqlalchemy", "streamlit")


def about() -> Mapping[str, str]:
    """Lines of a report of an error by name. No engine is loaded, and no password is shown."""
    installed = {engine: version_of(engine) for engine in ENGINES}
    return {
        "automl": __version__,
        **{engine: "not installed" if version == "?" else version for engine, version in installed.items()},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "home": str(home_folder(None)),
        "database": without_password(store_url(None, None)),
    }
