"""The files of this package that a module stands on, read from its import statements."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
WORDS = frozenset(("errors.py", "figures.py"))  # they say what happened, and decide nothing
SHAPES = WORDS | {"records.py"}  # a peer is told trials and epochs in them, and takes none of their defaults


@cache
def sources(*modules: str, without: frozenset[str] = WORDS) -> tuple[str, ...]:
    """Paths below the package, in order: the modules' own, and of all that they import, also within functions.

    without  files that are left out, and with them what only they import
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        for file in _files(waiting.pop()):
            if file not in found | without:
                found.add(file)
                waiting += _imported(PACKAGE / file)
    return tuple(sorted(found))


@cache
def digest(files: tuple[str, ...]) -> str:
    """Names the state of those files, so that results of another state are not taken for these."""
    return hashlib.sha256(b"".join((PACKAGE / file).read_bytes() for file in files)).hexdigest()[:10]


def _files(module: str) -> Iterator[str]:
    """The files that importing our module runs: its own, and `__init__` of the folders on the way to it.

    None for a name that is no module of ours; the package's own `__init__` loads nothing.
    """
    root, *parts = module.split(".")
    for length in range(1, len(parts) + 1) if root == PACKAGE.name else ():
        for file in (Path(*parts[:length], "__init__.py"), Path(*parts[:length]).with_suffix(".py")):
            if (PACKAGE / file).is_file():
                yield file.as_posix()


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
