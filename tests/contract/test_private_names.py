"""The tables of the engines' private names: true of the installed versions, and complete as far as code can tell."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from automl.drivers import private_names as of_ray
from automl.errors import EngineMismatch
from automl.files import installed
from automl.files.installed import PrivateName, check_names, is_there, uses
from automl.records import Slots
from automl.sampler import private_names as of_optuna
from automl.trackers import private_names as of_optunas_tables
from automl.trainers.ultralytics import private_names as of_ultralytics

ROOT = Path(__file__).parents[2]
# Modules whose names an engine's documentation explains; of all others each import is in a table.
DOCUMENTED = {
    *("ray", "ray.tune", "ray.tune.schedulers", "ray.tune.search", "ray.tune.stopper"),
    *("optuna", "optuna.distributions", "optuna.importance", "optuna.storages", "optuna.storages.journal"),
    *("optuna.study", "optuna.trial"),
    *("ultralytics", "torch", "torchvision"),
}
# Methods that Ray's documentation asks us to write.
EXPECTED = {
    *("setup", "step", "reset_config", "cleanup"),
    *("suggest", "on_trial_add", "on_trial_complete", "on_trial_result", "save", "restore", "stop_all"),
    *("should_report", "report"),  # of a progress reporter
}


@dataclass(frozen=True)
class Engine:
    """An engine, the package that imports it, and its table."""

    name: str
    modules: tuple[str, ...]  # top-level modules
    package: str
    table: tuple[PrivateName, ...]

    @property
    def parts(self) -> set[str]:
        """All that stands in the table between dots and colons."""
        return {part for entry in self.table for part in re.split(r"[.:]", entry.name.replace("()", ""))}

    def sources(self) -> Iterator[tuple[Path, ast.Module]]:
        """Our files that use the engine."""
        for file in sorted((ROOT / self.package).glob("*.py")):
            if file.name != "private_names.py":
                yield file, ast.parse(file.read_text(encoding="utf-8"))


ENGINES = (
    Engine("ultralytics", ("ultralytics", "torch"), "automl/trainers/ultralytics", of_ultralytics.NAMES),
    Engine("ray", ("ray",), "automl/drivers", of_ray.NAMES),
    Engine("optuna", ("optuna",), "automl/sampler", of_optuna.NAMES),
    Engine("optuna", ("optuna",), "automl/trackers", of_optunas_tables.NAMES),
)


@pytest.fixture(params=ENGINES, ids=[engine.package for engine in ENGINES])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each of them."""
    chosen: Engine = request.param
    return chosen


# -- the tables and what is installed ---------------------------------------------------------------------


def test_the_installed_engine_has_every_name(engine: Engine) -> None:
    assert [entry.name for entry in engine.table if not is_there(entry)] == []
    assert check_names(engine.name, engine.table) == []


def test_an_entry_says_what_for_and_stands_once(engine: Engine) -> None:
    names = [(entry.name, entry.caller) for entry in engine.table]
    assert len(set(names)) == len(names)
    assert [entry.name for entry in engine.table if not entry.purpose.startswith(("to ", "for "))] == []


@pytest.mark.parametrize(
    "name",
    [
        "ultralytics.data.utils._replace_image",
        "ultralytics.engine.trainer.BaseTrainer._setup_train",
        "ultralytics.data.dataset.YOLODataset._load_or_scan_cache",
    ],
)
def test_a_name_that_has_vanished_is_an_error_with_the_versions_that_work(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(name)
    with pytest.raises(EngineMismatch) as raised:
        check_names("ultralytics", of_ultralytics.NAMES)
    assert name.rpartition(".")[2] in str(raised.value)
    assert "automl works with ultralytics>=8.4" in str(raised.value)


def test_a_hook_that_nobody_calls_any_more_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ultralytics.data.utils.check_image", lambda file: ("", (1, 1)))
    with pytest.raises(EngineMismatch, match="_replace_image"):
        check_names("ultralytics", of_ultralytics.NAMES)


def test_a_tool_that_wraps_a_method_of_the_trainer_does_not_stop_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    from ultralytics.engine.trainer import BaseTrainer

    train = BaseTrainer._do_train
    monkeypatch.setattr(BaseTrainer, "_do_train", lambda self: train(self))
    assert check_names("ultralytics", of_ultralytics.NAMES) == []


def test_a_name_that_only_embellishes_is_said_in_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("ray._private.worker.print_to_stdstream")
    (note,) = check_names("ray", of_ray.NAMES)
    assert note.startswith("ray 2.")
    assert "print_to_stdstream" in note


def test_what_cannot_be_patched_in_ray_is_said_and_the_rest_is_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.air.execution._internal.actor_manager import RayActorManager

    from automl.drivers.place import Place
    from automl.drivers.ray_patches import notes, patched

    before = RayActorManager._actor_task_failed
    monkeypatch.delattr("ray._private.worker.print_to_stdstream")
    (note,) = notes.__wrapped__()
    assert "print_to_stdstream" in note
    with patched(Place.HERE, {}):
        assert RayActorManager._actor_task_failed is not before
    assert RayActorManager._actor_task_failed is before


@pytest.mark.parametrize("where", ["here", "cluster", "session"])
def test_ray_is_as_before_once_a_search_has_ended(where: str) -> None:
    import ray
    from ray.air.execution.resources.placement_group import PlacementGroupResourceManager
    from ray.tune.execution.class_cache import _ActorClassCache

    from automl.drivers.place import Place
    from automl.drivers.ray_patches import leave_placement_groups, patched

    def state() -> tuple[object, ...]:
        manager = PlacementGroupResourceManager.__del__
        return ray._private.worker.print_to_stdstream, manager, _ActorClassCache.get

    before = state()
    with patched(Place(where), {}):
        if where != "session":  # of which the placement groups are given back
            leave_placement_groups()
        assert state() != before
    assert state() == before


def test_messages_of_a_session_of_the_user_are_not_silenced() -> None:
    import ray

    from automl.drivers.place import Place
    from automl.drivers.ray_patches import patched

    before = ray._private.worker.print_to_stdstream
    with patched(Place.SESSION, {}):
        assert ray._private.worker.print_to_stdstream is before


def test_ray_is_checked_before_a_cluster_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    from automl.drivers import cluster, ray_patches

    monkeypatch.setattr("ray.tune.experiment.trial._TemporaryTrialState", object)
    monkeypatch.setattr(ray_patches, "notes", ray_patches.notes.__wrapped__)
    with pytest.raises(EngineMismatch, match="ray_actor"), cluster.cluster(Slots(count=1, device="cpu")):
        pytest.fail("a cluster began")


def test_an_engine_is_checked_before_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from automl.trainers.ultralytics import environment

    environment._tame.cache_clear()
    monkeypatch.setattr("ultralytics.data.utils.check_image", lambda file: ("", (1, 1)))
    with pytest.raises(EngineMismatch, match="_replace_image"):
        environment.prepare_environment(tmp_path)
    monkeypatch.undo()
    environment.prepare_environment(tmp_path)


def test_an_attribute_that_methods_set_is_seen_and_one_that_none_does_is_not() -> None:
    trainer = "ultralytics.engine.trainer:BaseTrainer()"
    assert is_there(PrivateName(f"{trainer}._oom_retries", "to test"))
    assert not is_there(PrivateName(f"{trainer}._nothing_of_that_name", "to test"))


def test_the_versions_that_work_are_those_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed.metadata, "requires", lambda name: ["ray[tune]<3,>=2.60", "Ultra-lytics<9,>=8"])
    assert installed.working_versions("ray") == ">=2.60,<3"
    assert installed.working_versions("optuna") == ""


