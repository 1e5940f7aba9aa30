"""The overhead bench from the command line, on a network and a data set of a few kilobytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.train_tiny import draw_data

ROOT = Path(__file__).resolve().parents[2]
WRITE_WEIGHTS = """
import sys
from automl.trainers.ultralytics.environment import prepare_environment
prepare_environment(sys.argv[3])
import yaml
from pathlib import Path
from safetensors.torch import save_file
from ultralytics.nn.tasks import DetectionModel
save_file(DetectionModel(yaml.safe_load(Path(sys.argv[1]).read_text()), verbose=False).state_dict(), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.long
def test_ours_and_the_genetic_tuner_are_measured_alike(tmp_path: Path) -> None:
    data = draw_data(tmp_path / "data")
    weights = tmp_path / "tiny.safetensors"
    write = [sys.executable, "-c", WRITE_WEIGHTS, str(data.parent / "network.yaml"), str(weights), str(tmp_path / "c")]
    subprocess.run(write, cwd=ROOT, check=True, capture_output=True)
    before = sorted(file.relative_to(tmp_path) for file in data.parent.rglob("*"))
    command = [sys.executable, "-m", "benchmarks", "overhead", "--data", str(data), "--weights", str(weights)]
    command += ["--model", str(data.parent / "network.yaml"), "--imgsz", "64", "--epochs", "2", "--trials", "2"]
    command += ["--batch", "4", "--slots", "1", "--folder", str(tmp_path / "bench"), "--json"]
    done = subprocess.run([*command, "--methods", "ours,ga"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for method in ("ours", "ga"):
        assert (found[method]["trials"], found[method]["epochs"]) == (2, 4)
        assert 0 < found[method]["paid_cpu_s"] < found[method]["cpu_s"]
        assert 0 < found[method]["paid_share_wall"] < 1
    assert found["ratios"]["ga"]["epochs_per_cpu_s"] > 0
    assert sorted(file.relative_to(tmp_path) for file in data.parent.rglob("*")) == before

    again = subprocess.run([*command, "--methods", "ga"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Measuring" not in again.stderr
    assert json.loads(again.stdout)["ours"] == found["ours"]
