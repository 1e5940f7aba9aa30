"""Words of --models and --data that are something else, each with what it is and what to name instead."""

from __future__ import annotations

import re
from pathlib import Path

from automl.data.document import SUFFIXES as YAML_SUFFIXES
from automl.data.listing import ARCHIVES, CONVERT, FOREIGN
from automl.errors import SHOWN, AutoMLError, BadData
from automl.trainers.ultralytics.weights import SUFFIXES

DETECTORS = "Name a detector, such as yolov5s or yolo11n."
_EXPORTS = {
    ".onnx": "ONNX",
    ".engine": "TensorRT",
    ".plan": "TensorRT",
    ".torchscript": "TorchScript",
    ".tflite": "TensorFlow Lite",
    ".pb": "TensorFlow",
    ".mlmodel": "Core ML",
    ".mlpackage": "Core ML",
    ".xml": "OpenVINO",
    ".bin": "OpenVINO",
    ".param": "NCNN",
    ".mnn": "MNN",
    ".rknn": "RKNN",
    ".pte": "ExecuTorch",
}
_EXPORT_FOLDER = re.compile(r".*_(openvino|saved|ncnn|paddle|web|imx|rknn)_?\w*model|.*_int8_openvino_model")
_OTHER_FILES = {
    ".cfg": "a configuration, as Darknet and MMDetection have",
    ".py": "a program",
    ".weights": "weights of Darknet",
    ".h5": "weights of Keras",
    ".keras": "a network of Keras",
    ".ckpt": "a checkpoint of PyTorch Lightning or TensorFlow",
    ".pkl": "weights of Detectron2, perhaps",
    ".pdparams": "weights of PaddlePaddle",
    ".json": "JSON",
}
_FAMILIES = {
    r"rt-?detr": "RT-DETR, which Ultralytics trains in another way",
    r"(mobile_?|fast)sam.*|sam\d?(\.\d)?[-_].*": "a network for segmentation",
    r"yolo_nas": "YOLO-NAS, which Ultralytics cannot train",
    r"yolov?\d+.*-world.*|yoloe-.*": "a network that detects what a text names",
}


def check_model_word(name: str) -> None:
    """Raise AutoMLError for a word of --models that is no network and no checkpoint, and say what it is."""
    what = _stranger(name)
    if what is not None:
        raise AutoMLError(f"--models {name}: {what}")


def _stranger(name: str) -> str | None:
    file = Path(name).expanduser()
    suffix = file.suffix.lower()
    if "://" in name:
        return f"an address; nothing is fetched from there. Download the file, and name it. {DETECTORS}"
    if suffix in _EXPORTS or (file.is_dir() and _EXPORT_FOLDER.fullmatch(file.name)):
        kind = _EXPORTS.get(suffix, "another engine")
        return f"an export for {kind}, which cannot be trained. Name the .pt that it was made from."
    if file.is_dir():
        return _folder(file)
    if suffix in _OTHER_FILES:
        return f"{_OTHER_FILES[suffix]}, not a network of Ultralytics. {DETECTORS}"
    family = next(
        (words for pattern, words in _FAMILIES.items() if re.fullmatch(rf"(?i)({pattern})[-_.\w]*", name)), None
    )
    return f"{family}. {DETECTORS}" if family is not None and not file.exists() else None


def _folder(folder: Path) -> str:
    """Words for a folder, with the files in it that could be named."""
    inside = sorted(file for file in folder.rglob("*") if file.suffix in (*SUFFIXES, *YAML_SUFFIXES))[:SHOWN]
    if not inside:
        return f"a folder without a checkpoint or a network file. {DETECTORS}"
    return f"a folder. Name a file in it, such as {' or '.join(map(str, inside))}."


def check_data_word(data: Path) -> None:
    """Raise BadData for a word of --data that is no data.yaml, and say what it is."""
    if re.match(r"(https?|s3|gs|ul|file|roboflow):/", str(data)):  # a path loses one of the slashes
        address = re.sub(r":/+", "://", str(data), count=1)
        raise BadData(address, f"an address, and data sets are not downloaded here. {_DOWNLOAD}")
    suffix, there = data.suffix.lower(), data.expanduser().is_file()
    if there and suffix in FOREIGN:
        way_out = _UNPACK if suffix in ARCHIVES else CONVERT
        raise BadData(data, f"is {FOREIGN[suffix]}; a data.yaml is needed.", way_out=way_out)
    if there and suffix == ".txt":
        raise BadData(data, "is a text file; a data.yaml is needed, whose train and val may name such lists.")


_DOWNLOAD = "Download and unpack it, and name its data.yaml."
_UNPACK = "Unpack it, and name the data.yaml inside."
