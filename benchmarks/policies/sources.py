"""The files of ours that a module stands on, read from its import statements."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("automl", "benchmarks")
WORDS = frozenset(("automl/errors.py", "automl/figures.py"))  # they say what happened, and decide nothing
SHAPES = WORDS | {  # a peer is told trials and epochs in them, and takes none of their defaults
    file.relative_to(ROOT).as_posix() for file in (ROOT / "automl" / "records").glob("*.py")
}


@cache
def sources(*modules: str, without: frozenset[str] = WORDS) -> tuple[str, ...]:
    """Paths from the top of the checkout, in order: of the modules and of all that they import, also within functions.

    without  files that are left out, and with them what only they import
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        for file in _files(waiting.pop()):
            if file not in found | without:
                found.add(file)
                waiting += _imported(ROOT / file)
    return tuple(sorted(found))


@cache
def digest(files: tuple[str, ...]) -> str:
    """Names the state of those files, so that results of another state are not taken for these."""
    return hashlib.sha256(b"".join((ROOT / file).read_bytes() for file in files)).hexdigest()[:10]


def _files(module: str) -> Iterator[str]:
    """The files that importing our module runs: its own, and `__init__` of the folders on the way to it.

    None for a name that is no module of ours; the `__init__` of a top-level package loads nothing.
    """
    parts = module.split(".")
    for length in range(2, len(parts) + 1) if parts[0] in PACKAGES else ():
        for file in (Path(*parts[:length], "__init__.py"), Path(*parts[:length]).with_suffix(".py")):
            if (ROOT / file).is_file():
                yield file.as_posix()


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
