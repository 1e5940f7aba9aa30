"""Database that the page is shown over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from automl.records import Slots
from automl.store.engine import open_store
from tests.builders.factories import make_spec
from tests.builders.pages import Filler


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of the database that the page opens; it is absent until something fills it."""
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    database = f"sqlite:///{tmp_path / 'automl.db'}"
    monkeypatch.setenv("AUTOML_DB", database)
    monkeypatch.delenv("AUTOML_PAGE_PUBLIC", raising=False)
    return database


@pytest.fixture
def fill(url: str, tmp_path: Path) -> Iterator[Callable[..., Filler]]:
    """Function that begins a study in that database."""
    engine = open_store(url)

    def begin(name: str = "birds", **changes: Any) -> Filler:
        fields = {"directory": str(tmp_path / "runs" / name), "slots": Slots(count=2, device="cpu"), **changes}
        return Filler(engine, make_spec(name=name, **fields))

    yield begin
    engine.dispose()
