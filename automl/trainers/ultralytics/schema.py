"""Arguments and networks of Ultralytics' trainer, read from its own files without importing it."""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from automl.errors import AutoMLError, UnknownName
from automl.records import Params
from automl.trainers.ultralytics.own_networks import check_network

TUNABLE = (
    *("model", "imgsz", "batch", "nbs", "freeze", "multi_scale", "rect"),
    *("optimizer", "lr0", "lrf", "momentum", "weight_decay", "cos_lr"),
    *("warmup_epochs", "warmup_momentum", "warmup_bias_lr"),
    *("box", "cls", "cls_pw", "dfl"),
    *("hsv_h", "hsv_s", "hsv_v", "degrees", "translate", "scale", "shear", "perspective"),
    *("flipud", "fliplr", "bgr", "mosaic", "mixup", "cutmix", "copy_paste", "copy_paste_mode", "close_mosaic"),
)
# Not searched, because they change what is measured or nothing at all; a study may fix them.
FIXABLE = ("amp", "deterministic", "single_cls", "fraction", "classes", "conf", "iou", "max_det", "agnostic_nms")

_OWNED = {
    "data": "--data names the data set",
    "epochs": "--epochs sets the horizon",
    "time": "--budget limits the time",
    "patience": "the search stops trials itself",
    "pretrained": "--weights names the weights",
    "resume": "automl resume goes on with a study",
    "seed": "--seed sets the seeds",
    **dict.fromkeys(("device", "workers", "cache"), "the service gives each slot its device, loaders and cache"),
    **dict.fromkeys(("project", "name", "exist_ok", "save_dir"), "the service gives each trial its folder"),
    **dict.fromkeys(("save", "save_period", "plots", "verbose", "profile"), "the service keeps what is needed"),
    **dict.fromkeys(("val", "split", "save_json", "task", "mode"), "every epoch is validated on the val split"),
    **dict.fromkeys(("compile", "quantize", "channels_last", "distill_model", "cfg"), "not supported"),
}
SET_BY_AUTO = ("lr0", "momentum", "warmup_bias_lr")  # by optimizer=auto, whatever their values are
_CLASSIC = ("obj", "obj_pw", "iou_t", "anchor_t", "fl_gamma", "anchors")
_OTHER_TASKS = {
    **dict.fromkeys(("overlap_mask", "mask_ratio"), "segmentation"),
    **dict.fromkeys(("dropout", "auto_augment", "erasing"), "classification"),
    **dict.fromkeys(("pose", "kobj", "rle"), "pose"),
    "angle": "oriented boxes",
    **dict.fromkeys(("dlog", "dgrad", "dlam"), "depth"),
}
_WITHOUT_MOSAIC = "mosaic is 0, so that there is none to close"
_SCALES = "nsmlx"


@cache
def package() -> Path:
    """Folder of the installed Ultralytics."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        raise AutoMLError("ultralytics is not installed. Install it with: pip install yolo-automl")
    return Path(spec.origin).parent


@cache
def _document() -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (package() / "cfg" / "default.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=loader)
    return document


def defaults() -> dict[str, Any]:
    """Arguments of a detection training that a study may set, with Ultralytics' default values."""
    document = _document()
    return {key: document[key] for key in (*TUNABLE, *FIXABLE) if key in document}


def is_argument(key: str) -> bool:
    """True if Ultralytics knows the argument: a searched one, one set by the service or one of another task."""
    return key in _document() or key in _OWNED


def tunable_keys() -> tuple[str, ...]:
    """Arguments that a search space may name."""
    return tuple(key for key in TUNABLE if key in _document())


def check_keys(keys: Iterable[str], verb: str = "searched") -> None:
    """Check that a search space may name every key.

    verb  what is to be done with them, for an error

    Raises UnknownName for the first unknown key, AutoMLError with the reason for the first refused one.
    """
    refused = _refused()
    for key in keys:
        if key in refused:
            raise AutoMLError(f"'{key}' cannot be {verb}: {refused[key]}.")
        if key not in tunable_keys():
            near = difflib.get_close_matches(key, tunable_keys(), n=3)
            raise UnknownName("parameter", key, near or tunable_keys())


def check_fixed(keys: Iterable[str]) -> None:
    """Check that a study may set every key.

    Raises UnknownName for the first unknown key, AutoMLError with the reason for the first refused one.
    """
    check_keys((key for key in keys if key not in FIXABLE), "set")


