"""The lowest versions that pyproject.toml allows, as requirements for pip.

`python -m tests.tools.lowest_versions [NAME ...]` prints one pin a line; NAME is left out. Prints no pin of a tool
that `make test-lowest` does not run.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
NOT_TESTED = frozenset({"docs"})  # extras that no test of the package needs
NOT_RUN = frozenset({"build", "mypy", "playwright", "pre-commit", "ruff"})  # tools of other targets
_NAME = re.compile(r"[A-Za-z0-9._-]+(\[[A-Za-z0-9,_-]+\])?")
_LOWER = re.compile(r"(?:>=|~=|==)\s*([0-9][0-9A-Za-z.]*)")


def pins(project: Mapping[str, Any], without: Collection[str] = ()) -> Iterator[str]:
    """A pin for each dependency that has a lower bound.

    without  names of dependencies to leave out
    """
    metadata = project["project"]
    extras = [parts for name, parts in metadata.get("optional-dependencies", {}).items() if name not in NOT_TESTED]
    for requirement in sorted({text for part in (metadata["dependencies"], *extras) for text in part}):
        specifier = requirement.partition(";")[0]
        name, bound = _NAME.match(specifier), _LOWER.search(specifier)
        if name is None or bound is None or name[0].partition("[")[0] in {*NOT_RUN, *without}:
            continue
        yield f"{name[0]}=={bound[1]}"


def main() -> None:
    """Print the pins of this checkout's pyproject.toml."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    for pin in pins(project, sys.argv[1:]):
        print(pin)


if __name__ == "__main__":
    main()
