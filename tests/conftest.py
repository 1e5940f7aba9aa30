"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from automl.records import Slots, Start, StudySpec

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.builders.postgres import Server

os.environ["YOLO_OFFLINE"] = "1"  # no test downloads anything; those of downloads have a server of their own

os.environ["RAY_AUTH_MODE"] = "disabled"  # a process keeps to its first kind, and some tests join a cluster

# A suite that a shell has begun in its background ignores Ctrl-C, and so would every command that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing where other things run on the cores too. The examples are the same in every run:
# a change is not to blame for one that nobody had drawn before. `make test-long` draws new ones.
settings.register_profile(
    "any machine",
    settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="AUTOML_NEW_EXAMPLES" not in os.environ,
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A Postgres server that tests may kill and start again."""
    from tests.builders.postgres import Server

    server = Server()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh Postgres database; on the server that AUTOML_TEST_DB names, if it names one."""
    from tests.builders.postgres import fresh_database

    given = os.environ.get("AUTOML_TEST_DB")
    yield from fresh_database(given or request.getfixturevalue("postgres_server").url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a fresh database, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'automl.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    """An open database with our tables, once for each kind."""
    from automl.store.engine import open_store

    opened = open_store(store_url)
    yield opened
    opened.dispose()


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., StudySpec]:
    """Specs that differ from a small study in the given fields."""

    def make(name: str = "birds", **changes: Any) -> StudySpec:
        fields: dict[str, Any] = {
            "name": name,
            "data": "/data/birds/data.yaml",
            "data_fingerprint": "sha256:0",
            "trainer": "surrogate",
            "models": ("yolov5n",),
            "imgsz": (96,),
            "weights": None,
            "weights_sha256": None,
            "space": {"lr0": {"low": 1e-5, "high": 1e-1, "log": True}},
            "sampler": "random",
            "seed": 0,
            "epochs": 9,
            "rungs": (1, 3),
            "budgets": ("1cpu-h",),
            "slots": Slots(count=2, device="cpu"),
            "fixed": {"optimizer": "SGD"},
            "given": (Start("defaults", {}),),
            "probe_s": 5.0,
            "epoch_s": 1.0,
            "versions": {"automl": "0"},
            "directory": str(tmp_path / "runs"),
        }
        return StudySpec(**{**fields, **changes})

    return make
