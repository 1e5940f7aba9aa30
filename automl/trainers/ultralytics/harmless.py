"""Network files: parts that Ultralytics would run as Python, found without running anything.

Ultralytics evaluates `activation`, calls the module of each layer, and puts its own variables in the place of strings
among a layer's arguments. Modules of networks, numbers and plain words are harmless there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_ACTIVATION = re.compile(r"(torch\.)?nn\.[A-Z]\w*\((?P<arguments>[^()]*)\)")
_LAYER = re.compile(r"\w+|((torch\.)?nn\.|torchvision\.ops\.)[A-Z]\w*")  # the former are known by name
_WORD = re.compile(r"[A-Za-z][\w-]*")
_LOADER = "TorchVision"  # fetches weights by their name
_LONGEST = 100  # characters of a value; Python's parser cannot be trusted with everything
# Variables of Ultralytics' parser that are numbers or come from the file itself.
_NUMBERS = frozenset(
    ("nc", "scale", "depth", "width", "max_channels", "reg_max", "end2end", "kpt_shape", "legacy", "act")
)


@dataclass(frozen=True)
class Doubt:
    """A part of a network file that is not harmless."""

    path: str  # "activation", "backbone.3"
    text: str  # the value as Python writes it, not too long
    reason: str  # the end of a sentence


def doubts(description: Mapping[str, Any], package: Path) -> Iterator[Doubt]:
    """Parts of a description that are not harmless.

    package  folder of the installed Ultralytics
    """
    activation = description.get("activation")
    if activation and not _is_activation(activation):
        yield Doubt("activation", _short(activation), "which Ultralytics runs as Python")
    for part in ("backbone", "head"):
        for number, layer in enumerate(description[part]):
            yield from _of_layer(f"{part}.{number}", layer, package)


def _of_layer(path: str, layer: Any, package: Path) -> Iterator[Doubt]:
    module, arguments = layer[2], layer[3] if len(layer) > 3 else ()
    if not isinstance(module, str) or not _LAYER.fullmatch(module):
        yield Doubt(path, _short(module), "which is not the name of a layer")
    if module == _LOADER:
        yield Doubt(path, _LOADER, "which may download weights")
    for argument in arguments if isinstance(arguments, list) else ():
        if isinstance(argument, str) and not _is_plain(argument, package):
            yield Doubt(path, _short(argument), "which is neither a number nor a plain word")


def _is_activation(text: object) -> bool:
    """True for a layer with literal arguments, such as `nn.LeakyReLU(0.1)`."""
    match = _ACTIVATION.fullmatch(text.strip()) if isinstance(text, str) else None
    call = None if match is None else _parsed(f"dict({match['arguments']})")
    if not isinstance(call, ast.Call):
        return False
    return all(_is_literal(value) for value in (*call.args, *(word.value for word in call.keywords)))


def _is_plain(text: str, package: Path) -> bool:
    """True for a number or another literal, and for a word that stands for itself."""
    if _WORD.fullmatch(text):
        return text in _NUMBERS or text not in _variables(package)
    return _is_literal(_parsed(text))


def _parsed(text: str) -> ast.expr | None:
    if len(text) > _LONGEST:
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_literal(node: ast.expr | None) -> bool:
    try:
        ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


@cache
def _variables(package: Path) -> frozenset[str]:
    """Local variables of Ultralytics' parser, from its source text."""
    tree = ast.parse((package / "nn" / "tasks.py").read_text(encoding="utf-8"))
    parsers = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "parse_model"]
    names = {name for parser in parsers for name in _names(parser)}
    return frozenset(names)


def _names(parser: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(parser):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