# -- the tables and our sources ---------------------------------------------------------------------------


def test_private_attributes_of_an_engine_are_in_its_table(engine: Engine) -> None:
    own = defined_names()
    unlisted = [
        f"{file.name}:{node.lineno} {node.attr}"
        for file, tree in engine.sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) != "os"
        if node.attr not in own and node.attr not in engine.parts
    ]
    assert unlisted == []


def test_undocumented_imports_from_an_engine_are_in_its_table(engine: Engine) -> None:
    names = {entry.name for entry in engine.table}
    unlisted = [
        f"{file.name}:{node.lineno} {node.module}:{alias.name}"
        for file, tree in engine.sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module not in DOCUMENTED
        if node.module.split(".")[0] in engine.modules
        for alias in node.names
        if f"{node.module}:{alias.name}" not in names
    ]
    assert unlisted == []


def test_methods_that_replace_an_engines_are_in_its_table(engine: Engine) -> None:
    unlisted = [
        f"{kind.__name__}.{name}"
        for kind in subclasses(engine)
        for name in vars(kind)
        if not name.startswith(("__", "_abc")) and name not in EXPECTED
        if any(name in vars(base) for base in engine_bases(kind, engine))
        if name not in engine.parts
    ]
    assert unlisted == []


def test_what_we_read_of_an_engines_object_is_in_its_table(engine: Engine) -> None:
    kinds = {kind.__name__: kind for kind in subclasses(engine)}
    unlisted = {
        f"{file.name}: {kind.__name__}.{name}"
        for file, tree in engine.sources()
        for kind, name in attributes_read(tree, kinds)
        if name not in engine.parts and is_of_engine(kind, name, engine)
    }
    assert sorted(unlisted) == []


def is_private(name: str) -> bool:
    """One underscore, not two."""
    return name.startswith("_") and not name.startswith("__")


def defined_names() -> set[str]:
    """Private names that our own sources define: methods, classes, attributes of self, fields."""
    names = set()
    for file in (ROOT / "automl").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
                names.add(node.attr)
    return names


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def subclasses(engine: Engine) -> list[type]:
    """Our classes that inherit from an engine's."""
    package = engine.package.replace("/", ".")
    modules = [importlib.import_module(f"{package}.{file.stem}") for file, _ in engine.sources()]
    return [kind for module in modules for kind in classes_of(module) if any(engine_bases(kind, engine))]


def classes_of(module: ModuleType) -> list[type]:
    return [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__]


def engine_bases(kind: type, engine: Engine) -> list[type]:
    """The engine's classes among the bases of ours, without torch's."""
    return [base for base in kind.__mro__ if base.__module__.split(".")[0] == engine.modules[0]]


def is_of_engine(kind: type, name: str, engine: Engine) -> bool:
    """True if the attribute is the engine's rather than ours."""
    return any(name in vars(base) or uses(base, name) for base in engine_bases(kind, engine))


def attributes_read(tree: ast.Module, kinds: dict[str, type]) -> Iterator[tuple[type, str]]:
    """Attributes of self in those classes, and of parameters that are annotated with one of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in kinds:
            yield from ((kinds[node.name], name) for name in attributes_of("self", node))
        elif isinstance(node, ast.FunctionDef):
            for argument in node.args.args:
                if isinstance(argument.annotation, ast.Name) and argument.annotation.id in kinds:
                    yield from ((kinds[argument.annotation.id], name) for name in attributes_of(argument.arg, node))


def attributes_of(name: str, within: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(within)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }
