"""Checks before a study is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import NoSpace, StudyConflict
from automl.records import Slots
from automl.setup.resumable import check_resumable
from tests.builders.factories import make_spec


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
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    spec = make_spec(slots=Slots(count=2, device="gpu", devices=("0", "1")), directory=str(tmp_path / "nowhere"))
    with pytest.raises((StudyConflict, NoSpace), match=message):
        check_resumable(spec)
