"""Command lines that run when a user pastes them into a shell: the one place where words are quoted. Pure."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

WINDOWS = os.name == "nt"
_SPECIAL = frozenset("&|<>^()%!,;`'$@{}[]")  # of cmd and PowerShell, which list2cmdline leaves bare


def quoted(*words: str, windows: bool = WINDOWS) -> str:
    """The words as one command line, each quoted where the machine's shell needs it."""
    return " ".join(_on_windows(word) for word in words) if windows else shlex.join(words)


def variable(name: str, *, windows: bool = WINDOWS) -> str:
    """Value of an environment variable as one word of a command line."""
    return f'"%{name}%"' if windows else f'"${name}"'


def yolo_train(recipe: str | Path, *, windows: bool = WINDOWS) -> str:
    """Ultralytics' command that trains a recipe."""
    return quoted("yolo", "detect", "train", f"cfg={recipe}", windows=windows)


def unfit_for_yolo(recipe: str | Path) -> str:
    """Reason why Ultralytics' command cannot read a recipe from that path, for a sentence; empty if it can.

    It takes brackets as lists, strips spaces and commas, cuts at a question mark and renames files of YOLOv5.
    """
    path = str(recipe)
    if not path.lower().endswith((".yaml", ".yml")):
        return "it reads recipes only from files that end in .yaml"
    if any(not character.isprintable() for character in path):
        return "it cannot have line breaks or other control characters in a path"
    if path.count("[") != path.count("]"):
        return "it takes brackets in a path for a list"
    if "?" in path or "://" in path:
        return "it takes the path for an address"
    if path != path.strip():
        return "it strips spaces from both ends of a path"
    if ("yolov3" in path or "yolov5" in path) and "u.yaml" in path:
        return "it reads u.yaml as .yaml in a path with yolov5 or yolov3"
    return ""


def _on_windows(word: str) -> str:
    text = subprocess.list2cmdline([word])
    if text.startswith('"') or not _SPECIAL & set(word):
        return text
    backslashes = len(text) - len(text.rstrip("\\"))  # before a quote they count double
    return f'"{text}{text[len(text) - backslashes :]}"'
