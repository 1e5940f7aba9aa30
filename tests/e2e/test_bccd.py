"""A short search from pretrained weights on real images of blood cells."""

from __future__ import annotations

import re

import pytest

from automl.records import StudyState
from tests.builders.searches import Searched

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_short_search_finds_blood_cells(cells: Searched) -> None:
    study = cells.place.study("cells")
    assert cells.done.returncode == 0, cells.done.stderr
    assert study.state is StudyState.FINISHED
    assert max(row.best_map50 or 0.0 for row in cells.place.trials("cells")) > 0.2


def test_most_of_the_weights_fit_and_the_search_says_so(cells: Searched) -> None:
    assert re.search(r"342 of \d+ tensors fitted; 64 train and 24 val images", cells.done.stdout)
