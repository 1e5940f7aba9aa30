"""Files of trials that stay on disk."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from automl.files import folders
from automl.files.kept import SNAPSHOT, WEIGHTS, BestFiles
from automl.records import Outcome, TrialState

DONE = Outcome(state=TrialState.COMPLETED)
FILES = (*WEIGHTS, SNAPSHOT, "log.txt")


class Shelf:
    """A record in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes: dict[tuple[int, str], int] = {}
        self.dropped: list[tuple[int, str]] = []

    def artifact(self, trial: int, kind: str, path: str, size_bytes: int) -> None:
        assert not Path(path).is_absolute()
        assert (self.folder / path).stat().st_size == size_bytes
        self.sizes[trial, kind] = size_bytes

    def drop_artifact(self, trial: int, kind: str) -> None:
        self.dropped.append((trial, kind))


class Study:
    """A folder of trials with their files."""

    def __init__(self, folder: Path, *, keep: int = 2, lag: int = 1, trial_bytes: int = 1) -> None:
        self.folder = folder
        self.shelf = Shelf(folder)
        self.files = BestFiles(folder, self.shelf, lag=lag, trial_bytes=trial_bytes, keep=keep)

    def close(self, number: int, score: float | None, outcome: Outcome = DONE) -> str | None:
        self.write(number)
        self.files.closed(number, outcome, score)
        return self.files.problem()

    def write(self, number: int) -> None:
        folders.trial(self.folder, number).mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (folders.trial(self.folder, number) / name).write_text(name)

    def names(self, number: int) -> set[str]:
        return {file.name for file in folders.trial(self.folder, number).iterdir()}

    def with_weights(self) -> list[int]:
        return [n for n in range(20) if (folders.trial(self.folder, n) / "best.pt").exists()]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def test_the_weights_of_the_best_and_of_the_baseline_stay(study: Study) -> None:
    for number, score in enumerate((0.1, 0.5, 0.3, 0.9, 0.2)):
        study.close(number, score)
    study.files.finish()
    assert study.with_weights() == [0, 1, 3]


def test_logs_stay_and_snapshots_go(study: Study) -> None:
    for number in range(4):
        study.close(number, 0.1 * number)
    study.files.finish()
    assert study.names(1) == {"log.txt"}
    assert study.names(3) == {*WEIGHTS, "log.txt"}


def test_an_interrupted_trial_keeps_its_snapshot(study: Study) -> None:
    study.close(1, 0.5, Outcome(state=TrialState.INTERRUPTED))
    study.files.finish()
    assert study.names(1) == set(FILES)


def test_the_latest_trials_are_left_alone_until_their_workers_have_written(tmp_path: Path) -> None:
    study = Study(tmp_path, lag=2)
    for number in range(4):
        study.close(number, 0.9 - 0.1 * number)
    assert study.names(1) == {*WEIGHTS, "log.txt"}
    assert study.names(3) == set(FILES)


def test_a_failed_trial_leaves_its_log_only(study: Study) -> None:
    study.close(1, 0.9, Outcome(state=TrialState.FAILED))
    study.close(2, 0.1)
    study.files.finish()
    assert study.names(1) == {"log.txt"}


def test_equal_scores_keep_the_earlier_trial(study: Study) -> None:
    for number in range(1, 5):
        study.close(number, 0.5)
    study.files.finish()
    assert study.with_weights() == [1, 2]


def test_files_that_stay_are_recorded_with_their_size(study: Study) -> None:
    study.close(0, 0.5)
    study.files.finish()
    assert study.shelf.sizes == {(0, "best"): 7, (0, "last"): 7, (0, "log"): 7}


def test_files_that_go_leave_the_record(study: Study) -> None:
    for number in range(1, 4):
        study.close(number, 0.1 * number)
    study.files.finish()
    assert {(1, "best"), (1, "last"), (1, "snapshot")} <= set(study.shelf.dropped)


def test_trials_of_an_earlier_session_compete_with_new_ones(study: Study) -> None:
    for number, score in ((1, 0.9), (2, 0.2), (3, None)):
        study.write(number)
        study.files.remember(number, score, TrialState.COMPLETED)
    study.close(4, 0.5)
    study.files.finish()
    assert study.with_weights() == [1, 4]


def test_a_completed_trial_is_kept_though_stopped_ones_scored_higher(study: Study) -> None:
    for number, score in ((1, 0.9), (2, 0.8), (3, 0.7)):
        study.close(number, score, Outcome(state=TrialState.STOPPED))
    for number, score in ((4, 0.5), (5, 0.6), (6, 0.4)):
        study.close(number, score)
    study.files.finish()
    assert study.with_weights() == [4, 5]


def test_while_few_are_completed_stopped_trials_fill_the_places(study: Study) -> None:
    study.close(1, 0.9, Outcome(state=TrialState.STOPPED))
    study.close(2, 0.8, Outcome(state=TrialState.STOPPED))
    study.close(3, 0.5)
    study.files.finish()
    assert study.with_weights() == [1, 3]


def test_a_trial_without_a_score_such_as_a_repeat_keeps_its_log_only(study: Study) -> None:
    study.close(1, 0.5)
    study.close(2, None)
    study.files.finish()
    assert (study.names(2), study.with_weights()) == ({"log.txt"}, [1])


def test_a_nearly_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(tmp_path, trial_bytes=100)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 801, 199))
    assert "is nearly full" in (study.close(0, 0.5) or "")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 800, 200))
    assert study.close(1, 0.5) is None


@pytest.mark.fault
def test_a_folder_that_is_gone_is_a_problem_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "data.yaml").touch()
    study = Study(tmp_path / "study")
    assert study.close(0, 0.5) is None
    shutil.rmtree(tmp_path / "study")
    assert f"{tmp_path / 'study'} is not as it was" in (study.files.problem() or "")
    assert "put it back and resume" in (study.close(1, 0.5) or "")  # the trial has made the folder again


def test_a_pinned_trial_keeps_its_weights_whatever_its_rank(study: Study) -> None:
    study.files.pin({1})
    for number, score in enumerate((0.5, 0.1, 0.7, 0.8, 0.2)):
        study.close(number, score)
    study.files.finish()
    assert study.with_weights() == [0, 1, 2, 3]


def test_a_trial_that_is_no_longer_pinned_goes(study: Study) -> None:
    for number in range(1, 12):
        study.files.pin({number})
        study.close(number, 0.1 * number)
    study.files.finish()
    assert study.with_weights() == [10, 11]
