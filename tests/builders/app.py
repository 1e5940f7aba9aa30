"""The dashboard under Streamlit's own test tool."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.builders.pages import Filler

PAGES = Path(__file__).parents[2] / "dashboards" / "views"
NAMES = sorted(file.stem for file in PAGES.glob("*.py"))
Fill = Callable[..., Filler]


def show(page: str, **link: str) -> AppTest:
    """The page as its link opens it."""
    app = AppTest.from_file(str(PAGES.parent / "app.py"), default_timeout=300)
    for key, value in link.items():
        app.query_params[key] = value
    app.switch_page(f"views/{page}.py")
    return app.run()


def text(app: AppTest) -> str:
    """All text of the page, without the escapes of Markdown and HTML."""
    parts = [
        element.value
        for kind in ("title", "markdown", "caption", "info", "warning", "error", "code", "text")
        for element in app.get(kind)
    ]
    parts += [element.proto.text for element in app.get("progress")]
    parts += [unescape(re.sub(r"<[^>]+>", " ", element.proto.body)) for element in app.get("html")]
    return " ".join(map(str, parts)).replace("\\", "")


def unharmed(app: AppTest) -> AppTest:
    """Assert that the page shows no traceback and no failure; return it."""
    assert not app.exception
    assert "failed (" not in text(app)
    return app
