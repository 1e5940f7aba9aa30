"""Zip files of the page: their content; packing runs no user's code and leaves no file behind."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from automl.errors import AutoMLError
from automl.files.trusted import digest_of, trust
from automl.recipes import beginning
from automl.trainers.ultralytics.initial import Beginning
from dashboards.files import initial_of, packed
from tests.builders.factories import make_row, make_spec, make_study
from tests.builders.train_tiny import NETWORK

RECIPE = "model: yolov5n.yaml\npretrained: hyp-init.pt\n"
# The terminal's export, which trusts its user's own files.
TERMINAL = """
import json, sys
from pathlib import Path
from automl.trainers.ultralytics.initial import Beginning
Beginning(**json.load(sys.stdin)).write(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def began(tmp_path: Path) -> Beginning:
    """A trial of yolov5n on two classes, from weights of which one tensor fits."""
    (tmp_path / "data.yaml").write_text("train: images\nval: images\nnames: [cat, dog]\n")
    save_file({"model.0.conv.weight": torch.ones(16, 3, 6, 6)}, tmp_path / "w.safetensors")
    return Beginning(model="yolov5n", data=str(tmp_path / "data.yaml"), weights=str(tmp_path / "w.safetensors"), seed=1)


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


def test_a_recipe_is_packed_with_its_initial_weights_and_nothing_stays(
    began: Beginning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # of the process that builds
    before = files_of(tmp_path)
    with zipfile.ZipFile(io.BytesIO(packed("hyp.yaml", RECIPE, began))) as archive:
        assert archive.namelist() == ["hyp.yaml", "hyp-init.pt"]
        assert archive.read("hyp.yaml").decode() == RECIPE
        assert len(archive.read("hyp-init.pt")) > 1_000_000
    left = files_of(tmp_path) - before
    assert {name for name in left if not name.startswith("tmp/torchinductor")} == set()


def test_the_defaults_recipe_has_its_own_weights_beside_it(began: Beginning) -> None:
    recipe = "pretrained: hyp-defaults-init.pt\n"
    assert str(initial_of("hyp-defaults.yaml")) == "hyp-defaults-init.pt"
    with zipfile.ZipFile(io.BytesIO(packed("hyp-defaults.yaml", recipe, began))) as archive:
        assert archive.namelist() == ["hyp-defaults.yaml", "hyp-defaults-init.pt"]


def test_a_network_of_a_users_file_is_never_built(
    began: Beginning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building it would run what the file says: the first half shows that, where the user trusts it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    trace, own = tmp_path / "ran", tmp_path / "own.yaml"
    activation = f"open({str(trace)!r}, 'w').close() or torch.nn.SiLU()"
    own.write_text(yaml.safe_dump({**yaml.safe_load(NETWORK), "activation": activation}))
    trust(digest_of(own.read_bytes()), str(own))
    save_file({"model.0.conv.weight": torch.ones(8, 3, 3, 3)}, tmp_path / "w.safetensors")
    document = json.dumps({**asdict(began), "model": str(own)})
    words = [sys.executable, "-c", TERMINAL, str(tmp_path / "init.pt"), str(tmp_path / "cache")]
    done = subprocess.run(words, input=document, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert trace.exists()
    trace.unlink()
    with pytest.raises(AutoMLError, match=r"own\.yaml' is no network that comes with Ultralytics"):
        packed("hyp.yaml", RECIPE, Beginning(**json.loads(document)))
    assert not trace.exists()


def test_a_file_named_like_a_packaged_network_is_not_taken_for_it(
    began: Beginning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "yolov5n.yaml").write_text(NETWORK)
    with pytest.raises(AutoMLError, match=r"yolov5n\.yaml' is no network"):
        packed("hyp.yaml", RECIPE, Beginning(**{**asdict(began), "model": "yolov5n.yaml"}))


def test_a_trial_began_from_its_own_model_before_the_studys() -> None:
    spec = make_spec(trainer="ultralytics", weights="/w/a.pt", fixed={"model": "yolov5n"})
    starts = [beginning(make_study(spec=spec), make_row(1, params=params)) for params in ({}, {"model": "yolov5s"})]
    assert [start.model for start in starts] == ["yolov5n", "yolov5s"]
    assert starts[0].weights == "/w/a.pt"