def keys_that_are_dead(params: Params, *, segments: bool) -> dict[str, str]:
    """Reasons by key, for keys that would change nothing or that cannot be searched.

    params    values of every trial; an absent key has Ultralytics' default, so no optimizer means auto
    segments  True if the labels hold polygons
    """
    values = {**defaults(), **params}
    dead = _refused()
    if str(values["optimizer"]).lower() == "auto":
        reason = "optimizer=auto sets it by itself; name an optimizer, for example optimizer: AdamW"
        dead |= dict.fromkeys(SET_BY_AUTO, reason)
    if not segments:
        reason = "copy-paste needs polygons, and these labels are boxes"
        dead |= dict.fromkeys(("copy_paste", "copy_paste_mode"), reason)
    if values["warmup_epochs"] == 0:
        dead |= dict.fromkeys(("warmup_momentum", "warmup_bias_lr"), "warmup_epochs is 0")
    if values["mosaic"] == 0 and "mosaic" in params:
        dead["close_mosaic"] = _WITHOUT_MOSAIC
    return dead


def _refused() -> dict[str, str]:
    classic = "it exists in classic YOLOv5 only (train.py of its repository), not in Ultralytics"
    other = {key: f"it is for {task} and does nothing in detection" for key, task in _OTHER_TASKS.items()}
    return {**dict.fromkeys(_CLASSIC, classic), **other, **_OWNED}


@cache
def model_names() -> tuple[str, ...]:
    """Names of Ultralytics' detection networks, such as yolov5n and yolo11x."""
    names: list[str] = []
    for file in sorted((package() / "cfg" / "models").glob("*/yolo*.yaml")):
        stem = file.stem
        if not re.fullmatch(r"yolov?\d+[a-z]?(-p[26]|-ghost|-ghost-p[26]|-spp|-tiny)?", stem):
            continue
        match = re.fullmatch(r"(yolov?\d+)(-.+)?", stem)
        if match and "scales:" in file.read_text(encoding="utf-8"):
            names += [f"{match[1]}{scale}{match[2] or ''}" for scale in _SCALES]
        else:
            names.append(stem)
    return tuple(sorted(names, key=lambda name: ("-" in name, re.sub(r"[a-z]?(-|$)", "", name, count=1))))


def model_yaml(name: str) -> str | Path:
    """Description of the network: Ultralytics' own file name (text), or the user's file (Path).

    Raises UnknownName with the names of the same family. Raises AutoMLError for a weights file and for a file that
    does not describe a detection network.
    """
    if Path(name).suffix in (".pt", ".safetensors"):
        raise AutoMLError(f"'{name}' is a weights file, not a network. Name its network: --models yolov5s.")
    file = Path(name).expanduser()
    if file.suffix in (".yaml", ".yml") and file.is_file():
        check_network(file, package())
        return file.absolute()
    if file.is_absolute():
        raise AutoMLError(f"{name} does not exist. It should describe a network: put the file back, or check its path.")
    stem = common_name(name)
    if stem in model_names():
        return f"{stem}.yaml"
    raise UnknownName("model", name, _family(stem))


def is_packaged(name: str) -> bool:
    """True if a network of this name comes with Ultralytics; a file of that name does not count."""
    return common_name(name) in model_names() and not Path(name).suffix


def read_model(name: str) -> dict[str, Any]:
    """The network's description as Ultralytics' model class takes it, with `scale` and `yaml_file`."""
    source = model_yaml(name)
    if isinstance(source, Path):
        file, stem = source, source.stem
    else:
        stem = source.removesuffix(".yaml")
        base = re.sub(r"^(yolov?\d+)[nsmlx](?=-|$)", r"\1", stem)
        files = {path.stem: path for path in (package() / "cfg" / "models").glob("*/*.yaml")}
        file = files[stem] if stem in files else files[base]
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    scale = re.search(r"yolo(?:e-)?v?\d+([nsmlx])", stem)
    return {**document, "scale": scale[1] if scale else "", "yaml_file": str(source)}


def is_p6(name: str) -> bool:
    """True if the network has a fourth level of stride 64, meant for images of 1280 pixels."""
    return len(read_model(name)["head"][-1][0]) > 3 and "-p2" not in str(model_yaml(name))


def common_name(name: str) -> str:
    """Ultralytics' name of the network: without a suffix, and yolov5n6 as yolov5n-p6."""
    return re.sub(r"^(yolov\d+[nsmlx])6$", r"\1-p6", re.sub(r"\.ya?ml$", "", name))


def _family(stem: str) -> list[str]:
    """Names to suggest: those of the same family, else the closest, else the smallest of each family."""
    match = re.match(r"yolov?(\d+)", stem)
    if match:
        family = [name for name in model_names() if re.match(rf"yolov?{match[1]}(?!\d)", name)]
        if family:
            return family
    near = difflib.get_close_matches(stem, model_names(), n=5)
    return near or [name for name in model_names() if re.fullmatch(r"yolov?\d+[nt]", name)]
