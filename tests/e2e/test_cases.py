"""Data sets and words as users have them: what is used, with a note, and what is refused before anything is trained."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from automl.cli import app
from tests.builders.cli import ONE_SLOT, TINY, Place
from tests.builders.damaged import DAMAGED, LFS
from tests.builders.train_tiny import draw_data

SEARCH = ("search", *TINY, *ONE_SLOT, "--budget", "2trials")
Change = Callable[[Path], object]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder with a small data set, which is the current one; no GPU."""
    folder = tmp_path / "my work"
    folder.mkdir()
    draw_data(folder)
    monkeypatch.chdir(folder)
    for name in ("AUTOML_DB", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("AUTOML_HOME", str(folder / "runs"))
    return Place(folder)


def run(*words: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(app, words)


def spoilt(name: str, *images: str) -> Change:
    """Other contents for some images."""

    def change(folder: Path) -> None:
        for image in images:
            (folder / "images" / image).write_bytes(DAMAGED[name].content)

    return change


def nothing_fetched(folder: Path) -> None:
    """Every image is a pointer of Git LFS."""
    for image in (folder / "images").rglob("*.png"):
        image.write_bytes(LFS)


def nothing(folder: Path) -> None:
    """The data set is good."""


@dataclass(frozen=True)
class Case:
    """A search that is refused: what is changed beforehand, its words, and parts of the one message."""

    name: str
    told: tuple[str, ...]
    change: Change = nothing
    words: tuple[str, ...] = ()


CASES = (
    Case("a cut off JPEG", ("train/3.png", "cut off JPEG", "Fetch"), spoilt("half a JPEG", "train/3.png")),
    Case("a cut off PNG", ("train/3.png", "cut off PNG", "Fetch"), spoilt("half a PNG", "train/3.png")),
    Case(
        "web pages",
        ("train/1.png", "a web page", "2 of 14 images", "val/2.png"),
        spoilt("web page", "train/1.png", "val/2.png"),
    ),
    Case("a GIF", ("train/1.png: a GIF;", "Convert"), spoilt("GIF called jpg", "train/1.png")),
    Case("a tiny image", ("40 x 9 pixels", "under 10"), spoilt("9 pixels high", "val/0.png")),
    Case("one pointer", ("Git LFS", "git lfs pull"), spoilt("pointer of Git LFS", "train/1.png")),
    Case("pointers only", ("as are all 14 images", "git lfs pull"), nothing_fetched),
    Case("text for a number", ("--set lr0=1e:", "from 0 to 1", "lr0=0.01"), words=("--set", "lr0=1e")),
    Case("a number out of range", ("--set mosaic=2:", "from 0 to 1"), words=("--set", "mosaic=2")),
    Case("an unknown optimizer", ("'Adm'", "Did you mean Adam?"), words=("--set", "optimizer=Adm")),
    Case("a data set elsewhere", ("an address", "not downloaded"), words=("--data", "https://a.org/birds.zip")),
    Case("a data set that is not here", ("check_det_dataset", "coco8.yaml"), words=("--data", "coco8.yaml")),
    Case("an export", ("best.onnx", "the .pt that it was made from"), words=("--models", "best.onnx")),
    Case("a folder", ("images: a folder",), words=("--models", "images")),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_in_one_message(place: Place, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(place.folder / "config"))
    case.change(place.folder)
    result = run(*SEARCH, *case.words)
    assert result.exit_code == 2
    assert result.stderr.count("automl: ") == 1
    assert "Traceback" not in result.output
    assert [part for part in case.told if part not in result.stderr] == []
    assert place.studies() == []


CLASSIC = """
nc: 80
depth_multiple: 0.33
width_multiple: 0.50
anchors: [[10,13, 16,30, 33,23], [30,61, 62,45, 59,119], [116,90, 156,198, 373,326]]
backbone: [[-1, 1, Conv, [64, 6, 2, 2]], [-1, 3, C3, [128]]]
head: [[[0, 1], 1, Detect, [nc, anchors]]]
"""


def test_a_network_file_of_classic_yolov5_is_told_with_the_name_to_use(place: Place) -> None:
    (place.folder / "yolov5s.yaml").write_text(CLASSIC)
    result = run(*SEARCH, "--models", "yolov5s.yaml")
    assert result.exit_code == 2
    assert "classic YOLO" in result.stderr
    assert "--models yolov5s." in result.stderr


NAMES = "names: [yes, 007]\n"
ASKED = """
import json, sys
from ultralytics.data.utils import check_det_dataset
print(json.dumps(check_det_dataset(sys.argv[1])["names"]))
"""


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(
    "test", [pytest.param("test: ../test/images\n", marks=pytest.mark.long), "test: images/none\n"]
)
def test_a_search_goes_on_without_a_test_split_and_with_names_as_written(place: Place, test: str) -> None:
    (place.folder / "images" / "none").mkdir()
    data = place.folder / "data.yaml"
    data.write_text(
        f"train: images/train\nval: images/val\n{NAMES if '..' in test else 'names: [square, disc]'}\n{test}"
    )
    (place.folder / "space.yaml").write_text(
        "fixed: {optimizer: SGD}\nparameters:\n  lr0: {log: [1e-4, 1e-1], default: 1e-2}\n"
    )
    done = place.run(
        *(*SEARCH, "--epochs", "2", "--recipe-only", "--name", "case", "--confirm", "0"),
        *("--space", "space.yaml", "--set", "weight_decay=1e-4", "--export", "hyp.yaml"),
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing is measured on unseen images: data.yaml:" in done.stdout
    recipe = yaml.safe_load((place.folder / "hyp.yaml").read_text())
    assert recipe["weight_decay"] == 0.0001
    own = data if ".." not in test else place.folder / "hyp-data.yaml"
    assert recipe["data"] == str(own)
    names = '{"0": "yes", "1": "007"}' if ".." in test else '{"0": "square", "1": "disc"}'
    assert ask(place, ASKED, recipe["data"]) == names
    if ".." in test:
        assert "Class names are taken as written: yes, 007." in done.stdout
        check_that_the_winner_can_be_a_model(place)


def check_that_the_winner_can_be_a_model(place: Place) -> None:
    """The weights of a trial, in a folder with a space in its name, are the network and the start of another search."""
    shutil.copy(next(place.home.rglob("best.pt")), place.folder / "best.pt")
    names = 'import sys, torch, json; print(json.dumps(torch.load(sys.argv[1], weights_only=False)["model"].names))'
    assert ask(place, names, "best.pt") == '{"0": "yes", "1": "007"}'
    words = [word if word != "network.yaml" else str(place.folder / "best.pt") for word in SEARCH]
    done = place.run(*words, "--epochs", "2", "--recipe-only", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "2 trials" in done.stdout


def ask(place: Place, code: str, argument: str) -> str:
    """Answer of a program with Ultralytics, in the last line."""
    quietly = {"YOLO_CONFIG_DIR": str(place.folder / "config"), "YOLO_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, argument],
        env=os.environ | quietly,
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]
