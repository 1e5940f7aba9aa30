"""Searches that begin at the same moment, over the same data and in the same folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from automl.records import StudyState
from tests.builders.cli import ONE_SLOT, TINY, Place
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]
SURROGATE = (
    "search",
    "--data",
    "data.yaml",
    "--trainer",
    "surrogate",
    "--epochs",
    "3",
    *ONE_SLOT,
    "--budget",
    "6trials",
)
REAL = ("search", *TINY, *ONE_SLOT, "--weights", "none", "--epochs", "2", "--budget", "2trials", "--recipe-only")


def test_three_searches_share_a_folder_a_database_and_a_data_set(tmp_path: Path) -> None:
    draw_data(tmp_path)
    place = Place(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda words: place.run(*words), (SURROGATE, SURROGATE, REAL)))
    assert [(process.returncode, process.stderr) for process in done] == [(0, "")] * 3
    studies = place.studies()
    assert {study.state for study in studies} == {StudyState.FINISHED}
    assert {study.name for study in studies} == {f"{tmp_path.name}-{number}" for number in (1, 2, 3)}
    assert sorted(len(place.trials(study.name)) for study in studies) == [2, 6, 6]
    assert {folder.name for folder in (place.home / "studies").iterdir()} == {study.name for study in studies}
    assert not list(place.home.rglob(".claim"))


def test_of_two_searches_with_one_name_one_begins(tmp_path: Path) -> None:
    draw_data(tmp_path)
    place = Place(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda words: place.run(*words), [(*SURROGATE, "--name", "owls")] * 2))
    assert sorted(process.returncode for process in done) == [0, 2]
    assert "owls" in next(process.stderr for process in done if process.returncode)
    assert len(place.trials("owls")) == 6
