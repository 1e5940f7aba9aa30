"""Words as Ultralytics' own commands take them, put into those of a request. No code of a checkpoint is run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from automl.data.document import Document, read_document
from automl.data.images import find_sources
from automl.errors import AutoMLError, BadData
from automl.files import users
from automl.files.atomic import replacing
from automl.files.home import make_folder
from automl.files.shell import quoted
from automl.records import Params
from automl.setup.options import SearchRequest
from automl.setup.strangers import DETECTORS, check_data_word, check_model_word
from automl.trainers.ultralytics import pretrained, schema
from automl.trainers.ultralytics.own_networks import HEADS, classic_name
from automl.trainers.ultralytics.weights import SUFFIXES, check_weights, read_checkpoint

# Arguments that change no training: a search decides them for each slot.
_HARMLESS = ("workers", "verbose", "plots", "exist_ok", "save", "save_period", "profile")
_TASKS = {"Segment": "instance segmentation", "Pose": "pose estimation", "OBB": "oriented boxes"} | {
    "Classify": "classification",
    "SemanticSegment": "semantic segmentation",
}
_YOLO_TENSOR = re.compile(r"(module\.)?(model\.)*\d+\.")
_LAYER = re.compile(r"(nn\.)?[A-Z]\w*")
_ACTIVATION = re.compile(r"(torch\.)?nn\.[A-Z]\w*\([\w=., ]*\)")


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A request in our own words."""

    request: SearchRequest
    weights: Mapping[str, Path] = field(default_factory=dict)  # by variant, of checkpoints that were named as models
    notes: tuple[str, ...] = ()  # sentences on words that are left out


def understand(request: SearchRequest, home: Path) -> Understood:
    """The request with Ultralytics' spellings replaced. Raises AutoMLError for what is not detection.

    home  folder of all studies; descriptions that no other file has are written below it
    """
    if request.trainer != "ultralytics":
        return Understood(request=replace(request, device=_device(request.device)))
    models, weights = [], dict[str, Path]()
    for name in request.models:
        model, file = _model(name, home)
        models.append(model)
        if file is not None:
            weights[model] = file
    fixed, notes = _harmless(request.fixed)
    clear = replace(
        request,
        data=data_file(request.data, home),
        models=tuple(models),
        fixed=fixed,
        device=_device(request.device),
    )
    return Understood(request=clear, weights=weights, notes=notes)


def _device(text: str | None) -> str | None:
    """GPU indices of `cuda`, `cuda:1` and `cuda:0,cuda:1`; other words as they are."""
    if text is None:
        return None
    parts = [re.sub(r"^cuda:(?=\d+$)", "", part.strip().lower()) for part in text.split(",")]
    return ",".join("0" if part == "cuda" else part for part in parts)


def _harmless(fixed: Params) -> tuple[Params, tuple[str, ...]]:
    """The arguments without those that change no training, and a sentence on these."""
    left = [key for key in fixed if key in _HARMLESS]
    notes = tuple(f"--set {key}={fixed[key]} is left out: the search sets it for each slot." for key in left)
    return {key: value for key, value in fixed.items() if key not in left}, notes


# -- models -------------------------------------------------------------------------------------------


def _model(name: str, home: Path) -> tuple[str, Path | None]:
    """The variant or description that a word of --models means, and the checkpoint that it names."""
    task = pretrained.other_task(name)
    if task is not None:
        raise AutoMLError(f"--models {name}: a network for {task}, and this is detection only. {DETECTORS}")
    check_model_word(name)
    if Path(name).suffix not in SUFFIXES:
        return name, None
    if not Path(name).expanduser().exists():
        variant = pretrained.network_of(name)
        if not schema.is_packaged(variant):
            check_weights(name, "--models")
        return variant, None
    file = check_weights(name, "--models")
    checkpoint = read_checkpoint(file)
    if checkpoint.description:
        return _network(name, checkpoint.description, home), file
    tensor = next(iter(checkpoint.state))
    if not any(_YOLO_TENSOR.match(tensor) for tensor in checkpoint.state):
        raise AutoMLError(
            f"--models {name}: a checkpoint of another project, whose tensors have names such as {tensor}. {DETECTORS}"
        )
    raise AutoMLError(
        f"--models {name}: the file has tensors but no description of its network. Give both: --models NETWORK "
        f"--weights {quoted(name)}."
    )


def _network(name: str, description: Mapping[str, Any], home: Path) -> str:
    """Name of the packaged network that a checkpoint holds, else the file of the user's that describes it."""
    try:
        head = str(description["head"][-1][-2])
    except (KeyError, IndexError, TypeError):
        raise AutoMLError(f"--models {name}: the description of its network cannot be read. {DETECTORS}") from None
    if head not in HEADS and head in _TASKS:
        raise AutoMLError(f"--models {name}: a checkpoint for {_TASKS[head]}, and this is detection only. {DETECTORS}")
    if head not in HEADS:
        raise AutoMLError(
            f"--models {name}: a checkpoint whose network ends in {head}, which is not trained here. {DETECTORS}"
        )
    if "anchors" in description:
        return _classic(name, description)
    own = str(description.get("yaml_file", ""))
    own = str(Path(own).absolute()) if Path(own).is_file() else ""
    for candidate in (Path(str(description.get("yaml_file", ""))).stem, own):
        if candidate and _is_the_same(candidate, description):
            return candidate
    return _written(name, description, home)


