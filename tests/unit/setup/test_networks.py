"""Predictions of kept networks, made once, and the objects that a study's validation counts."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from automl.data import read_dataset
from automl.errors import AutoMLError
from automl.files import folders
from automl.records import Params
from automl.scores.boxes import Predictions
from automl.setup import networks
from automl.setup.halves import Place
from automl.setup.networks import Network, Rules, StudyData, predictions_of, truth_of
from automl.trainers import open_trainer
from automl.trainers.ultralytics.weights import sha256
from tests.builders.factories import make_row
from tests.builders.train_tiny import draw_data, tiny_job, tiny_trial

PLACE = Place(device="cpu", threads=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a data set with best.pt of a short training."""
    folder = tmp_path_factory.mktemp("networks")
    job = tiny_job(draw_data(folder, train=16, val=4), folder / "trial", optimizer="AdamW", lr0=0.01)
    with closing(open_trainer("ultralytics").run(tiny_trial(epochs=2), job)) as run:
        assert len(list(run)) == 2
    return folder


@pytest.fixture
def kept(trained: Path, tmp_path: Path) -> Network:
    """The network in a study's folder, with a copy of the images beside it."""
    shutil.copytree(trained / "images" / "val", tmp_path / "val")
    weights = trained / "trial" / "best.pt"
    return Network(
        study="bccd",
        directory=tmp_path / "study",
        row=make_row(3),
        model="tiny",
        imgsz=64,
        weights=weights,
        sha256=sha256(weights),
    )


def images_of(kept: Network) -> tuple[str, ...]:
    return tuple(map(str, sorted((kept.directory.parent / "val").iterdir())))


class Count:
    """Number of times that predictions were made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, text: str) -> None:
        self.made += 1


def same(first: Predictions, second: Predictions) -> bool:
    return np.array_equal(first.boxes, second.boxes) and np.array_equal(first.confidence, second.confidence)


@pytest.mark.slow
def test_predictions_are_made_once_and_again_if_their_file_is_damaged(kept: Network) -> None:
    count, images = Count(), images_of(kept)
    first = predictions_of(kept, images, PLACE, say=count)
    assert same(first, predictions_of(kept, images, PLACE, say=count))
    assert count.made == 1
    (file,) = folders.predictions(kept.directory).iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    again = predictions_of(kept, images, PLACE, say=count)
    assert (count.made, same(first, again)) == (2, True)
    moved = kept.directory.parent / "moved"
    (kept.directory.parent / "val").rename(moved)
    elsewhere = tuple(str(moved / Path(image).name) for image in images)
    assert predictions_of(kept, elsewhere, PLACE, say=count).images == elsewhere
    assert count.made == 2


@pytest.mark.slow
def test_an_image_that_has_changed_is_predicted_again(kept: Network) -> None:
    count, images = Count(), images_of(kept)
    first = predictions_of(kept, images, PLACE, say=count)
    Image.new("RGB", (96, 96), "gray").save(images[0])
    other = predictions_of(kept, images, PLACE, say=count)
    assert (count.made, same(first, other)) == (2, False)


@pytest.mark.slow
def test_predictions_with_test_time_augmentation_are_others_and_kept_apart(kept: Network) -> None:
    count, images = Count(), images_of(kept)
    plain = predictions_of(kept, images, PLACE, say=count)
    augmented = predictions_of(kept, images, PLACE, tta=True, say=count)
    assert not same(plain, augmented)
    assert same(augmented, predictions_of(kept, images, PLACE, tta=True, say=count))
    assert count.made == 2


def test_the_name_of_a_file_holds_all_that_predictions_depend_on(kept: Network) -> None:
    images = images_of(kept)
    names = {
        networks._key(kept, images, tta=False),
        networks._key(kept, images, tta=True),
        networks._key(replace(kept, imgsz=96), images, tta=False),
        networks._key(replace(kept, sha256="other"), images, tta=False),
        networks._key(replace(kept, rules=Rules(most=10)), images, tta=False),
        networks._key(kept, images[::-1], tta=False),
        networks._key(kept, images[1:], tta=False),
    }
    os.utime(images[0], ns=(1, 1))
    names.add(networks._key(kept, images, tta=False))
    (kept.directory.parent / "val" / Path(images[0]).name).unlink()
    names.add(networks._key(kept, images, tta=False))
    assert len(names) == 9


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ({}, Rules()),
        ({"conf": None, "iou": 0.6, "max_det": 450}, Rules(overlap=0.6, most=450)),
        ({"conf": 0.05}, Rules(least=0.05)),
        ({"single_cls": True}, Rules(agnostic=True)),
        ({"agnostic_nms": True}, Rules(agnostic=True)),
    ],
)
def test_predictions_are_kept_as_in_the_validation_of_the_study(arguments: Params, rules: Rules) -> None:
    assert Rules.of(arguments) == rules


@pytest.mark.parametrize(
    ("fixed", "names", "classes"),
    [
        ({}, ("square", "disc"), [0, 1, 1]),
        ({"classes": [1]}, ("square", "disc"), [1, 1]),
        ({"classes": 0}, ("square", "disc"), [0]),
        ({"single_cls": True}, ("item",), [0, 0, 0]),
        ({"single_cls": True, "classes": [1]}, ("item",), [0, 0]),
    ],
)
def test_objects_are_those_that_the_validation_of_the_study_counts(
    tmp_path: Path, fixed: Params, names: tuple[str, ...], classes: list[int]
) -> None:
    data = draw_data(tmp_path, val=1)
    rows = ["1 .5 .5 .1 .1", "0 .2 .2 .1 .1", "1 .5 .5 .1 .1", "1 .7 .7 .1 .1"]  # the third is the first again
    (tmp_path / "labels" / "val" / "0.txt").write_text("\n".join(rows))
    truth = truth_of(StudyData(**vars(read_dataset(data)), fixed=fixed), "val")
    assert (truth.names, sorted(truth.classes.tolist())) == (names, classes)
    assert truth.counts.tolist() == [len(classes)]


@pytest.mark.slow
def test_a_file_that_is_no_image_is_named(kept: Network) -> None:
    images = images_of(kept)
    Path(images[1]).write_bytes(b"no image")
    with pytest.raises(AutoMLError, match=Path(images[1]).name):
        predictions_of(kept, images, PLACE)
