"""The checkout that a benchmark runs from, for its processes in other folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def with_checkout(variables: Mapping[str, str], *first: Path) -> dict[str, str]:
    """Environment variables whose PYTHONPATH begins with the folders in `first` and the checkout."""
    parts = [*map(str, first), str(ROOT), variables.get("PYTHONPATH", "")]
    return {**variables, "PYTHONPATH": os.pathsep.join(part for part in parts if part)}
