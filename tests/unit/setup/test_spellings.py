"""Ultralytics' own spellings of models, data, devices and arguments."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from automl.data.dataset import read_dataset
from automl.errors import AutoMLError, BadData
from automl.files import users
from automl.records import Slots
from automl.setup.options import SearchRequest
from automl.setup.request import check
from automl.setup.spellings import Understood, understand
from automl.trainers.ultralytics import schema
from tests.builders.train_tiny import COCO_WEIGHTS, NETWORK, draw_data

CPU = Slots(count=1, device="cpu")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with Ultralytics' settings of the user's elsewhere."""
    settings = tmp_path / "config" / "Ultralytics" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"datasets_dir": str(tmp_path / "sets"), "weights_dir": str(tmp_path / "weights")}))
    monkeypatch.setattr(users, "_before", {"YOLO_CONFIG_DIR": str(tmp_path / "config"), "YOLO_OFFLINE": "1"})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    draw_data(tmp_path / "here" / "drawn")
    return tmp_path


def understood(place: Path, **changes: Any) -> Understood:
    request = SearchRequest(data=Path("drawn/data.yaml"), budgets=("1cpu-h",))
    return understand(replace(request, **changes), place / "home")


def write_checkpoint(file: Path, description: dict[str, Any], names: dict[int, str] | None = None) -> None:
    from ultralytics.nn.tasks import DetectionModel

    network = DetectionModel(description, verbose=False)
    network.names = names or network.names
    torch.save({"model": network}, file)


# -- models -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "variant"), [("yolo11n.pt", "yolo11n"), ("yolov5su.pt", "yolov5s"), ("yolov5n6u.pt", "yolov5n-p6")]
)
def test_a_name_with_its_suffix_is_the_variant_with_its_own_weights(place: Path, word: str, variant: str) -> None:
    result = understood(place, models=(word,))
    assert (result.request.models, result.weights) == ((variant,), {})


def test_a_checkpoint_of_a_packaged_network_is_that_network_with_those_weights(place: Path) -> None:
    write_checkpoint(Path("best.pt"), schema.read_model("yolov5n"))
    result = understood(place, models=("best.pt", "yolov5s"))
    assert result.request.models == ("yolov5n", "yolov5s")
    assert result.weights == {"yolov5n": Path("best.pt").absolute()}


def test_a_checkpoint_of_an_own_network_names_its_file_while_that_is_the_same(place: Path) -> None:
    network = Path("tiny.yaml").absolute()
    network.write_text(NETWORK)
    write_checkpoint(Path("best.pt"), schema.read_model(str(network)))
    assert understood(place, models=("best.pt",)).request.models == (str(network),)
    network.write_text(NETWORK.replace("[24, 3, 2]", "[48, 3, 2]"))
    (model,) = understood(place, models=("best.pt",)).request.models
    assert Path(model).parent == place / "home" / "networks"
    assert yaml.safe_load(Path(model).read_text()) == yaml.safe_load(NETWORK)


def test_the_network_of_a_checkpoint_starts_from_it(place: Path) -> None:
    network = Path("tiny.yaml").absolute()
    network.write_text(NETWORK)
    write_checkpoint(Path("best.pt"), schema.read_model(str(network)))
    result = understood(place, models=("best.pt",), imgsz=(64,))
    checked = check(result.request, CPU, given=result.weights)
    assert [(w.model, w.path) for w in checked.weights] == [(str(network), str(Path("best.pt").absolute()))]
    assert "freeze" in {parameter.name for parameter in checked.space.parameters}


@pytest.mark.parametrize(
    "name", ["yolov8n-seg.pt", "yolo11n-pose", "yolov8s-obb.yaml", "yolo11x-cls.pt", "yolo26n-sem"]
)
def test_a_network_of_another_task_is_refused(place: Path, name: str) -> None:
    with pytest.raises(AutoMLError, match=rf"--models {name}: a network for .*, and this is detection only"):
        understood(place, models=(name,))


def test_a_checkpoint_of_another_task_is_refused(place: Path) -> None:
    from ultralytics.nn.tasks import SegmentationModel

    torch.save({"model": SegmentationModel("yolov8n-seg.yaml", verbose=False)}, "best.pt")
    with pytest.raises(
        AutoMLError, match=r"--models best\.pt: a checkpoint for instance segmentation, and this is det"
    ):
        understood(place, models=("best.pt",))


