from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automl.errors import AutoMLError, UnknownName
from automl.trainers.ultralytics import schema


def test_it_imports_neither_torch_nor_ultralytics() -> None:
    code = (
        "import sys; from automl.trainers.ultralytics import schema; schema.defaults(); schema.model_yaml('yolov5n');"
        "sys.exit(any(name in sys.modules for name in ('torch', 'ultralytics', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_defaults_are_those_of_the_library() -> None:
    defaults = schema.defaults()
    assert defaults["box"] == 7.5
    assert defaults["optimizer"] == "auto"
    assert defaults["nbs"] == 64


def test_every_tunable_key_has_a_default() -> None:
    assert set(schema.tunable_keys()) <= set(schema.defaults())
    assert len(schema.tunable_keys()) == len(schema.TUNABLE)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("yolov5n", "yolov5n.yaml"),
        ("yolov5n.yaml", "yolov5n.yaml"),
        ("yolov5x6", "yolov5x-p6.yaml"),
        ("yolov8s", "yolov8s.yaml"),
        ("yolov9t", "yolov9t.yaml"),
        ("yolo11n", "yolo11n.yaml"),
        ("yolo12m", "yolo12m.yaml"),
        ("yolo26n", "yolo26n.yaml"),
        ("yolo26l-p6", "yolo26l-p6.yaml"),
    ],
)
def test_names_of_networks_are_found(name: str, file: str) -> None:
    assert schema.model_yaml(name) == file


def test_every_known_name_has_a_description_that_detects() -> None:
    for name in schema.model_names():
        assert str(schema.read_model(name)["head"][-1][-2]).endswith("Detect")


def test_a_description_carries_its_scale() -> None:
    assert schema.read_model("yolov5s6")["scale"] == "s"
    assert schema.read_model("yolov9c")["scale"] == ""


def test_an_unknown_member_names_its_family() -> None:
    with pytest.raises(UnknownName, match=r"Known: yolov5n, yolov5s") as error:
        schema.model_yaml("yolov5z")
    assert "yolov8" not in str(error.value)


@pytest.mark.parametrize("name", ["yolov8n-seg", "rtdetr-l", "resnet", ""])
def test_what_does_not_detect_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName):
        schema.model_yaml(name)


def test_a_weights_file_is_not_a_network() -> None:
    with pytest.raises(AutoMLError, match=r"a weights file, not a network"):
        schema.model_yaml("yolov5nu.pt")


def test_an_own_description_is_taken_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("nc: 1\nbackbone: []\nhead:\n  - [[1, 2, 3, 4], 1, Detect, [nc]]\n")
    assert schema.model_yaml(str(file)) == file
    assert schema.is_p6(str(file))


@pytest.mark.parametrize("text", ["nc: 1", "[", "head: [[-1, 1, Classify, [nc]]]"])
def test_an_own_description_must_detect(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(AutoMLError, match=r"mine\.yaml"):
        schema.model_yaml(str(file))


@pytest.mark.parametrize(
    ("name", "expected"), [("yolov5n", False), ("yolov5n6", True), ("yolov8n-p2", False), ("yolo26n-p6", True)]
)
def test_p6_networks_are_told_apart(name: str, expected: bool) -> None:
    assert schema.is_p6(name) is expected


def test_a_misspelt_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown parameter 'mozaic'\. Did you mean mosaic"):
        schema.check_keys(["lr0", "mozaic"])


@pytest.mark.parametrize(("key", "why"), [("obj", "classic YOLOv5 only"), ("epochs", "--epochs"), ("pose", "pose")])
def test_keys_that_cannot_be_searched_say_why(key: str, why: str) -> None:
    with pytest.raises(AutoMLError, match=why):
        schema.check_keys([key])


def test_a_study_may_fix_more_than_a_space_may_search() -> None:
    schema.check_fixed(["single_cls", "lr0"])
    with pytest.raises(UnknownName):
        schema.check_keys(["single_cls"])


def test_auto_makes_the_learning_rate_dead_and_a_named_optimizer_revives_it() -> None:
    assert "lr0" in schema.keys_that_are_dead({}, segments=False)
    assert "lr0" not in schema.keys_that_are_dead({"optimizer": "SGD"}, segments=False)


def test_copy_paste_needs_segments() -> None:
    assert "polygons" in schema.keys_that_are_dead({"optimizer": "SGD"}, segments=False)["copy_paste"]
    assert "copy_paste" not in schema.keys_that_are_dead({"optimizer": "SGD"}, segments=True)


def test_what_the_service_owns_and_what_classic_owns_is_dead() -> None:
    dead = schema.keys_that_are_dead({"optimizer": "SGD"}, segments=True)
    assert {"data", "epochs", "seed", "workers", "obj", "fl_gamma", "anchor_t"} <= set(dead)
    assert not set(dead) & set(schema.tunable_keys())


def test_warm_up_of_no_length_kills_its_keys() -> None:
    dead = schema.keys_that_are_dead({"optimizer": "SGD", "warmup_epochs": 0}, segments=False)
    assert {"warmup_momentum", "warmup_bias_lr"} <= set(dead)


@pytest.mark.parametrize(
    ("name", "known"),
    [("yolov5n", True), ("yolov5n6", True), ("yolov5n-p6", True), ("yolov5n.yaml", False), ("/a/yolov5n.yaml", False)],
)
def test_a_packaged_network_is_one_that_no_file_can_stand_for(name: str, known: bool) -> None:
    assert schema.is_packaged(name) is known