def _is_the_same(name: str, description: Mapping[str, Any]) -> bool:
    """True if the network of that name, or in that file, has this description whatever its number of classes."""
    try:
        known = schema.read_model(name)
    except (AutoMLError, OSError):
        return False
    compared = ("backbone", "head", "scale", "scales", "depth_multiple", "width_multiple")
    return all(known.get(key) == description.get(key) for key in compared)


def _classic(name: str, description: Mapping[str, Any]) -> str:
    """Ultralytics' network of the size of a classic checkpoint."""
    try:
        network = classic_name(description, schema.package())
    except (KeyError, IndexError, TypeError):
        network = None
    if network is None:
        raise AutoMLError(
            f"--models {name}: a classic checkpoint, and no network of Ultralytics has its modules. {DETECTORS}"
        )
    return network


def _written(name: str, description: Mapping[str, Any], home: Path) -> str:
    """File with the description, below the home folder; the same one for the same content.

    Raises AutoMLError for a description that names anything but layers: Ultralytics would run it.
    """
    layers = [str(layer[2]) for part in ("backbone", "head") for layer in description.get(part, ())]
    activation = str(description.get("activation") or "nn.SiLU()")
    if not all(_LAYER.fullmatch(layer) for layer in layers) or not _ACTIVATION.fullmatch(activation):
        raise AutoMLError(
            f"--models {name}: the description of its network names more than layers, so it is not used. Give your "
            f"own: --models NETWORK.yaml {quoted('--weights', name)}."
        )
    scale = str(description.get("scale") or "")
    kept = {key: value for key, value in description.items() if key not in ("yaml_file", "scale", "ch", "channels")}
    if scale and scale in kept.get("scales", {}):
        kept["scales"] = {scale: kept["scales"][scale]}  # the first one counts where the name has no scale
    text = yaml.safe_dump(kept, sort_keys=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    file = make_folder(home / "networks") / f"{Path(name).stem}-{digest}.yaml"
    _write(file, text)
    return str(file)


# -- data ---------------------------------------------------------------------------------------------


def data_file(data: Path, home: Path) -> Path:
    """The data.yaml; one that comes with Ultralytics is copied with the folder where its images lie.

    Raises AutoMLError for a data set of another task, BadData for one whose images are not here.
    """
    check_data_word(data)
    here, packaged = data.expanduser(), _packaged(data)
    if packaged is None:
        if here.is_file() and here.suffix in (".yaml", ".yml"):
            _check_task(read_document(here), data)
        return data
    task = _task_of(packaged.name)
    if task is not None:
        raise AutoMLError(
            f"--data {data}: a data set for {task}, and this is detection only. Name a detection data set."
        )
    document = read_document(packaged)
    _check_task(document, data)
    root = users.datasets_dir() / str(document.values.get("path") or packaged.stem)
    if not root.is_dir():
        raise _not_here(data, packaged, f"its images are not in {root}")
    kept = {key: value for key, value in document.values.items() if key != "download" and value is not None}
    file = make_folder(home / "datasets") / packaged.name
    _write(file, yaml.safe_dump({**kept, "path": str(root)}, sort_keys=False, allow_unicode=True))
    try:
        find_sources(read_document(file))
    except BadData as error:
        problem = error.problem.rstrip(".")
        raise _not_here(data, packaged, f"it is not complete: {problem}", f"move {root} away, and ") from None
    return file


def _packaged(data: Path) -> Path | None:
    """File of a data set that comes with Ultralytics, named with or without .yaml; None for files of the user's."""
    if data.expanduser().exists() or data.parent != Path():
        return None
    file = schema.package() / "cfg" / "datasets" / (data.name if data.suffix else f"{data.name}.yaml")
    return file if file.is_file() else None


def _not_here(data: Path, packaged: Path, why: str, first: str = "") -> BadData:
    command = f"from ultralytics.data.utils import check_det_dataset as c; c('{packaged.name}')"
    return BadData(
        data,
        f"is no file here. It comes with Ultralytics, but {why}. Data sets are not downloaded here: {first}let "
        f'Ultralytics do it, with `python -c "{command}"`, or name a data.yaml of your own.',
    )


def _write(file: Path, text: str) -> None:
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")


def _check_task(document: Document, data: Path) -> None:
    if document.values.get("kpt_shape") is not None:
        raise AutoMLError(
            f"--data {data}: a data set for pose estimation (kpt_shape), and this is detection only. Remove "
            "kpt_shape and the columns after the box, or name another data set."
        )


def _task_of(name: str) -> str | None:
    """Task of a packaged data set that is not for detection, by its name."""
    stem = Path(name).stem
    if re.match(r"(?i)dota", stem):
        return "oriented boxes"
    if stem == "ImageNet":
        return "classification"
    if re.match(r"(ade20k|cityscapes)", stem):
        return "semantic segmentation"
    if re.match(r"(depth|nyu-depth)", stem):
        return "depth estimation"
    if stem.endswith("-seg"):
        return "instance segmentation"
    return "pose estimation" if stem.endswith(("-pose", "-keypoints")) else None
