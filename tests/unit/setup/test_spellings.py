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
from tests.builders.damaged import LFS
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


def test_a_checkpoint_is_found_in_a_folder_with_spaces_and_beside_other_weights(place: Path) -> None:
    file = Path("my runs/first try/best.pt").absolute()
    file.parent.mkdir(parents=True)
    write_checkpoint(file, schema.read_model("yolov5n"))
    result = understood(place, models=("my runs/first try/best.pt",), imgsz=(64,), weights=str(file))
    assert (result.request.models, result.weights) == (("yolov5n",), {"yolov5n": file})
    other = file.with_name("other.pt")
    shutil.copy(file, other)
    checked = check(replace(result.request, weights=str(other)), CPU, given=result.weights)
    assert [weights.path for weights in checked.weights] == [str(other)]


def write_classic(file: Path, description: dict[str, Any]) -> None:
    """A checkpoint as classic YOLOv5 writes it: its classes are of modules that are not here."""
    from ultralytics.nn.tasks import DetectionModel

    network = DetectionModel(schema.read_model("yolov5n"), verbose=False)
    network.yaml = description
    torch.save({"epoch": 3, "model": network, "ema": None}, file)


@pytest.mark.parametrize(
    ("module", "size", "model"),
    [("C3", (0.33, 0.5), "yolov5s"), ("BottleneckCSP", (0.67, 0.75), "yolov5m"), ("C3", (0.4, 0.5), None)],
)
def test_a_classic_checkpoint_is_the_network_of_its_size(
    place: Path, module: str, size: tuple[float, float], model: str | None
) -> None:
    source = schema.read_model("yolov5n")
    layers = [[*layer[:2], module if layer[2] == "C3" else layer[2], layer[3]] for layer in source["backbone"]]
    head = [*source["head"][:-1], [[17, 20, 23], 1, "Detect", ["nc", "anchors"]]]
    sizes = {"depth_multiple": size[0], "width_multiple": size[1]}
    write_classic(Path("classic.pt"), {"anchors": [[1]], "backbone": layers, "head": head, **sizes})
    if model is not None:
        assert understood(place, models=("classic.pt",)).request.models == (model,)
        return
    with pytest.raises(AutoMLError, match="no network of Ultralytics has its modules"):
        understood(place, models=("classic.pt",))


def test_a_checkpoint_of_yolov7_is_not_taken_for_one_of_yolov5(place: Path) -> None:
    description = {
        "backbone": [[-1, 1, "Conv", [32]], [-1, 1, "MP", []]],
        "head": [[[1], 1, "IDetect", ["nc", "anchors"]]],
    }
    write_classic(Path("yolov7.pt"), {"anchors": [[1]], "depth_multiple": 1.0, "width_multiple": 1.0, **description})
    with pytest.raises(AutoMLError, match=r"--models yolov7\.pt: .*IDetect.* Name a detector"):
        understood(place, models=("yolov7.pt",))


