"""Recipes of a study whose folder, data set, network or weights have moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from automl.data import read_dataset, write_resolved
from automl.data.holdout import hold_back
from automl.errors import AutoMLError
from automl.files import folders, moved
from automl.recipes import Subject, beginning, write_recipe
from automl.records import StudySpec, VariantWeights
from automl.trainers.ultralytics.weights import sha256
from tests.builders.factories import make_row, make_spec, make_study
from tests.builders.release_page import write_archive
from tests.builders.train_tiny import draw_data


def begun(root: Path, holdout: float, path: str) -> StudySpec:
    """A study in root/runs of the data set in root/data, with the files that its search has written."""
    data = draw_data(root / "data", train=2, val=45)
    if path:
        data.write_text(f"path: {path}\n{data.read_text()}")
    directory = root / "runs" / "studies" / "birds"
    directory.mkdir(parents=True)
    spec = make_spec(
        trainer="ultralytics",
        fixed={"model": "yolov5n", "imgsz": 64, "lr0": 0.01},
        data=str(data),
        directory=str(directory),
        holdout=holdout,
    )
    write_resolved(hold_back(read_dataset(data), holdout, spec.seed), folders.data(directory))
    return spec


def recipe(spec: StudySpec, target: Path) -> dict[str, object]:
    subject = Subject(study=make_study(spec=spec), trial=make_row(0), baseline=None)
    document: dict[str, object] = yaml.safe_load(write_recipe(subject, target, "ultralytics").read_text())
    return document


@pytest.mark.parametrize("holdout", [0.0, 0.5])
@pytest.mark.parametrize("path", ["", "."])
@pytest.mark.parametrize("what", ["nothing", "the home", "the data set", "both"])
def test_the_data_of_a_recipe_has_its_images(tmp_path: Path, holdout: float, path: str, what: str) -> None:
    spec = begun(tmp_path, holdout, path)
    if what in ("the home", "both"):
        home = (tmp_path / "runs").rename(tmp_path / "home")
        spec = replace(spec, directory=str(home / "studies" / "birds"))
    if what in ("the data set", "both"):
        data = (tmp_path / "data").rename(tmp_path / "images and labels")
        spec = replace(spec, data=str(data / "data.yaml"))
    (tmp_path / "out").mkdir()
    named = Path(str(recipe(spec, tmp_path / "out" / "hyp.yaml")["data"]))
    assert (named == Path(spec.data)) is (not holdout and not path)
    assert not named.is_relative_to(spec.directory)
    dataset = read_dataset(named)
    held = len(dataset.test.images) if dataset.test is not None else 0
    assert (len(dataset.train.images), len(dataset.val.images) + held) == (2, 45)
    assert held == (round(0.5 * 45) if holdout else 0)
    document = yaml.safe_load(named.read_text())
    assert holdout == 0 or all(str(document[split]).startswith(str(tmp_path / "out")) for split in ("val", "test"))


def test_a_data_set_that_is_gone_leaves_the_users_path(tmp_path: Path) -> None:
    spec = begun(tmp_path, 0.5, "")
    (tmp_path / "data").rename(tmp_path / "lost")
    assert recipe(spec, tmp_path / "hyp.yaml")["data"] == spec.data


def test_the_classes_of_initial_weights_come_from_the_study_where_the_data_set_is_gone(tmp_path: Path) -> None:
    spec = replace(begun(tmp_path, 0.0, ""), weights="/w/a.pt", weights_sha256="0")
    whole = beginning(make_study(spec=spec), make_row(0))
    (tmp_path / "data" / "data.yaml").unlink()
    without = beginning(make_study(spec=spec), make_row(0))
    assert whole is not None
    assert without is not None
    assert (whole.data, without.data) == (spec.data, str(folders.data(spec.directory)))


def test_initial_weights_that_moved_are_found_by_name_and_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shelf").mkdir()
    file = write_archive(tmp_path / "shelf" / "mine.pt")
    monkeypatch.setenv("AUTOML_WEIGHTS", str(tmp_path / "shelf"))
    weights = (VariantWeights("yolov5n", "/gone/mine.pt", sha256(file)),)
    spec = replace(begun(tmp_path, 0.0, ""), weights_of=weights)
    start = beginning(make_study(spec=spec), make_row(0))
    assert start is not None
    assert start.weights == str(file)
    write_archive(file, 200_000)
    other = beginning(make_study(spec=spec), make_row(0))
    assert other is not None
    assert other.weights == "/gone/mine.pt"


def test_a_network_that_is_gone_comes_from_the_studys_copy_or_is_named(tmp_path: Path) -> None:
    spec = begun(tmp_path, 0.0, "")
    own = tmp_path / "data" / "network.yaml"
    spec = replace(spec, fixed={**spec.fixed, "model": str(own)})
    moved.keep_network(Path(spec.directory), str(own))
    own.unlink()
    model = Path(str(recipe(spec, tmp_path / "hyp.yaml")["model"]))
    assert (model, model.is_file()) == (tmp_path / "hyp-network.yaml", True)
    Path(moved.network(spec, str(own))).unlink()
    with pytest.raises(AutoMLError, match=r"network\.yaml does not exist\. It should describe a network"):
        recipe(spec, tmp_path / "hyp.yaml")
