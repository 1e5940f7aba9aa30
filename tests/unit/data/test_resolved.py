"""Whether a user's data.yaml can stand for the resolved one, and what is taken home where it cannot."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from automl.data import read_dataset, write_resolved
from automl.data.resolved import copy_resolved, means_the_same
from automl.errors import AutoMLError
from tests.builders.data_folder import BOX, Make, write_image

LISTED = {"val": "list.txt"}


def resolved(file: Path) -> Path:
    """What a study of that data set trains on, in a folder of its own."""
    return write_resolved(read_dataset(file), file.parent / "study" / "data.yaml")


@pytest.mark.parametrize(
    ("keys", "same"),
    [
        ({}, True),
        ({"path": ""}, True),
        ({"names": {1: "dog", "0": "cat"}, "nc": 2}, True),
        ({"val": None, "validation": "images/val"}, True),
        ({"train": ["images/train", "images/val"]}, True),
        ({"train": "../images/train"}, True),  # as exports of Roboflow have it
        ({"path": "."}, False),
        (LISTED, False),
        ({"val": ["images/val", "list.txt"]}, False),
    ],
)
def test_what_hangs_on_no_current_directory_means_the_same(
    make: Make, tmp_path: Path, keys: dict[str, object], same: bool
) -> None:
    (tmp_path / "list.txt").write_text("images/val/a.jpg\n")
    file = make(splits=("train", "val", "test"), **keys)
    assert means_the_same(file, resolved(file)) is same


def test_an_absolute_path_means_the_same(make: Make, tmp_path: Path) -> None:
    file = make(path=str(tmp_path))
    assert means_the_same(file, resolved(file))


@pytest.mark.parametrize(
    "changes",
    [{"names": ["cat", "bird"]}, {"val": "images/train"}, {"channels": 1}, {"test": 5}, {"test": ["a", None]}],
)
def test_a_file_that_was_changed_since_does_not(make: Make, changes: dict[str, object]) -> None:
    target = resolved(make())
    assert not means_the_same(make(**changes), target)


@pytest.mark.parametrize("test", ["images/val", "nowhere", [], ["images/val", "nowhere"]])
def test_a_test_split_that_nothing_was_measured_on_changes_no_training(make: Make, test: object) -> None:
    target = resolved(make())
    assert means_the_same(make(test=test), target)


def test_names_that_ultralytics_would_read_otherwise_are_in_the_resolved_file_alone(make: Make) -> None:
    file = make()
    file.write_text("train: images/train\nval: images/val\nnames: [yes, 007]\n")
    target = resolved(file)
    assert yaml.safe_load(target.read_text())["names"] == {0: "yes", 1: "007"}
    assert not means_the_same(file, target)
    file.write_text("train: images/train\nval: images/val\nnames: ['yes', '007']\n")
    assert means_the_same(file, target)


def test_a_part_of_val_that_was_held_back_is_not_in_the_users_file(make: Make, tmp_path: Path) -> None:
    file = make()
    whole = read_dataset(file)
    part = replace(whole, val=replace(whole.val, sources=(), images=whole.val.images[:1]))
    assert not means_the_same(file, write_resolved(part, tmp_path / "study" / "data.yaml"))


def test_a_file_that_is_gone_means_nothing(make: Make, tmp_path: Path) -> None:
    file = make()
    assert not means_the_same(file, tmp_path / "study" / "data.yaml")
    assert not means_the_same(tmp_path / "other.yaml", resolved(file))


def test_a_copy_stands_without_the_study(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "images/val/c.jpg", BOX)
    (tmp_path / "list.txt").write_text("images/val/c.jpg\nimages/val/a.jpg\n")
    file = make(**LISTED, channels=1)
    study, home = resolved(file), tmp_path / "home"
    home.mkdir()
    copy = copy_resolved(study, home / "hyp-data.yaml")
    shutil.rmtree(study.parent)
    monkeypatch.chdir(home)
    found, own = read_dataset(copy), read_dataset(file)
    assert (found.train, found.val.images, found.names) == (own.train, own.val.images, own.names)
    assert found.extra == {"channels": 1}
    assert sorted(each.name for each in home.iterdir()) == ["hyp-data-val.txt", "hyp-data.yaml"]
    assert "study" not in copy.read_text()


def test_a_copy_replaces_an_earlier_one_and_nothing_else(make: Make, tmp_path: Path) -> None:
    study, target = resolved(make(path=".")), tmp_path / "hyp-data.yaml"
    for _ in range(2):
        copy_resolved(study, target)
    target.write_text("train: mine\n")
    with pytest.raises(AutoMLError, match=r"hyp-data.yaml exists and is none of automl's"):
        copy_resolved(study, target)
    assert target.read_text() == "train: mine\n"
