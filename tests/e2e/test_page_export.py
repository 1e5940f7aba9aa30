"""Downloads of the page, in a real browser: recipes that train, tables and weights."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser

from tests.builders.browser import (
    download,
    served,
    shoot,
)
from tests.builders.searches import NAME, Searched, trial_scores, yolo, yolo_scores

pytestmark = [pytest.mark.browser, pytest.mark.ray, pytest.mark.slow]


def shortened(recipe: Path, epochs: int) -> dict[str, Any]:
    """The recipe's document, written again for the length of the search's trainings: production takes too long."""
    document: dict[str, Any] = yaml.safe_load(recipe.read_text())
    assert document["epochs"] == 300
    document["epochs"] = epochs
    recipe.write_text(yaml.safe_dump(document))
    return document


def test_the_downloaded_recipe_trains(browser: Browser, searched: Searched, tmp_path: Path) -> None:
    with served(searched.place, browser) as site, site.open(f"/export?study={NAME}") as page:
        recipe = download(page, "hyp.yaml for Ultralytics", tmp_path)
        trials = download(page, "All trials (CSV)", tmp_path)
        epochs = download(page, "All epochs (CSV)", tmp_path)
        weights = download(page, "best.pt", tmp_path)
        shoot(page, "export-real")
    assert len(trials.read_text().splitlines()) == 1 + len(searched.place.trials(NAME))
    assert len(epochs.read_text().splitlines()) == 1 + len(searched.place.epochs(NAME))
    assert weights.stat().st_size > 10_000
    document = shortened(recipe, 4)
    threads = searched.place.study(NAME).spec.slots.threads
    trained = yolo(tmp_path, recipe, threads)
    assert len(trained.epochs) == document["epochs"] == 4
    assert trained.args["lr0"] == document["lr0"]


def test_a_recipe_with_weights_comes_with_them(browser: Browser, cells: Searched, tmp_path: Path) -> None:
    with served(cells.place, browser) as site, site.open("/export?study=cells&trial=1") as page:
        page.get_by_role("button", name="Pack hyp.yaml").click()
        page.get_by_role("button", name="hyp.yaml and weights").wait_for()
        archive_file = download(page, "hyp.yaml and weights", tmp_path)
    with zipfile.ZipFile(archive_file) as archive:
        assert sorted(archive.namelist()) == ["hyp-init.pt", "hyp.yaml"]
        archive.extractall(tmp_path)
    shortened(tmp_path / "hyp.yaml", 6)
    trained = yolo(tmp_path, tmp_path / "hyp.yaml", cells.place.study("cells").spec.slots.threads)
    scores = trial_scores(cells.place, "cells", 1)
    assert scores
    assert yolo_scores(trained)[: len(scores)] == scores
