"""Parsed labels as Ultralytics stores them, read without running any code: a study's folder may come from elsewhere.

Ultralytics itself unpickles the whole file.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_PLAIN = {kind.__name__: kind for kind in (set, frozenset, complex, bytearray, slice)}


class _Plain(pickle.Unpickler):
    """Unpickler of arrays, numbers, texts and plain containers."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins" and name in _PLAIN:
            return _PLAIN[name]
        if module == "numpy" and name in ("dtype", "ndarray"):
            return getattr(np, name)
        if module in _NUMPY and name in ("scalar", "_reconstruct", "_frombuffer"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of parsed labels")


def read_cache(file: Path) -> dict[str, Any]:
    """The content of a label cache. Raises OSError, ValueError, TypeError or UnpicklingError for anything else."""
    with file.open("rb") as stream:
        major, _ = npy.read_magic(stream)
        (npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0)(stream)
        content = _Plain(stream).load()
    stored = content.item() if isinstance(content, np.ndarray) else content
    return dict(stored)
