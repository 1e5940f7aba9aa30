"""The user's own settings of Ultralytics, read without importing it. Nothing is written."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path

from automl.files.home import expanded

_VARIABLES = ("YOLO_CONFIG_DIR", "YOLO_OFFLINE")
_before: dict[str, str | None] = {}  # values of the user's, once this process has set its own


def remember() -> None:
    """Keep the user's values of the variables that `prepare_environment` sets for this process. Once a process."""
    if not _before:
        _before.update({name: os.environ.get(name) for name in _VARIABLES})


def variable(name: str) -> str:
    """The user's value of an environment variable; empty where it is not set."""
    return (_before.get(name) if name in _before else os.environ.get(name)) or ""


def is_offline() -> bool:
    """True if YOLO_OFFLINE forbids the use of the network."""
    return variable("YOLO_OFFLINE").strip().lower() in ("1", "true", "yes", "on", "y", "t")


def weights_dir() -> Path:
    """Folder in which Ultralytics keeps weights: its setting, else the default that it would write there."""
    return _folder("weights_dir", (_root() or Path()) / "weights")


def datasets_dir() -> Path:
    """Folder in which Ultralytics keeps data sets: its setting, else the default that it would write there."""
    root = _root()
    return _folder("datasets_dir", (root.parent if root is not None else Path()) / "datasets")


def _folder(key: str, default: Path) -> Path:
    value = _settings().get(key)
    return (expanded(value) if isinstance(value, str) and value else default).absolute()


def _settings() -> Mapping[str, object]:
    """Content of Ultralytics' settings.json; empty without a readable one."""
    own = variable("YOLO_CONFIG_DIR")
    place = expanded(own or os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    try:
        document = json.loads((place / "Ultralytics" / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _root() -> Path | None:
    """Git checkout in which Ultralytics is installed; None outside of any."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        return None
    return next((folder for folder in Path(spec.origin).parents if (folder / ".git").exists()), None)
