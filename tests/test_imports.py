"""Packages have floors: each imports from lower floors only, without exceptions, and each engine has its place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "automl"
# From the lowest floor up. A name is a package or a module at the root of `automl`, or a top-level package.
FLOORS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            {"errors", "figures", "markup", "records"},
            {"files", "host"},
            {"data", "scores", "space"},
            {"checks", "costs", "sampler", "store", "trainers"},
            {"diagnosis", "ensembles", "page", "policy"},
            {"drivers", "recipes", "reports"},
            {"dashboards", "setup", "terminal", "trackers"},
            {"results", "service"},
            {"commands"},
            {"benchmarks", "cli"},
            {"__main__"},
        ),
    )
)
# Places of each engine: a folder, or a file. Optuna is a sampler, and a tool that studies are exported to.
ENGINES: Mapping[str, tuple[str, ...]] = {
    "optuna": ("automl/sampler/", "automl/trackers/optuna.py", "automl/trackers/optuna_tables.py"),
    "ray": ("automl/drivers/",),
    "ultralytics": ("automl/trainers/ultralytics/",),
    "torch": ("automl/trainers/ultralytics/",),
    "torchvision": ("automl/trainers/ultralytics/",),
    "sqlalchemy": ("automl/store/",),
    "alembic": ("automl/store/",),
    "streamlit": ("dashboards/",),
    "apprise": ("automl/terminal/messenger.py",),
    "mlflow": ("automl/trackers/mlflow.py",),
    "tensorboard": (),  # its files are written without it
    "tensorboardX": ("automl/trackers/tensorboard.py",),
}
ROOT_MODULES = {"__init__", "__main__", "cli", "errors", "figures", "markup", "page", "results", "service"}


@dataclass(frozen=True)
class Import:
    """One import statement. `typing_only`: under `if TYPE_CHECKING`, so that nothing is loaded."""

    file: str  # from the top of the checkout, with slashes
    line: int
    target: str  # "automl.store.read", "torch.nn"
    typing_only: bool = False

    @property
    def package(self) -> str:
        """Name of the importing package, as in `FLOORS`."""
        return package_of(self.file.removesuffix(".py").replace("/", "."))

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target}"


def package_of(module: str) -> str:
    """The name in `FLOORS` that a module belongs to; "automl" for the root package itself."""
    parts = module.split(".")
    if parts[0] != "automl":
        return parts[0]
    return "automl" if len(parts) == 1 or parts[1] == "__init__" else parts[1]


def sources() -> list[Path]:
    """Every source file that ships or measures."""
    return sorted(file for name in ("automl", "dashboards", "benchmarks") for file in (ROOT / name).rglob("*.py"))


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
    """Whether a name within one of our packages is a file or a folder of it."""
    place = ROOT.joinpath(*package.split("."), name)
    return package.split(".")[0] in ("automl", "dashboards", "benchmarks") and (
        place.is_dir() or place.with_suffix(".py").is_file()
    )


def every_import() -> list[Import]:
    return [
        statement
        for file in sources()
        for statement in imports(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    ]


def floor(package: str) -> int | None:
    return next((number for number, packages in enumerate(FLOORS) if package in packages), None)


def points_up(statement: Import) -> bool:
    """Whether an import of our own leads to another package that is not on a lower floor."""
    target = package_of(statement.target)
    below, own = floor(target), floor(statement.package)
    if target == statement.package or below is None or own is None:
        return False
    return below >= own


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    """One circle of a graph, its first node again at the end; empty where there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in sorted(arrows.get(node, ())):
            if way := visit(following, [*path, node]):
                return way
        done.add(node)
        return []

    return next((way for node in sorted(arrows) if (way := visit(node, []))), [])


def file_of(module: str) -> str:
    """The file of one of our modules."""
    place = ROOT.joinpath(*module.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return file.relative_to(ROOT).as_posix()


def test_every_package_has_a_floor() -> None:
    packages = {statement.package for statement in every_import()} - {"automl"}
    assert sorted(package for package in packages if floor(package) is None) == []


def test_packages_import_from_lower_floors_only() -> None:
    assert [str(statement) for statement in every_import() if points_up(statement)] == []


def test_the_root_holds_only_what_belongs_nowhere_else() -> None:
    assert {file.stem for file in PACKAGE.glob("*.py")} == ROOT_MODULES


def test_inside_a_package_files_import_without_a_circle() -> None:
    arrows: dict[str, set[str]] = {}
    for statement in every_import():
        if package_of(statement.target) == statement.package and floor(statement.package) is not None:
            arrows.setdefault(statement.file, set()).add(file_of(statement.target))
    assert circle(arrows) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_imported_in_its_place(engine: str) -> None:
    elsewhere = [
        str(statement)
        for statement in every_import()
        if statement.target.split(".")[0] == engine
        and not statement.typing_only
        and not statement.file.startswith((*ENGINES[engine], "benchmarks/"))  # peers are the engines themselves
    ]
    assert elsewhere == []


FORBIDDEN = (
    "automl.store.write",
    "automl.store.bulk",
    "automl.store.batch",
    "automl.store.recorder",
    "automl.store.checks",
    "automl.service",
    "automl.drivers",
    "automl.trackers",
    "pickle",
    *(engine for engine in ENGINES if engine != "streamlit"),
)


def test_the_page_can_neither_write_nor_train() -> None:
    page = [statement for statement in every_import() if statement.package == "dashboards"]
    assert page
    assert [str(s) for s in page if not s.typing_only and s.target.startswith(FORBIDDEN)] == []


def test_the_check_sees_an_import_that_points_up() -> None:
    (statement,) = imports("automl/scores/halving.py", "def f():\n    from automl.store import read\n")
    assert (statement.target, statement.line) == ("automl.store.read", 2)
    assert points_up(statement)


def test_the_check_sees_an_import_of_the_same_floor() -> None:
    (statement,) = imports("automl/setup/request.py", "from automl.terminal import report\n")
    assert points_up(statement)


def test_the_check_sees_a_circle() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


@pytest.mark.parametrize("module", ["automl", "automl.cli"])
def test_the_command_line_starts_without_an_engine(module: str) -> None:
    program = f"import sys, {module}; print(*({set(ENGINES)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_the_verbs_are_loaded_without_training_engines() -> None:
    program = "import sys, automl.service; print(*({'torch', 'ray', 'optuna', 'ultralytics'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
