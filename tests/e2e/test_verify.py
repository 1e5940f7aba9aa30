"""`automl verify` trains really, and its exit code tells whether the figure holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders.searches import Searched

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_recipe_and_its_study_are_trained_again(cells: Searched, tmp_path: Path) -> None:
    """With the weights of the search; a promise that was raised by hand does not hold."""
    place, recipe = cells.place, tmp_path / "recipe.json"
    place.run("export", "cells", "--trial", "0", "--format", "json", "-o", recipe)
    document = json.loads(recipe.read_text())
    promise = document["promise"]
    assert promise["epochs"] == 6
    done = place.run("verify", recipe, "--seeds", "1", "--device", "cpu", "--json")
    record = json.loads(done.stdout)
    assert len(record["scores"]) == 1
    assert 0 < record["scores"][0] < 1
    assert done.returncode == (0 if record["holds"] else 1)
    assert record["study"] == "cells"
    document["promise"] |= {"mAP50-95": 0.9, "low": 0.85, "high": 0.95}
    recipe.write_text(json.dumps(document))
    broken = place.run("verify", recipe, "--seeds", "1", "--device", "cpu")
    assert broken.returncode == 1, broken.stderr
    assert "does not hold" in broken.stdout
    assert "Cost: " in broken.stdout


def test_words_that_are_no_recipe_end_with_2(cells: Searched) -> None:
    for words in (("nobody",), ("none.yaml",), ("cells", "--seeds", "0")):
        done = cells.place.run("verify", *words)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
