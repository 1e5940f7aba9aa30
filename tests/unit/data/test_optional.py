"""Keys of a data.yaml that need not be there, above all the test split."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from automl.data import fingerprint, read_dataset, write_resolved
from automl.data.dataset import fingerprints, known_fingerprints
from automl.data.holdout import find_unseen
from automl.errors import BadData
from automl.files import users
from tests.builders.data_folder import BOX, Make, write_image

LISTS = {"empty.txt": "", "blank.txt": "\n \n", "gone.txt": "images/test/gone.jpg\n", "words.txt": "no image\n"}
UNUSABLE = [
    ("../test/images", "'test: ../test/images' does not exist"),
    ("images/none", "'test' has no images in"),
    (["images/test", "images/gone"], "'test: images/gone' does not exist"),
    ("empty.txt", "'test' has no images in"),
    ("blank.txt", "'test' has no images in"),
    ("gone.txt", "gone.txt:1: lists images/test/gone.jpg, which does not exist"),
    ("words.txt", "words.txt:1: 'no image'"),
    ("labels.json", "is JSON, as annotations of COCO are"),
    (5, "'test' must be a folder"),
    (["images/test", 5], "'test' must be a folder"),
    ({"a": 1}, "'test' must be a folder"),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of the data set, with lists of images and an empty folder."""
    for name, text in LISTS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "labels.json").write_text('{"images": []}')
    (tmp_path / "images/none").mkdir(parents=True)
    write_image(tmp_path / "images/test/a.jpg", BOX)
    return tmp_path


@pytest.mark.parametrize(("test", "reason"), UNUSABLE)
def test_a_test_split_that_cannot_be_used_is_a_note(make: Make, place: Path, test: object, reason: str) -> None:
    dataset = read_dataset(make(test=test))
    assert dataset.test is None
    (note,) = find_unseen(dataset, None, 0).notes
    assert note.startswith("Nothing is measured on unseen images: ")
    assert reason in note
    assert "--holdout 0.3" in note
    assert find_unseen(dataset, None, 0, evaluate=False).notes == ()


@pytest.mark.parametrize("test", [None, "", [], "None"])
def test_a_test_split_without_a_value_is_none_without_a_word(make: Make, place: Path, test: object) -> None:
    file = make()
    file.write_text(f"{file.read_text()}test: {'' if test is None else test or repr(test)}\n")
    dataset = read_dataset(file)
    assert (dataset.test, find_unseen(dataset, None, 0).notes) == (None, ())


def test_a_test_split_that_is_not_wanted_is_not_looked_at(make: Make, place: Path) -> None:
    file = make(splits=("train", "val", "test"))
    (place / "labels/test/a.txt").write_text("99 no label\n")
    (place / "images/test").chmod(0)
    try:
        assert read_dataset(file, test=False).test is None
    finally:
        (place / "images/test").chmod(0o755)
    with pytest.raises(BadData, match="leave the test split out with --no-test"):
        read_dataset(file)


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_other_splits_are_required(make: Make, place: Path, split: str) -> None:
    with pytest.raises(BadData, match=rf"data.yaml:\d: '{split}: images/gone' does not exist"):
        read_dataset(make(**{split: "images/gone"}))


def test_the_resolved_file_names_no_test_split_that_is_none(make: Make, place: Path) -> None:
    text = write_resolved(read_dataset(make(test="../test/images")), place / "study" / "data.yaml").read_text()
    assert "test" not in text.replace(str(place), "")


def test_a_study_without_a_measurement_knows_its_data_whether_the_test_split_is_there_or_not(
    make: Make, place: Path
) -> None:
    file = make(splits=("train", "val", "test"))
    whole, alone = fingerprint(read_dataset(file)), fingerprint(read_dataset(file, test=False))
    assert fingerprints(read_dataset(file)) == (whole, alone)
    assert {whole, alone} <= set(known_fingerprints(file, test=False))
    shutil.rmtree(place / "images/test")
    assert alone in known_fingerprints(file, test=False)
    write_image(place / "images/test/a.jpg", "99 no label\n")
    assert alone in known_fingerprints(file, test=False)
    with pytest.raises(BadData):
        known_fingerprints(file, test=True)


@pytest.mark.parametrize("keys", [{"download": None}, {"path": None}, {"path": ""}, {"nc": 2}, {"download": "x.zip"}])
def test_other_keys_need_not_be_there(make: Make, keys: dict[str, object]) -> None:
    assert read_dataset(make(**keys)).nc == 2


def test_a_relative_path_may_start_from_ultralytics_folder_of_data_sets(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(path="birds")
    for kind in ("images", "labels"):
        (tmp_path / "sets" / "birds").mkdir(parents=True, exist_ok=True)
        shutil.move(tmp_path / kind, tmp_path / "sets" / "birds" / kind)
    with pytest.raises(BadData, match=r"'path: birds' is no folder .*sets/birds|'path: birds' is no folder"):
        read_dataset(file)
    monkeypatch.setattr(users, "datasets_dir", lambda: tmp_path / "sets")
    assert read_dataset(file).train.sources == (tmp_path / "sets/birds/images/train",)
