"""A YAML file of somebody else is data: nothing in it is run, and a small one stays small."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from automl.data import read_dataset
from automl.errors import AutoMLError
from automl.setup.foreign.documents import yaml_recipe
from automl.setup.request import check_model
from automl.space.file import read_space

LEVELS = 40  # of a mapping that names the one above it twice: 2 to the 40th values
BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, LEVELS))
SOON_S = 60.0  # on a busy machine; 2 to the 40th values take days


def space(file: Path) -> object:
    return read_space(file, {"lr0": 0.01}, lambda params: {})


def recipe(file: Path) -> object:
    return yaml_recipe(file, file.read_text())


def network(file: Path) -> object:
    return check_model(str(file))


READERS = (read_dataset, space, recipe, network)
readers = pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)


@pytest.mark.fault
@readers
@pytest.mark.parametrize("key", ["names", "parameters", "lr0", "backbone"])
@pytest.mark.parametrize(
    "tag", ["python/object/apply:os.system", "python/object/new:os.system", "python/object/apply:subprocess.call"]
)
def test_nothing_in_a_yaml_file_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object], key: str, tag: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "data.yaml"
    file.write_text(f"train: images\nval: images\n{key}: !!{tag} ['touch spite']\n")
    with pytest.raises(AutoMLError, match=r"data\.yaml"):
        read(file)
    assert not (tmp_path / "spite").exists()


@pytest.mark.fault
@readers
@pytest.mark.parametrize("key", ["names", "parameters", "lr0", "backbone"])
def test_a_small_yaml_file_that_names_itself_again_and_again_is_answered_at_once(
    tmp_path: Path, read: Callable[[Path], object], key: str
) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(f"{BOMB}train: images\nval: images\n{key}: *a{LEVELS - 1}\n")
    began = time.monotonic()
    answer = ""
    try:
        read(file)
    except AutoMLError as error:
        answer = str(error)
    assert time.monotonic() - began < SOON_S
    assert len(answer) < 10_000  # a line for each key
