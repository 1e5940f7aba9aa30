"""Checks before a study is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import BadWeights, NoSpace, StudyConflict
from automl.host import gpus
from automl.records import Slots, VariantWeights
from automl.setup.resumable import check_resumable
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