def test_tensors_without_a_network_need_its_name(place: Path) -> None:
    torch.save({"model.0.weight": torch.zeros(3)}, "plain.pt")
    with pytest.raises(AutoMLError, match=r"--models NETWORK --weights plain\.pt"):
        understood(place, models=("plain.pt",))
    if COCO_WEIGHTS.is_file():
        with pytest.raises(AutoMLError, match="no description of its network"):
            understood(place, models=(str(COCO_WEIGHTS),))


def test_no_code_of_a_checkpoint_runs(place: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (Path("sprung").absolute(),))

    torch.save({"model": Trap()}, "trap.pt")
    with pytest.raises(AutoMLError):
        understood(place, models=("trap.pt",))
    assert not Path("sprung").exists()


def test_a_description_that_would_run_code_is_refused(place: Path) -> None:
    network = Path("tiny.yaml").absolute()
    network.write_text(NETWORK)
    write_checkpoint(Path("best.pt"), schema.read_model(str(network)))
    content = torch.load("best.pt", weights_only=False)
    content["model"].yaml["activation"] = "__import__('pathlib').Path('sprung').touch()"
    torch.save(content, "best.pt")
    network.unlink()
    with pytest.raises(
        AutoMLError, match=r"names more than layers, so it is not used\. Give your own: --models NETWORK"
    ):
        understood(place, models=("best.pt",))
    assert not Path("sprung").exists()


# -- data ---------------------------------------------------------------------------------------------


def test_a_packaged_data_set_is_read_where_its_images_are(place: Path) -> None:
    shutil.copytree("drawn", place / "sets" / "coco8")
    result = understood(place, data=Path("coco8.yaml"))
    dataset = read_dataset(result.request.data)
    assert result.request.data == place / "home" / "datasets" / "coco8.yaml"
    assert len(dataset.names) == 80
    assert dataset.train.images[0].is_relative_to(place / "sets" / "coco8")


def test_a_packaged_data_set_without_its_images_is_refused(place: Path) -> None:
    with pytest.raises(BadData, match=r"comes with Ultralytics, but its images are not in .*sets/coco8\. .* not downl"):
        understood(place, data=Path("coco8.yaml"))


def test_a_file_of_the_users_comes_first(place: Path) -> None:
    shutil.copy("drawn/data.yaml", "coco8.yaml")
    assert understood(place, data=Path("coco8.yaml")).request.data == Path("coco8.yaml")


@pytest.mark.parametrize(
    "name", ["coco8-seg.yaml", "coco8-pose.yaml", "dota8.yaml", "ImageNet.yaml", "hand-keypoints.yaml"]
)
def test_data_of_another_task_are_refused(place: Path, name: str) -> None:
    with pytest.raises(AutoMLError, match=rf"--data {name}: a data set for .*, and this is detection only"):
        understood(place, data=Path(name))


def test_labels_with_keypoints_are_refused(place: Path) -> None:
    file = Path("drawn/data.yaml")
    file.write_text(file.read_text() + "kpt_shape: [17, 3]\n")
    with pytest.raises(AutoMLError, match=r"pose estimation \(kpt_shape\), and this is detection only"):
        understood(place)


# -- devices, batches and arguments -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "device"),
    [("cuda", "0"), ("cuda:1", "1"), ("cuda:0,cuda:2", "0,2"), ("0", "0"), ("CPU", "cpu"), (None, None)],
)
def test_devices_are_written_as_torch_does_too(place: Path, word: str | None, device: str | None) -> None:
    assert understood(place, device=word).request.device == device


def test_what_changes_no_training_is_left_out_with_a_note(place: Path) -> None:
    result = understood(place, fixed={"workers": 4, "box": 6.0})
    assert result.request.fixed == {"box": 6.0}
    assert result.notes == ("--set workers=4 is left out: the search sets it for each slot.",)


@pytest.mark.parametrize(
    ("batch", "words"),
    [(0.85, "share of a GPU's memory, and trials run on the CPU"), (8.5, "no whole number of images")],
)
def test_a_share_as_batch_needs_a_gpu(place: Path, batch: float, words: str) -> None:
    for changes in ({"batch": batch}, {"fixed": {"batch": batch}}):
        request = understood(place, weights="none", **changes).request
        with pytest.raises(AutoMLError, match=words):
            check(request, CPU)
