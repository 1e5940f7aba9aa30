"""A Python process of the user's that calls the functions of automl, and what a search may not change in it."""

from __future__ import annotations

import faulthandler
import hashlib
import logging
import os
import pickle
import random
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.builders.cli import environment

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"trainer": "surrogate", "epochs": 3, "device": "cpu", "slots": 1, "seed": 1}


def snapshot() -> dict[str, Any]:
    """State of this process. Levels are those of every logger that a library of ours has."""
    numpy = np.random.get_state()  # the global generator is what user programs seed
    names = {
        "",
        "ray",
        "ray.tune",
        "ray.data",
        "ray.train",
        "optuna",
        "ultralytics",
        "alembic",
        "sqlalchemy",
        "filelock",
    }
    return {
        "environment": dict(os.environ),
        "signals": {str(number): signal.getsignal(number) for number in signal.valid_signals()},
        "levels": {name: logging.getLogger(name).level for name in names},
        "root handlers": list(logging.getLogger().handlers),
        "warnings": [str(entry) for entry in warnings.filters],
        "cwd": str(Path.cwd()),
        "argv": list(sys.argv),
        "random": hashlib.sha256(pickle.dumps(random.getstate())).hexdigest(),
        "numpy": hashlib.sha256(pickle.dumps(numpy)).hexdigest(),
        "hook": sys.excepthook,
        "settings": _settings(),
        "faults": faulthandler.is_enabled(),
        "stdout": sys.stdout,
        "torch": _torch(),
    }


def _settings() -> object:
    """Ultralytics' settings file, as last written."""
    file = Path.home() / ".config" / "Ultralytics" / "settings.json"
    return file.read_bytes() if file.is_file() else None


def _torch() -> object:
    """State of torch where the process has loaded it."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    return torch.get_num_threads(), deterministic, torch.initial_seed(), torch.get_default_dtype()


def check_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Fails with the things that have changed."""
    changed = {key: (value, after[key]) for key, value in before.items() if after[key] != value}
    if "environment" in changed:
        old, new = changed["environment"]
        changed["environment"] = {
            key: (old.get(key), new.get(key)) for key in {*old, *new} if old.get(key) != new.get(key)
        }
    assert not changed, changed


def run_program(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python program in a process and a folder of its own."""
    return subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT), AUTOML_HOME=str(folder / "runs"), **variables),
        timeout=900,
        check=False,
    )
