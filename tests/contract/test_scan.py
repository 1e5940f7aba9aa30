"""A data set of any form is read as Ultralytics' own loader reads it: images, labels, sizes and names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.checks.facts import SplitFacts
from automl.checks.report import report_of
from automl.checks.scan import scan
from tests.builders.yolo_sets import FORMS, REFUSED, write_form

# Each set is read from its own folder, on which a relative `path` and bare lines of a list depend.
QUESTION = """
import json, os, sys
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset
def answer(file):
    data = check_det_dataset(file)
    splits = {}
    for split in ("train", "val", "test"):
        if data.get(split):
            read = YOLODataset(img_path=data[split], data=data, task="detect", augment=False, imgsz=32)
            labels = [[label["im_file"], label["shape"], label["cls"].ravel().tolist(), label["bboxes"].tolist()]
                      for label in read.labels]
            splits[split] = {"images": read.get_img_files(data[split]), "labels": labels}
    return {"names": [data["names"][n] for n in range(data["nc"])], "splits": splits}
answers = []
for file in json.loads(sys.argv[1]):
    os.chdir(os.path.dirname(file))
    try:
        answers.append(answer(file))
    except Exception as error:
        answers.append({"error": repr(error)})
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The data.yaml of each form."""
    place = tmp_path_factory.mktemp("forms")
    return {name: write_form(name, place / f"{number}") for number, name in enumerate(FORMS | REFUSED)}


@pytest.fixture(scope="module")
def theirs(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Answers of Ultralytics, which is asked in a process of its own."""
    settings = tmp_path_factory.mktemp("settings")
    for font in ("Arial.ttf", "Arial.Unicode.ttf"):
        (settings / font).write_bytes(b"")  # else it asks the network for a font
    quiet = {"YOLO_CONFIG_DIR": str(settings), "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "false"}
    done = subprocess.run(
        [sys.executable, "-c", QUESTION, json.dumps([str(file) for file in files.values()])],
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(files, json.loads(done.stdout.splitlines()[-1]), strict=True))


def usable(split: SplitFacts) -> dict[str, tuple[list[int], list[tuple[float, ...]]]]:
    """Height, width and the set of labels of each image that Ultralytics would keep."""
    out = {*split.flaws} | {problem.image for problem in split.problems}
    return {
        image: (
            [int(split.height[number]), int(split.width[number])],
            rows(split.box_class[split.box_image == number], split.boxes[split.box_image == number]),
        )
        for number, image in enumerate(split.images)
        if number not in out
    }


def rows(kinds: Any, boxes: Any) -> list[tuple[float, ...]]:
    """Labels without repeats, in order."""
    return sorted(
        {(float(kind), *(round(float(side), 5) for side in box)) for kind, box in zip(kinds, boxes, strict=True)}
    )


@pytest.mark.parametrize("name", FORMS)
def test_ours_and_theirs_agree(
    files: dict[str, Path], theirs: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files[name].parent)
    assert "error" not in theirs[name]
    facts = scan(files[name], pixels=False)
    assert list(facts.names) == theirs[name]["names"]
    assert {split: list(read.images) for split, read in facts.splits.items()} == {
        split: answer["images"] for split, answer in theirs[name]["splits"].items()
    }
    for split, answer in theirs[name]["splits"].items():
        assert usable(facts.splits[split]) == {
            image: (shape, rows(kinds, np.array(boxes).reshape(-1, 4)))
            for image, shape, kinds, boxes in answer["labels"]
        }


@pytest.mark.parametrize("name", REFUSED)
def test_what_ultralytics_refuses_cannot_be_trained_on(
    files: dict[str, Path], theirs: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files[name].parent)
    assert "error" in theirs[name]
    assert not report_of(scan(files[name], pixels=False)).trainable
