"""The bounds of pyproject.toml, and the pins that `make test-lowest` installs."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.tools.lowest_versions import PROJECT, pins


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """Our pyproject.toml."""
    return tomllib.loads(PROJECT.read_text(encoding="utf-8"))


def test_every_dependency_of_a_user_has_both_bounds(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    users = [
        *project["project"]["dependencies"],
        *(text for name in ("demo", "mlflow", "page", "public") for text in extras[name]),
    ]
    unbound = [text for text in users if not text.startswith("yolo-automl") and not (">=" in text and "<" in text)]
    assert unbound == []


def test_a_pin_is_the_lower_bound() -> None:
    extras = {
        "page": ["a[b]>=1.2,<3", "ours[x]"],
        "dev": ["ruff>=1", "types-x", "c>=4; python_version > '3'"],
        "docs": ["d>=5"],
    }
    document = {"project": {"dependencies": ["torch>=2.4,<3", "e<2,>=1.5"], "optional-dependencies": extras}}
    assert list(pins(document, without=["torch"])) == ["a[b]==1.2", "c==4", "e==1.5"]


def test_every_dependency_of_a_user_is_pinned(project: dict[str, Any]) -> None:
    pinned = {pin.partition("==")[0] for pin in pins(project)}
    assert {"optuna", "ray[tune]", "torch", "torchvision", "typer", "ultralytics", "streamlit", "pytest"} <= pinned
