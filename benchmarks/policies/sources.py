"""Source files of this checkout that a module depends on, by its import statements."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.checkout import ROOT

PACKAGES = ("automl", "benchmarks")
WORDS = frozenset(("automl/errors.py", "automl/figures.py"))  # texts, which decide nothing
SHAPES = WORDS | {  # records of trials and epochs, whose defaults no peer uses
    file.relative_to(ROOT).as_posix() for file in (ROOT / "automl" / "records").glob("*.py")
}


@cache
def sources(*modules: str, without: frozenset[str] = WORDS) -> tuple[str, ...]:
    """Sorted paths from the top of the checkout: the modules and all their imports, also those within functions.

    without  files to leave out, together with files that only they import
    """
    files: set[str] = set()
    waiting = list(modules)
    while waiting:
        for file in _files(waiting.pop()):
            if file not in files | without:
                files.add(file)
                waiting += _imported(ROOT / file)
    return tuple(sorted(files))


@cache
def digest(files: tuple[str, ...]) -> str:
    """Hash of the contents of the files, which tells results of different versions apart."""
    return hashlib.sha256(b"".join((ROOT / file).read_bytes() for file in files)).hexdigest()[:10]


def _files(module: str) -> Iterator[str]:
    """Files that an import of our module runs: its own, and the `__init__` of each folder above it.

    Empty for other names. The `__init__` of a top-level package is left out, because it imports nothing.
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
