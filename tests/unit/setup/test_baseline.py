"""The model that judges labels: its classes, and what it has seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.data import Dataset, Split
from automl.errors import AutoMLError, BadWeights, UnknownName
from automl.setup.baseline import Baseline, find_baseline
from automl.store.engine import open_store
from automl.trainers.ultralytics.predict import Facts


def split(*names: str) -> Split:
    images = tuple(Path(f"/data/images/{name}.jpg") for name in names)
    return Split(sources=(), images=images, boxes=1, polygons=0, backgrounds=0)


def dataset(*names: str, former: tuple[str, ...] = ()) -> Dataset:
    return Dataset(
        file=Path("/data/data.yaml"),
        names=names,
        train=split("a", "b"),
        val=split("c", "d"),
        test=None,
        former_names=former,
    )


def baseline(*names: str, seen: frozenset[Path] | None = None) -> Baseline:
    return Baseline(
        words="best.pt",
        weights=Path("/runs/best.pt"),
        facts=Facts(names=names, imgsz=320, model="yolov5n", digest="abc"),
        imgsz=320,
        seen=seen,
        recipe=None,
    )


def test_classes_are_the_same_if_their_names_are() -> None:
    assert baseline("cat", "dog").ids(dataset("dog", "cat")) == {1: 0, 0: 1}


def test_a_model_of_more_classes_is_mapped_by_name() -> None:
    assert baseline("person", "cat", "car", "dog").ids(dataset("dog", "cat")) == {3: 0, 1: 1}


def test_a_model_that_lacks_a_class_is_refused_with_its_name() -> None:
    with pytest.raises(BadWeights, match=r"lacks platelet of the classes of .*data\.yaml"):
        baseline("cat", "dog").ids(dataset("dog", "platelet"))


def test_names_that_ultralytics_read_otherwise_are_known() -> None:
    assert baseline("True", "no").ids(dataset("yes", "no", former=("True", "no"))) == {0: 0, 1: 1}


def test_a_file_of_these_very_classes_is_taken_as_trained_on_train() -> None:
    model = baseline("dog", "cat")
    assert model.has_seen(dataset("cat", "dog"), "train") == frozenset(dataset("cat", "dog").train.images)
    assert model.has_seen(dataset("cat", "dog"), "val") == frozenset()


def test_a_file_of_other_classes_besides_has_seen_none_of_these_images() -> None:
    assert baseline("cat", "dog", "person").has_seen(dataset("cat", "dog"), "train") == frozenset()


def test_a_study_has_seen_its_own_images_wherever_they_are_now() -> None:
    model = baseline("cat", seen=frozenset({Path("/data/images/../images/a.jpg"), Path("/data/images/c.jpg")}))
    assert model.has_seen(dataset("cat"), "train") == {Path("/data/images/a.jpg")}
    assert model.has_seen(dataset("cat"), "val") == {Path("/data/images/c.jpg")}


def test_a_study_that_there_is_not_is_named(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'automl.db'}").dispose()
    with pytest.raises(UnknownName, match="cells"):
        find_baseline("cells", home=tmp_path, db=None)


@pytest.mark.parametrize("name", ["gone.pt", "gone.safetensors"])
def test_a_file_that_there_is_not_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(AutoMLError, match=rf"{name} does not exist.*--baseline"):
        find_baseline(tmp_path / name, home=tmp_path, db=None)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    with pytest.raises(BadWeights, match="unknown kind"):
        find_baseline(tmp_path / "model.onnx", home=tmp_path, db=None)
