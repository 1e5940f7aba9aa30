"""A browser, and searches that several tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.builders.cli import ONE_SLOT, TINY, Place
from tests.builders.searches import BUDGET_S, NAME, Searched
from tests.builders.train_tiny import BCCD, COCO_WEIGHTS, draw_data

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    from tests.builders.browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """A small real search with everything that it can leave behind."""
    place = Place(tmp_path_factory.mktemp("search"))
    draw_data(place.folder)
    done = place.run(
        *("search", *TINY, *ONE_SLOT, "--name", NAME, "--epochs", "4", "--seed", "5"),
        *("--budget", f"{BUDGET_S}cpu-s", "--budget", "5trials", "--recipe-only", "--set", "box=6.5"),
        *("--export", "hyp.yaml", "--json-events", "events.jsonl"),
    )
    return Searched(place, done)


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """A short search from pretrained weights on some of BCCD.

    On a copy, where nobody minds Ultralytics' label caches. Mosaic and warm-up are for longer trainings.
    """
    if not BCCD.is_file() or not COCO_WEIGHTS.is_file():
        pytest.skip(f"needs {BCCD} and {COCO_WEIGHTS}")
    place = Place(tmp_path_factory.mktemp("cells"))
    for split, count in (("train", 64), ("val", 24)):
        _copy_images(split, count, place.folder)
    document = {key: value for key, value in yaml.safe_load(BCCD.read_text()).items() if key != "test"}
    (place.folder / "data.yaml").write_text(yaml.safe_dump(document))
    settings = ("optimizer=AdamW", "lr0=0.001", "nbs=4", "warmup_epochs=0", "mosaic=0")
    done = place.run(
        *("search", "--data", "data.yaml", "--weights", COCO_WEIGHTS, "--models", "yolov5n", "--imgsz", "96"),
        *("--batch", "4", "--epochs", "6", "--budget", "3trials", "--name", "cells", *ONE_SLOT),
        *(word for setting in settings for word in ("--set", setting)),
    )
    return Searched(place, done)


def _copy_images(split: str, count: int, folder: Path) -> None:
    for image in sorted((BCCD.parent / "images" / split).iterdir())[:count]:
        label = BCCD.parent / "labels" / split / f"{image.stem}.txt"
        for file, kind in ((image, "images"), (label, "labels")):
            target = folder / kind / split / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
