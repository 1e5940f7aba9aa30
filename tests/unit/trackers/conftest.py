"""Studies to export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.exported import Study, finished


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a finished study; tests only read it."""
    return finished(tmp_path_factory.mktemp("done"))


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Study]:
    """A study that still runs, in the home `tmp_path`."""
    study = Study(tmp_path)
    study.begin()
    yield study
    study.engine.dispose()