def test_a_checkpoint_of_another_project_is_told_by_its_tensors(place: Path) -> None:
    torch.save({"layer1.0.conv1.weight": torch.zeros(3), "fc.bias": torch.zeros(2)}, "resnet.pt")
    with pytest.raises(
        AutoMLError, match=r"another project, whose tensors have names such as layer1\.0\.conv1\.weight"
    ):
        understood(place, models=("resnet.pt",))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("best.onnx", "an export for ONNX, which cannot be trained. Name the .pt that it was made from."),
        ("best.engine", "an export for TensorRT"),
        ("best.torchscript", "an export for TorchScript"),
        ("best_openvino_model", "an export for another engine"),
        ("weights", "a folder. Name a file in it, such as weights/best.pt or weights/last.pt."),
        ("empty", "a folder without a checkpoint or a network file"),
        ("https://x.org/best.pt", "an address; nothing is fetched from there"),
        ("yolov4.cfg", "a configuration, as Darknet"),
        ("yolov4.weights", "weights of Darknet"),
        ("model.pkl", "Detectron2"),
        ("model.h5", "Keras"),
        ("config.py", "a program"),
        ("rtdetr-l.pt", "RT-DETR"),
        ("rtdetr-l", "RT-DETR"),
        ("sam_b.pt", "segmentation"),
        ("FastSAM-s.pt", "segmentation"),
        ("yolo_nas_s", "YOLO-NAS"),
        ("yolov8s-worldv2.pt", "what a text names"),
        ("yoloe-11s.pt", "what a text names"),
        ("gone.pt", "gone.pt does not exist. Check the path given to --models."),
        ("sample.pt", "sample.pt does not exist"),
        ("pointer.pt", "a pointer of Git LFS"),
        ("half.pt", "half.pt is not a readable weights file"),
    ],
)
def test_what_is_no_network_is_told(place: Path, word: str, message: str) -> None:
    for folder in ("weights", "empty", "best_openvino_model"):
        Path(folder).mkdir()
    for name in ("weights/best.pt", "weights/last.pt", "half.pt"):
        Path(name).write_bytes(b"PK")
    Path("pointer.pt").write_bytes(LFS)
    with pytest.raises(AutoMLError) as caught:
        understood(place, models=(word,))
    assert message in str(caught.value)
    assert word in str(caught.value)


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


@pytest.mark.parametrize("name", ["coco8.yaml", "coco8", "coco128.yaml", "VOC.yaml", "VOC"])
def test_a_packaged_data_set_without_its_images_is_refused_with_a_command(place: Path, name: str) -> None:
    with pytest.raises(BadData) as caught:
        understood(place, data=Path(name))
    text, stem = str(caught.value), Path(name).stem
    assert f"comes with Ultralytics, but its images are not in {place / 'sets' / stem}. " in text
    command = text.partition('python -c "')[2].partition('"')[0]
    compile(command, "command", "exec")
    assert f"c('{stem}.yaml')" in command


def test_a_packaged_data_set_of_which_a_part_is_here_is_refused_too(place: Path) -> None:
    (place / "sets" / "coco8" / "images" / "train").mkdir(parents=True)
    with pytest.raises(
        BadData,
        match=r"coco8\.yaml: .* it is not complete: 'val: images/val' does not exist .* move .* away, and let .* `python -c",
    ):
        understood(place, data=Path("coco8.yaml"))


def test_a_packaged_data_set_may_be_named_without_its_suffix(place: Path) -> None:
    shutil.copytree("drawn", place / "sets" / "coco8")
    assert understood(place, data=Path("coco8")).request.data == place / "home" / "datasets" / "coco8.yaml"


def test_an_own_copy_of_a_packaged_file_finds_the_images_too(place: Path) -> None:
    shutil.copytree("drawn", place / "sets" / "coco8")
    shutil.copy(schema.package() / "cfg" / "datasets" / "coco8.yaml", "mine.yaml")
    request = understood(place, data=Path("mine.yaml")).request
    assert read_dataset(request.data).train.images[0].is_relative_to(place / "sets" / "coco8")


@pytest.mark.parametrize(
    ("word", "content", "message"),
    [
        (
            "https://ultralytics.com/assets/coco8.zip",
            None,
            r"https://ultralytics\.com/.* an address, and data sets are not",
        ),
        ("ul://someone/birds", None, r"ul://someone/birds: an address"),
        ("birds.zip", "PK", r"birds\.zip: is an archive; .* Unpack it, and name the data\.yaml inside"),
        ("instances_train.json", "{}", r"COCO are; a data\.yaml is needed\. Needed are folders of images"),
        ("birds.ndjson", "{}", "Ultralytics Platform"),
        ("birds.xml", "<a/>", "Pascal VOC"),
        ("train.txt", "a.jpg", "is a text file; a data.yaml is needed, whose train and val may name such lists"),
    ],
)
def test_what_is_no_data_yaml_is_told(place: Path, word: str, content: str | None, message: str) -> None:
    if content is not None:
        Path(word).write_text(content)
    with pytest.raises(BadData, match=message):
        understood(place, data=Path(word))


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
