"""Network files of the user: of Ultralytics, of classic YOLOv5, and of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.errors import AutoMLError
from automl.trainers.ultralytics import schema
from tests.builders.train_tiny import NETWORK


def classic(packaged: str, depth: float, width: float) -> dict[str, Any]:
    """The description that classic YOLOv5 has of that network."""
    source = schema.read_model(packaged)
    head = [*source["head"][:-1], [source["head"][-1][0], 1, "Detect", ["nc", "anchors"]]]
    sizes = {"depth_multiple": depth, "width_multiple": width}
    return {"nc": 80, **sizes, "anchors": [[10, 13]] * 3, "backbone": source["backbone"], "head": head}


def complaint(folder: Path, document: Any) -> str:
    file = folder / "mine.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    with pytest.raises(AutoMLError) as caught:
        schema.model_yaml(str(file))
    assert str(caught.value).startswith(str(file))
    return str(caught.value)


@pytest.mark.parametrize(
    ("packaged", "depth", "width", "name"),
    [
        ("yolov5n", 0.33, 0.25, "yolov5n"),
        ("yolov5n", 0.33, 0.5, "yolov5s"),
        ("yolov5n", 1.33, 1.25, "yolov5x"),
        ("yolov5n-p6", 0.67, 0.75, "yolov5m-p6"),
        ("yolov3", 1.0, 1.0, "yolov3"),
        ("yolov3-tiny", 1.0, 1.0, "yolov3-tiny"),
    ],
)
def test_a_classic_network_is_told_with_the_name_to_use(
    tmp_path: Path, packaged: str, depth: float, width: float, name: str
) -> None:
    text = complaint(tmp_path, classic(packaged, depth, width))
    assert text.endswith(
        f"is a network file of classic YOLO, with anchors. Ultralytics' own has none: --models {name}."
    )
    assert schema.model_yaml(name)


def test_a_classic_network_of_another_size_is_told_what_to_change(tmp_path: Path) -> None:
    document = classic("yolov5n", 0.4, 0.4)
    assert "remove 'anchors', and write [nc] as the arguments of Detect" in complaint(tmp_path, document)
    del document["anchors"]
    document["head"][-1][-1] = ["nc"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    assert schema.model_yaml(str(tmp_path / "mine.yaml")) == tmp_path / "mine.yaml"


@pytest.mark.parametrize("anchors", [True, False])
def test_a_network_of_another_project_is_told_by_its_modules(tmp_path: Path, anchors: bool) -> None:
    document = classic("yolov5n", 1.0, 1.0)
    document["backbone"][1] = [-1, 1, "MP", []]
    if not anchors:
        del document["anchors"]
        document["head"][-1][-1] = ["nc"]
    text = complaint(tmp_path, document)
    assert "another project" in text
    assert "--models yolov5s" in text


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("train: a\nval: b\nnames: [c]\n", "It is a data set: --data "),
        ("lr0: 0.01\n", "needs 'backbone' and 'head'"),
        ("[", "is not YAML"),
        ("a: 2024-13-45\n", "is not YAML"),
        ("backbone: 3\nhead: [[1, 1, Detect, [nc]]]\n", "does not describe a network"),
        ("backbone: [[1]]\nhead: [[1, 1, Detect, [nc]]]\n", "does not describe a network"),
        (NETWORK.replace("Detect", "Segment"), "ends in Segment; only detection networks"),
        (NETWORK.replace("Detect", "WorldDetect"), "ends in WorldDetect; only detection networks"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "Git LFS"),
    ],
)
def test_what_is_no_network_is_told(tmp_path: Path, document: str, words: str) -> None:
    assert words in complaint(tmp_path, document)


def test_every_network_that_comes_with_ultralytics_passes(tmp_path: Path) -> None:
    names = [name for name in schema.model_names() if name[-1] in "nt"]
    for name in names:
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(schema.read_model(name)))
        assert schema.model_yaml(str(file)) == file
