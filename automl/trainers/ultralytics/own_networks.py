"""Network files of the user: what they describe, checked before Ultralytics builds it. Ultralytics is not imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from automl.errors import AutoMLError, UntrustedNetwork
from automl.files import pointers, trusted
from automl.files.yaml_text import NotYaml, YamlText, parse_yaml
from automl.trainers.ultralytics.harmless import doubts

HEADS = ("Detect", "v10Detect")
# Modules of classic YOLOv5, versions 1 to 7.
_CLASSIC = frozenset(("Focus", "Conv", "C3", "SPP", "SPPF", "BottleneckCSP", "nn.Upsample", "Concat", "Detect"))
_PREFIXES = ("nn.", "torch.nn.", "torchvision.ops.")


def check_network(file: Path, package: Path) -> None:
    """Raise AutoMLError for a file that describes no detector which Ultralytics can build.

    package  folder of the installed Ultralytics

    Raises UntrustedNetwork for one that is not harmless, unless the user has trusted its content.
    """
    content = _bytes_of(file)
    text = _read(file, content)
    document: Mapping[str, Any] = text.values
    head = modules_of(document)[-1]
    if "anchors" in document or "anchors" in _arguments_of_head(document):
        raise AutoMLError(f"{file} {_of_classic(document, package)}")
    unknown = [name for name in modules_of(document) if not _is_known(name, package)]
    if unknown:
        raise AutoMLError(
            f"{file} names the module {unknown[0]}, which Ultralytics has not: it is the network of another project. "
            "Name one of Ultralytics' own, such as --models yolov5s, or describe it with Ultralytics' modules."
        )
    if head not in HEADS:
        raise AutoMLError(f"{file} ends in {head}; only detection networks, which end in Detect, are searched.")
    _check_harmless(file, content, text, package)


def _check_harmless(file: Path, content: bytes, text: YamlText, package: Path) -> None:
    doubt = next(doubts(text.as_yaml_1_1, package), None)  # as Ultralytics reads it
    digest = trusted.digest_of(content)
    if doubt is not None and not trusted.is_trusted(digest):
        line = text.lines.get(doubt.path.partition(".")[0])
        where = f"{file}:{line}" if line else f"{file}"
        raise UntrustedNetwork(f"{where}: {doubt.path} has {doubt.text}, {doubt.reason}", digest, str(file))


def modules_of(description: Mapping[str, Any]) -> list[str]:
    """Names of the modules from the first layer to the last."""
    return [str(layer[2]) for part in ("backbone", "head") for layer in description[part]]


def classic_name(description: Mapping[str, Any], package: Path) -> str | None:
    """Ultralytics' network of the size of a classic YOLOv5 or YOLOv3; None where it has none with these modules."""
    modules = modules_of(description)
    size = [description.get("depth_multiple"), description.get("width_multiple")]
    models = package / "cfg" / "models"
    if set(modules) <= _CLASSIC:
        level = "-p6" if len(description["head"][-1][0]) > 3 else ""
        scales = _packaged(models / "v5" / "yolov5.yaml")["scales"]
        return next((f"yolov5{scale}{level}" for scale, values in scales.items() if list(values[:2]) == size), None)
    if size != [1.0, 1.0]:
        return None
    return next((file.stem for file in models.glob("v3/*.yaml") if modules_of(_packaged(file)) == modules), None)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise AutoMLError(f"{file} cannot be read ({error.strerror}). {_NEEDED}") from None


def _read(file: Path, content: bytes) -> YamlText:
    if pointers.is_pointer(content):
        raise AutoMLError(f"{file} is {pointers.IN_WORDS}; {pointers.WAY_OUT}.")
    try:
        text = parse_yaml(content.decode("utf-8-sig"))
        for document in (text.values, text.as_yaml_1_1):
            _, _ = document["head"][-1][-2], modules_of(document)[-1]
    except NotYaml as error:
        line = f":{error.line}" if error.line else ""
        raise AutoMLError(f"{file}{line} is not YAML: {error.problem}. {_NEEDED}") from None
    except (UnicodeDecodeError, KeyError, IndexError, TypeError):
        raise AutoMLError(f"{file} does not describe a network: it {_NEEDS}.{_data_instead(file)}") from None
    return text


_NEEDS = "needs 'backbone' and 'head' as in Ultralytics' model files"
_NEEDED = f"A network file {_NEEDS}."


def _data_instead(file: Path) -> str:
    """Hint for a data.yaml in the place of a network; empty for other files."""
    try:
        values = parse_yaml(file.read_text(encoding="utf-8")).values
    except (OSError, UnicodeDecodeError, NotYaml):
        return ""
    is_data = isinstance(values, dict) and {"train", "val"} & set(map(str, values))
    return f" It is a data set: --data {file}." if is_data else ""


def _arguments_of_head(description: Mapping[str, Any]) -> list[Any]:
    arguments = description["head"][-1][-1]
    return arguments if isinstance(arguments, list) else []


def _of_classic(description: Mapping[str, Any], package: Path) -> str:
    name = classic_name(description, package)
    if name is not None:
        return f"is a network file of classic YOLO, with anchors. Ultralytics' own has none: --models {name}."
    if all(_is_known(module, package) for module in modules_of(description)):
        return (
            "is a network file of classic YOLO, with anchors. Ultralytics' networks have none: remove 'anchors', and "
            "write [nc] as the arguments of Detect."
        )
    return (
        "is the network file of another project, with anchors and modules which Ultralytics has not. Name one of "
        "Ultralytics' own, such as --models yolov5s."
    )


def _is_known(module: str, package: Path) -> bool:
    return module.startswith(_PREFIXES) or module in _modules(package)


@cache
def _modules(package: Path) -> frozenset[str]:
    """Modules that a network file may name, from the source text of Ultralytics' parser."""
    text = (package / "nn" / "tasks.py").read_text(encoding="utf-8")
    imports = (node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom))
    return frozenset(alias.name for node in imports if node.module == "ultralytics.nn.modules" for alias in node.names)


@cache
def _packaged(file: Path) -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document
