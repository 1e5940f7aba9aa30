"""Ultralytics' command line finds the recipe of every printed command, and fails where we say that it does."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from ultralytics.cfg import merge_equals_args, parse_key_value_pair
from ultralytics.utils import checks

from automl.files.shell import unfit_for_yolo, yolo_train

FIT = (
    "hyp.yaml",
    "my dir/hyp.yaml",
    "it's.yaml",
    'a "b".yaml',
    "größe.yaml",
    "-x.yaml",
    "a=b.yaml",
    "a [1]/b, .yml",
    "1e3.yaml",
)
UNFIT = ("recipe", "hyp.json", "a [1/hyp.yaml", "what?.yaml", " hyp.yaml", "yolov5/menu.yaml")


def read_by_yolo(folder: Path, name: str) -> str:
    """The file that `yolo` opens for the command, from the words that a shell makes of it."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("epochs: 1\n")
    *_, argument = merge_equals_args(shlex.split(yolo_train(name))[1:])
    key, value = parse_key_value_pair(argument)
    assert key == "cfg"
    return str(checks.check_yaml(value))


@pytest.mark.parametrize("name", FIT)
def test_a_fit_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert not unfit_for_yolo(name)
    assert Path(read_by_yolo(tmp_path, name)).read_text() == "epochs: 1\n"


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_path_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert unfit_for_yolo(name)
    with pytest.raises((AssertionError, SyntaxError, FileNotFoundError)):
        read_by_yolo(tmp_path, name)
