"""What automl accepts is what the installed Ultralytics accepts, asked in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl.data import read_dataset, write_resolved
from automl.data.labels import LabelRules, parse_labels

ROWS = (
    "0 0.5 0.5 0.1 0.1",
    "0 0.5 0.5 0.1 0.1\n\n1 0.5 0.5 0.1 0.1",
    "",
    "2.0 0.5 0.5 0.1 0.1",
    "3 0.5 0.5 0.1 0.1",
    "-1 0.5 0.5 0.1 0.1",
    "0.5 0.5 0.5 0.1 0.1",
    "nan 0.5 0.5 0.1 0.1",
    "0 nan 0.5 0.1 0.1",
    "0 1.005 0.5 0.1 0.1",
    "0 1.02 0.5 0.1 0.1",
    "0 -0.005 0.5 0.1 0.1",
    "0 -0.02 0.5 0.1 0.1",
    "0 0.5 0.5 -0.005 0.1",
    "0 0.5 0.5 0 0",
    "0 0.5 0.5 0.1",
    "0 0.5 0.5 0.1 0.1 0.9",
    "cat 0.5 0.5 0.1 0.1",
    "0 0.1 0.1 0.2 0.1 0.2 0.2",
    "0 0.1 0.1 0.2 0.1 0.2 0.2 0.3",
    "0 0.1 0.1 0.2 0.1 0.2 0.2\n0 0.5 0.5 0.1 0.1",
    "0 0.1 0.1 1.5 0.1 0.2 0.2",
    "0 0 0 3 0 3 3",
)
QUESTION = """
import json, sys
from ultralytics.data.base import BaseDataset
from ultralytics.data.utils import check_det_dataset, img2label_paths, verify_image_label
image, data, *labels = json.loads(sys.argv[1])
usable = [verify_image_label((image, label, "", False, 3, 0, 0, False))[0] is not None for label in labels]
document = check_det_dataset(data)
lister = type("Lister", (), {"prefix": "", "fraction": 1.0})()
images = {split: BaseDataset.get_img_files(lister, document[split]) for split in ("train", "val")}
names = [document["names"][number] for number in range(document["nc"])]
paths = {split: img2label_paths(files) for split, files in images.items()}
print(json.dumps({"usable": usable, "names": names, "images": images, "labels": paths}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with images in two folders and in a list, and a label file for each of ROWS."""
    folder = tmp_path_factory.mktemp("agrees")
    for name in ("train/b", "train/deep/a.x", "more/B", "val/c"):
        image = folder / "images" / f"{name}.jpg"
        label = folder / "labels" / f"{name}.txt"
        image.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32)).save(image)
        label.write_text(ROWS[0])
    for number, row in enumerate(ROWS):
        (folder / f"{number}.txt").write_text(row)
    (folder / "list.txt").write_text("images/val/c.jpg\n")
    lines = ("path: .", "train: [images/train, images/more]", "val: list.txt", "names: {1: dog, 0: cat}")
    (folder / "data.yaml").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    """What Ultralytics answers, from another current directory."""
    target = write_resolved(read_dataset(folder / "data.yaml"), folder / "study" / "data.yaml")
    labels = [str(folder / f"{number}.txt") for number in range(len(ROWS))]
    question = json.dumps([str(folder / "images/val/c.jpg"), str(target), *labels])
    (folder / "settings").mkdir()
    (folder / "settings" / "Arial.ttf").write_bytes(b"")  # else it asks the network for a font
    quiet = {"YOLO_CONFIG_DIR": str(folder / "settings"), "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}
    done = subprocess.run(
        [sys.executable, "-c", QUESTION, question],
        env=os.environ | quiet,
        cwd=folder / "study",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.replace("\n", "|") or "empty" for row in ROWS])
def test_rows_are_usable_for_both_or_for_neither(theirs: Any, number: int) -> None:
    ours = not parse_labels(ROWS[number], LabelRules(nc=3)).problems
    assert ours == theirs["usable"][number]


def test_a_resolved_file_gives_the_same_images_in_the_same_order(folder: Path, theirs: Any) -> None:
    dataset = read_dataset(folder / "data.yaml")
    assert list(map(str, dataset.train.images)) == theirs["images"]["train"]
    assert list(map(str, dataset.val.images)) == theirs["images"]["val"]


def test_names_are_in_the_same_order(folder: Path, theirs: Any) -> None:
    assert list(read_dataset(folder / "data.yaml").names) == theirs["names"]
