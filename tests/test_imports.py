"""The house has floors: a file imports from lower ones only, and each engine lives in one room."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "automl"
FLOORS = (
    ("errors", "records", "budget", "figures", "folders", "pictures"),
    ("data", "slots", "space", "space_file", "halving", "trust", "resample", "ending", "leaderboard"),
    (
        "sampler",
        "history",
        "runs",
        "operating",
        "confirming",
        "production",
        "proposals",
        "policy",
        "plan",
        "points",
        "portfolio",
        "earlier",
    ),
    ("trainers", "drivers", "store", "recipes"),
    (
        "request",
        "places",
        "warm",
        "kept",
        "report",
        "resumable",
        "compiling",
        "unseen",
        "probing",
        "overview",
        "page",
        "bench",
        "service",
    ),
    ("terminal", "plan_view", "progress", "cli", "automl"),
)
# Doors between rooms of one floor, one way each: (who imports, what).
DOORS = (
    ("budget", "automl.errors"),
    ("space_file", "automl.space"),
    ("leaderboard", "automl.trust"),
    ("leaderboard", "automl.halving"),
    ("policy", "automl.sampler.protocol"),
    ("policy", "automl.confirming"),
    ("policy", "automl.production"),
    ("confirming", "automl.production"),
    ("production", "automl.plan"),
    ("policy", "automl.history"),
    ("policy", "automl.runs"),
    ("confirming", "automl.plan"),
    ("confirming", "automl.points"),
    ("plan", "automl.points"),
    ("operating", "automl.points"),
    ("operating", "automl.sampler.protocol"),
    ("policy", "automl.operating"),
    ("policy", "automl.proposals"),
    ("proposals", "automl.history"),
    ("proposals", "automl.operating"),
    ("proposals", "automl.runs"),
    ("proposals", "automl.sampler.protocol"),
    ("earlier", "automl.portfolio"),
    ("drivers", "automl.trainers.base"),
    ("recipes", "automl.trainers"),
    ("service", "automl.request"),
    ("service", "automl.places"),
    ("service", "automl.warm"),
    ("request", "automl.places"),
    ("request", "automl.kept"),
    ("warm", "automl.request"),
    ("probing", "automl.request"),
    ("probing", "automl.compiling"),
    ("compiling", "automl.request"),
    ("service", "automl.probing"),
    ("service", "automl.resumable"),
    ("resumable", "automl.request"),
    ("resumable", "automl.places"),
    ("service", "automl.kept"),
    ("service", "automl.overview"),
    ("service", "automl.report"),
    ("service", "automl.unseen"),
    ("unseen", "automl.kept"),
    ("overview", "automl.report"),
    ("page", "automl.places"),
    ("bench", "automl.request"),
    ("bench", "automl.places"),
    ("bench", "automl.page"),
    ("cli", "automl.terminal"),
    ("cli", "automl.plan_view"),
    ("plan_view", "automl.terminal"),
    ("progress", "automl.plan_view"),
    ("cli", "automl.progress"),
    ("progress", "automl.terminal"),
)
ENGINES = {
    "optuna": ("automl/sampler/", "automl/bench/rivals_tpe.py"),  # a peer is Optuna itself, not our sampler
    "ray": ("automl/drivers/ray_tune.py",),
    "ultralytics": ("automl/trainers/", "automl/bench/"),
    "torch": ("automl/trainers/", "automl/bench/"),
    "torchvision": ("automl/trainers/", "automl/bench/"),
    "sqlalchemy": ("automl/store/",),
    "alembic": ("automl/store/",),
}


@dataclass(frozen=True)
class Import:
    """One import statement. `typing_only`: under `if TYPE_CHECKING`, so that nothing is loaded."""

    file: str  # from the package's parent, with slashes
    line: int
    target: str  # "automl.store.read", "torch.nn"
    typing_only: bool

    @property
    def room(self) -> str:
        """The file's module or folder on the package's first level."""
        parts = Path(self.file).with_suffix("").parts
        return "automl" if parts[1] == "__init__" else parts[1]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target}"


def sources() -> Iterator[tuple[str, str]]:
    """Every source file of the package, each once."""
    for folder, _, names in os.walk(PACKAGE):
        for name in sorted(names):
            if name.endswith(".py"):
                file = Path(folder, name)
                yield file.relative_to(PACKAGE.parent).as_posix(), file.read_text(encoding="utf-8")


def imports(file: str, text: str) -> Iterator[Import]:
    """The absolute imports of a file, those within functions too."""
    tree = ast.parse(text)
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} is relative: write automl. ..."
            module = node.module or ""
            # `from automl import service` and `from automl.store import read` name modules
            targets = [f"{module}.{alias.name}" if is_module(module, alias.name) else module for alias in node.names]
        else:
            continue
        for target in targets:
            yield Import(file, node.lineno, target, id(node) in guarded)


def is_module(package: str, name: str) -> bool:
    """Whether a name within our package is a file or a folder of it."""
    place = PACKAGE.parent.joinpath(*package.split("."), name)
    return package.split(".")[0] == "automl" and (place.is_dir() or place.with_suffix(".py").is_file())


def every_import() -> list[Import]:
    return [found for file, text in sources() for found in imports(file, text)]


def floor(room: str) -> int | None:
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)


def points_up(found: Import) -> bool:
    """Whether an import of our own leads to another room that is not below."""
    parts = found.target.split(".")
    if parts[0] != "automl" or len(parts) == 1:
        return False  # the package itself holds the version and loads nothing
    below, own = floor(parts[1]), floor(found.room)
    if parts[1] == found.room or below is None or own is None:
        return False
    door = any(found.room == who and f"{found.target}.".startswith(f"{what}.") for who, what in DOORS)
    return below > own or (below == own and not door and found.room != "automl")


def test_every_room_has_a_floor() -> None:
    rooms = {found.room for found in every_import()}
    assert sorted(room for room in rooms if floor(room) is None) == []


def test_files_import_from_lower_floors_only() -> None:
    assert [str(found) for found in every_import() if points_up(found)] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_imported_in_one_place(engine: str) -> None:
    elsewhere = [
        str(found)
        for found in every_import()
        if found.target.split(".")[0] == engine and not found.typing_only and not found.file.startswith(ENGINES[engine])
    ]
    assert elsewhere == []


FORBIDDEN = (
    "automl.store.write",
    "automl.store.bulk",
    "automl.store.batch",
    "automl.store.recorder",
    "automl.service",
    "automl.drivers",
    "pickle",
    *ENGINES,
)


def test_the_page_can_neither_write_nor_train() -> None:
    files = sorted((PACKAGE.parent / "dashboards").rglob("*.py"))
    assert files
    found = [each for file in files for each in imports(f"dashboards/{file.name}", file.read_text(encoding="utf-8"))]
    told = [str(each) for each in found if not each.typing_only and each.target.startswith(FORBIDDEN)]
    assert told == []


def test_the_check_sees_an_import_that_points_up() -> None:
    (found,) = imports("automl/halving.py", "def f():\n    from automl.store import read\n")
    assert (found.target, found.line) == ("automl.store.read", 2)
    assert points_up(found)


@pytest.mark.parametrize("module", ["automl", "automl.cli"])
def test_the_command_line_starts_without_an_engine(module: str) -> None:
    told = f"import sys, {module}; print(*({set(ENGINES)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.split() == []


def test_the_verbs_are_loaded_without_training_engines() -> None:
    told = "import sys, automl.service; print(*({'torch', 'ray', 'optuna', 'ultralytics'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.split() == []
