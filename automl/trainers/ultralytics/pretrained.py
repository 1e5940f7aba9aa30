"""Pretrained weights of Ultralytics' networks: their names, the places where they lie, and their release page."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from automl.errors import AutoMLError, BadWeights
from automl.files import users
from automl.trainers.ultralytics import download, schema
from automl.trainers.ultralytics.weights import SUFFIXES, check_weights, sha256

FOLDER = "AUTOML_WEIGHTS"  # variable that names a folder with weights
MIRROR = "AUTOML_RELEASES"  # variable with the address of a mirror of the release page
_PAGE = "https://github.com/ultralytics/assets/releases/download"
_OTHER_TASKS = {
    "-seg": "instance segmentation",
    "-sem": "semantic segmentation",
    "-pose": "pose estimation",
    "-obb": "oriented boxes",
    "-cls": "classification",
    "-depth": "depth estimation",
}


@dataclass(frozen=True, kw_only=True)
class Release:
    """Files that Ultralytics' own downloader knows."""

    tag: str
    names: frozenset[str]


@cache
def release() -> Release:
    """Release and names of files as they stand in the source text of Ultralytics' downloader, which is not imported."""
    text = (schema.package() / "utils" / "downloads.py").read_text(encoding="utf-8")
    tag, names = "", frozenset[str]()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "GITHUB_ASSETS_NAMES":
            names = eval(ast.unparse(node.value), {"__builtins__": {}, "frozenset": frozenset})
        elif isinstance(node, ast.FunctionDef) and node.name == "attempt_download_asset":
            found = re.search(r"release: str='([^']+)'", ast.unparse(node.args))
            tag = found[1] if found else ""
    if not names or not tag:
        raise AutoMLError(
            "this Ultralytics names no weights to download. Give files with --weights FILE, or train from scratch with "
            "--weights none."
        )
    return Release(tag=tag, names=names)


def asset_of(model: str) -> str | None:
    """Name of the pretrained file of a network, as `yolo` maps it; None where none was released.

    yolov5s has yolov5su.pt, yolov5n-p6 has yolov5n6u.pt, yolo11n has yolo11n.pt. A file of the user's has none.
    """
    if not schema.is_packaged(model):
        return None
    name = file_of(f"{schema.common_name(model)}.pt")
    return name if name in release().names else None


def file_of(name: str) -> str:
    """Name of a weights file as `yolo` maps it: yolov5s.pt as yolov5su.pt."""
    name = re.sub(r"^(yolov5[nsmlx])-p6(?=u?\.pt$)", r"\g<1>6", name)
    return re.sub(r"^(yolov5[nsmlx]6?|yolov3(?:-tiny|-spp)?)\.pt$", r"\1u.pt", name)


def network_of(file: Path | str) -> str:
    """Name of the network that a weights file is named after: yolov5n-p6 for yolov5n6u.pt."""
    name = Path(file).name
    base = name.removesuffix(Path(name).suffix)
    return schema.common_name(re.sub(r"^(yolov[35](?:[nsmlx]6?)?(?:-tiny|-spp|-p6)?)u$", r"\1", base))


def other_task(name: str) -> str | None:
    """Task, in words, of a network that is not for detection; None for one that may be."""
    base = re.sub(r"\.(pt|ya?ml|safetensors)$", "", Path(name).name)
    match = re.fullmatch(r"yolo.*?(-(?:seg|sem|pose|obb|cls|depth))(?:-.*)?", base)
    return _OTHER_TASKS[match[1]] if match else None


def find(name: str) -> Path | None:
    """The file in the current folder, in that of AUTOML_WEIGHTS, or in Ultralytics' weights_dir; None if in none."""
    own = os.environ.get(FOLDER)
    for folder in (Path(), *([Path(own).expanduser()] if own else []), users.weights_dir()):
        if (folder / name).is_file():
            return (folder / name).absolute()
    return None


def again(path: str, digest: str) -> str:
    """A study's weights file that has gone from its path: one of its name and content where `find` looks.

    digest  sha256 of the content

    The path itself where the file is there, or in none of those places.
    """
    if Path(path).is_file():
        return path
    file = find(re.split(r"[\\/]", path)[-1])
    return str(file) if file is not None and sha256(file) == digest else path


def in_folder(folder: Path, model: str) -> Path | None:
    """The weights file in the folder that is named after the network; None without one."""
    wanted = schema.common_name(model) if schema.is_packaged(model) else Path(model).stem
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    named = [file for file in files if network_of(file) == wanted]
    exact = [file for file in named if file.name == file_of(f"{wanted}.pt")]
    return next(iter(exact or named), None)


def get(name: str, need: str, *, offline: bool, say: Callable[[str], None]) -> Path:
    """A pretrained file: found, else downloaded into Ultralytics' weights_dir after one line that says so.

    need  beginning of a sentence that ends with its name, such as "yolov5s starts from yolov5su.pt"

    Raises BadWeights, with the ways out, where it is not here and may not or cannot be downloaded.
    """
    file = find(name)
    if file is None:
        if offline:
            raise _missing(need, "and --offline or YOLO_OFFLINE forbids to download it")
        file = _downloaded(name, need, say)
    return check_weights(file)


def _downloaded(name: str, need: str, say: Callable[[str], None]) -> Path:
    page = os.environ.get(MIRROR) or f"{_PAGE}/{release().tag}"
    url, target = f"{page.rstrip('/')}/{name}", users.weights_dir() / name
    size = download.size_of(url)
    amount = f"{size / 1e6:.1f} MB" if size is not None else "size unknown"
    say(f"{need}: downloading it ({amount}) from {page} into {target.parent} ...")
    problem = download.download(url, target)
    if problem is not None:
        raise _missing(need, f"and it could not be downloaded: {problem}")
    return target


def _missing(need: str, why: str) -> BadWeights:
    return BadWeights(
        f"{need}, which is not here, {why}. Put the file into the current folder or into the one "
        f"that {FOLDER} names, give weights with --weights FILE, or train from scratch with --weights none."
    )
