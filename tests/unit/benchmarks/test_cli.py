"""Commands of the benchmarks without the libraries of the extra `bench`."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.cli import app

INSTALL = "In the checkout, run: pip install -e '.[bench]'"
find_spec = importlib.util.find_spec


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("matplotlib", "onnxruntime") else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


@pytest.mark.usefixtures("without_extras")
@pytest.mark.parametrize(
    ("words", "library"),
    [
        (["policies", "--figure", "out.png"], "matplotlib"),
        (["policies", "--families", "lcbench", "--lcbench", "FOLDER"], "onnxruntime"),
        (["real", "--data", "d", "--weights", "w.pt", "--budget", "2trainings", "--out", "FOLDER"], "matplotlib"),
    ],
)
def test_a_missing_library_is_one_sentence_before_any_work(words: list[str], library: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    result = CliRunner().invoke(app, [str(tmp_path) if word == "FOLDER" else word for word in words])
    assert result.exit_code == 2
    assert f"needs {library}. {INSTALL}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
