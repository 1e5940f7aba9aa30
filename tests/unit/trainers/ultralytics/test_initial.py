"""Initial weights of a recipe, written in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automl.errors import AutoMLError
from automl.trainers.ultralytics.initial import Beginning, write_apart
from tests.builders.host import check_same, snapshot
from tests.builders.train_tiny import draw_data


def weights(folder: Path) -> Path:
    """A weights file with a tensor, made in a process of its own."""
    file = folder / "w.safetensors"
    program = f"import torch; from safetensors.torch import save_file; save_file({{'model.0.conv.weight': torch.zeros(8, 3, 3, 3)}}, {str(file)!r})"
    subprocess.run([sys.executable, "-c", program], check=True)
    return file


def beginning(folder: Path) -> Beginning:
    """The beginning of a trial of a network of the user's own."""
    data = draw_data(folder, train=1, val=1)
    return Beginning(model=str(folder / "network.yaml"), data=str(data), weights=str(weights(folder)), seed=1)


@pytest.mark.slow
def test_weights_are_written_and_this_process_is_as_before(tmp_path: Path) -> None:
    start = beginning(tmp_path)
    before = snapshot()
    write_apart(start, tmp_path / "init.pt", tmp_path / "cache")
    check_same(before, snapshot())
    assert (tmp_path / "init.pt").stat().st_size > 1000


def test_a_failure_is_one_line(tmp_path: Path) -> None:
    start = Beginning(model="yolov5n", data=str(tmp_path / "data.yaml"), weights="lost.pt", seed=1)
    with pytest.raises(AutoMLError) as raised:
        write_apart(start, tmp_path / "init.pt", tmp_path / "cache")
    assert "data.yaml" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
