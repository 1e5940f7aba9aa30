"""Checks before a study is resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from automl.data import read_dataset
from automl.data.dataset import fingerprint
from automl.errors import AutoMLError, BadData, BadWeights, NoSpace, StudyConflict
from automl.host import gpus
from automl.records import Slots, VariantWeights
from automl.setup.resumable import check_resumable, with_data
from automl.trainers.ultralytics.weights import sha256
from tests.builders.factories import make_spec
from tests.builders.release_page import write_archive
from tests.builders.train_tiny import draw_data


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSpace, match="nowhere is gone, and with it the trials' snapshots"):
        check_resumable(make_spec(directory=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("visible", "message"),
    [
        ("", "trains on 2 GPUs. --device 0,1: no GPU was found here"),
        ("0", "trains on 2 GPUs. --device 0,1: GPUs here: 0"),
        ("0,1", "is gone"),  # the GPUs are there; the folder is looked at next
    ],
)
def test_a_study_of_gpus_waits_for_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, visible: str, message: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(gpus, "torch_problem", lambda names: "")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    spec = make_spec(slots=Slots(count=2, device="gpu", devices=("0", "1")), directory=str(tmp_path / "nowhere"))
    with pytest.raises((StudyConflict, NoSpace), match=message):
        check_resumable(spec)


def test_a_study_of_gpus_names_why_torch_cannot_use_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(gpus, "torch_problem", lambda names: "sees no GPU (no driver)")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(StudyConflict, match=r"torch sees no GPU \(no driver\)\. Resume it where it has them") as raised:
        check_resumable(make_spec(slots=Slots(count=1, device="gpu", devices=("0",)), directory=str(tmp_path)))
    assert "Use --device" not in str(raised.value)  # which resume does not have


def test_a_study_goes_on_with_the_same_weights_of_every_variant_only(tmp_path: Path) -> None:
    nano, small = (write_archive(tmp_path / f"{name}.pt") for name in ("n", "s"))
    weights = (VariantWeights("yolov5n", str(nano), sha256(nano)), VariantWeights("yolov5s", str(small), sha256(small)))
    data = draw_data(tmp_path / "data")
    directory = tmp_path / "study"
    directory.mkdir()
    spec = make_spec(models=("yolov5n", "yolov5s"), weights_of=weights, data=str(data), directory=str(directory))
    check_resumable(spec)
    write_archive(small, 200_000)
    with pytest.raises(BadWeights, match=r"s\.pt has changed since the study began"):
        check_resumable(spec)


def test_networks_and_weights_that_are_gone_are_named(tmp_path: Path) -> None:
    data = draw_data(tmp_path / "data")
    (tmp_path / "study").mkdir()
    given = {"data": str(data), "directory": str(tmp_path / "study"), "trainer": "ultralytics"}
    with pytest.raises(AutoMLError, match=r"the network of study 'birds', /gone/net\.yaml, is not there\. Put"):
        check_resumable(make_spec(models=("/gone/net.yaml",), **given))
    weights = (VariantWeights("yolov5n", "/gone/mine.pt", "0"),)
    with pytest.raises(
        BadWeights, match=r"/gone/mine\.pt, from which study 'birds' starts, is not there\. .*by its name"
    ):
        check_resumable(make_spec(models=("yolov5n",), weights_of=weights, **given))


def test_weights_that_moved_are_found_by_name_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shelf").mkdir()
    file = write_archive(tmp_path / "shelf" / "mine.pt")
    monkeypatch.setenv("AUTOML_WEIGHTS", str(tmp_path / "shelf"))
    (tmp_path / "study").mkdir()
    gone = VariantWeights("yolov5n", "/gone/mine.pt", sha256(file))
    given = {"data": str(draw_data(tmp_path / "data")), "directory": str(tmp_path / "study")}
    spec = check_resumable(make_spec(models=("yolov5n",), weights="/gone/mine.pt", weights_of=(gone,), **given))
    assert (spec.weights, spec.weights_of) == (str(file), (gone._replace(path=str(file)),))


@pytest.mark.parametrize("reported", [False, True])
def test_the_studys_own_lists_are_written_for_the_new_place(tmp_path: Path, reported: bool) -> None:
    old = draw_data(tmp_path / "old", train=2, val=45)
    old.write_text(f"{old.read_text()}test: list.txt\n")
    (tmp_path / "old" / "list.txt").write_text("images/train/0.png\n")
    directory = tmp_path / "study"
    directory.mkdir()
    digest = fingerprint(read_dataset(old))
    spec = make_spec(data=str(old), directory=str(directory), holdout=0.5, reported=reported, data_fingerprint=digest)
    check_resumable(spec)
    before = [line.split("images")[1] for line in (directory / "data-val.txt").read_text().splitlines()]
    new = old.parent.rename(tmp_path / "new") / "data.yaml"
    check_resumable(with_data(spec, new, tmp_path, "automl resume birds"))
    lines = (directory / "data-val.txt").read_text().splitlines()
    assert [line.split("images")[1] for line in lines] == before
    assert all(Path(line).is_file() for line in lines)
    assert (directory / "data-test.yaml").exists() is reported
    if reported:
        assert Path((directory / "data-test-test.txt").read_text().strip()).is_file()


def test_a_data_set_that_moved_is_taken_and_another_is_not(tmp_path: Path) -> None:
    old, other = draw_data(tmp_path / "old"), draw_data(tmp_path / "other", seed=1)
    spec = make_spec(data=str(old), data_fingerprint=fingerprint(read_dataset(old)))
    assert with_data(spec, None, tmp_path, "automl resume birds") == spec
    new = old.parent.rename(tmp_path / "new") / "data.yaml"
    with pytest.raises(
        BadData, match=r"no such file\. If .*'birds' has moved, name its data\.yaml: automl resume birds"
    ):
        with_data(spec, None, tmp_path, "automl resume birds")
    assert with_data(spec, new, tmp_path, "automl resume birds") == replace(spec, data=str(new))
    with pytest.raises(StudyConflict, match=r"other/data\.yaml is not the data set of study 'birds'"):
        with_data(spec, other, tmp_path, "automl resume birds")
    with pytest.raises(BadData, match=r"gone\.yaml: no such file"):
        with_data(spec, tmp_path / "gone.yaml", tmp_path, "automl resume birds")
    (new.parent / "labels" / "train" / "0.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    with pytest.raises(
        StudyConflict, match=r"has changed since study 'birds' began.*If it has moved, name its data\.yaml"
    ):
        with_data(replace(spec, data=str(new)), None, tmp_path, "automl resume birds")


@pytest.mark.parametrize("unseen", ["test", ""])
def test_a_study_goes_on_without_a_test_split_that_it_does_not_measure(tmp_path: Path, unseen: str) -> None:
    data = draw_data(tmp_path / "data")
    data.write_text(data.read_text() + "test: images/val\n")
    (tmp_path / "study").mkdir()
    spec = make_spec(trainer="surrogate", data=str(data), directory=str(tmp_path / "study"), unseen=unseen)
    check_resumable(spec)
    resolved = yaml.safe_load((tmp_path / "study" / "data.yaml").read_text())
    assert ("test" in resolved) == (unseen == "test")
