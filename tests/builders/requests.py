"""Requests on a data set of two images, checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from automl.records import Slots
from automl.setup.options import SearchRequest
from automl.setup.request import Checked, check
from tests.builders.data_folder import image_bytes

CPU = Slots(count=2, device="cpu")
BOX = "0 0.5 0.5 0.05 0.05\n"


def make_data(folder: Path, label: str = BOX) -> Path:
    """A data.yaml of two images with these labels each."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        (folder / "images" / split / f"{split}.jpg").write_bytes(image_bytes())
        (folder / "labels" / split / f"{split}.txt").write_text(label)
    file = folder / "data.yaml"
    file.write_text("train: images/train\nval: images/val\nnames: [bird]\n")
    return file


def checked(data: Path, **changes: Any) -> Checked:
    """The request with these changes, checked."""
    request = SearchRequest(data=data, budgets=("8cpu-h",), weights="none")
    return check(replace(request, **changes), CPU)
