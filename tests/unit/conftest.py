"""Fixtures that several unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.builders.data_folder import BOX, Make, write_image


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a data set of two classes, two images for each split, and its data.yaml."""

    def build(*, splits: tuple[str, ...] = ("train", "val"), **keys: object) -> Path:
        for split in splits:
            for name in ("a", "b"):
                write_image(tmp_path / "images" / split / f"{name}.jpg", BOX)
        document = {split: f"images/{split}" for split in splits} | {"names": ["cat", "dog"]} | keys
        file = tmp_path / "data.yaml"
        file.write_text(yaml.safe_dump({k: v for k, v in document.items() if v is not None}, sort_keys=False))
        return file

    return build
