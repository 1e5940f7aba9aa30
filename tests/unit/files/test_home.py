"""The home folder of all studies."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.files import users
from automl.files.home import expanded, home_folder


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/folk/me")
    assert expanded("~/runs") == Path("/folk/me/runs")
    assert home_folder("~/runs") == Path("/folk/me/runs")


def test_a_user_without_a_home_folder_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a user that the system has no name for."""

    def fail(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", fail)
    monkeypatch.delenv("YOLO_CONFIG_DIR", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(users, "_before", {})
    assert home_folder("~nobody/runs") == Path("~nobody/runs").absolute()
    assert users.weights_dir().name == "weights"
