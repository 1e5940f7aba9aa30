"""Keep the files of the best trials, and delete those of the others."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from automl.files import folders
from automl.records import Outcome, TrialState

KEEP = 5  # trials whose weights stay, besides the baseline's
WEIGHTS = ("best.pt", "last.pt")
SNAPSHOT = "snapshot.pt"


class Shelf(Protocol):
    """Record of the files that stay."""

    def artifact(self, trial: int, kind: str, path: str, size_bytes: int) -> object: ...

    def drop_artifact(self, trial: int, kind: str) -> object: ...


class BestFiles:
    """Keeper of the best trials' weights, completed trials first, of the baseline's, and of all logs.

    Once a trial is completed the winner is a completed one. Only unfinished trials keep their snapshot. A trial
    without a score, such as a repeat, keeps no weights.

    lag  number of later closings after which a trial is tidied: workers write files after their trial was closed
    """

    def __init__(self, directory: Path, shelf: Shelf, *, lag: int, trial_bytes: int, keep: int = KEEP) -> None:
        self._directory = directory
        self._shelf = shelf
        self._lag = lag
        self._trial_bytes = trial_bytes
        self._keep = keep
        self._scores: dict[int, float] = {}
        self._whole: set[int] = set()  # trials that reached their last epoch
        self._pinned: set[int] = set()  # trials that keep their weights whatever their rank
        self._closed: list[int] = []
        self._present: set[int] = set()  # closed trials whose weights may still exist
        self._data = folders.data(directory).is_file()  # of which a folder that a trial made again has none

    def pin(self, numbers: Collection[int]) -> None:
        """Keep the weights of these trials, and of no other by pinning: they are repeated, or may be."""
        self._pinned = set(numbers)

    def closed(self, number: int, outcome: Outcome, score: float | None) -> None:
        """Take the end of a trial.

        score  by which it is ranked; None for one that keeps no weights
        """
        if outcome.state is not TrialState.INTERRUPTED:
            self._closed.append(number)
            self._present.add(number)
            if score is not None and outcome.state is not TrialState.FAILED:
                self._scores[number] = score
            if outcome.state is TrialState.COMPLETED:
                self._whole.add(number)
        for old in self._present.difference(self._closed[-self._lag :]):
            self._tidy(old)

    def problem(self) -> str | None:
        """Sentence on a disk without room for the running trials' files, or without the study's folder; else None."""
        try:
            free = shutil.disk_usage(self._directory).free
            if self._data:
                folders.data(self._directory).stat()
        except OSError as error:
            return (
                f"the study's folder {self._directory} is not as it was ({error.strerror}): put it back and resume. "
                "Where it is lost, an empty folder in its place lets the study go on without its weights and snapshots"
            )
        if free < 2 * self._trial_bytes:
            return f"the disk of {self._directory} is nearly full ({free / 1e9:.1f} GB free): free some and resume"
        return None

    def finish(self) -> None:
        """Tidy every closed trial and record the files that stay, once the workers are gone."""
        for number in sorted(self._present):
            self._tidy(number)
        for number in self._closed:
            for name, kind in (*((w, w.removesuffix(".pt")) for w in WEIGHTS), ("log.txt", "log")):
                file = self._folder(number) / name
                if file.is_file():
                    path = file.relative_to(self._directory).as_posix()
                    self._shelf.artifact(number, kind, path, file.stat().st_size)

    def remember(self, number: int, score: float | None, state: TrialState) -> None:
        """Take a trial that ended in an earlier session."""
        if state is TrialState.COMPLETED:
            self._whole.add(number)
        self._closed.append(number)
        self._present.add(number)
        if score is not None:
            self._scores[number] = score

    def _tidy(self, number: int) -> None:
        best = sorted(self._scores, key=lambda n: (n not in self._whole, -self._scores[n], n))
        stays = number == 0 or number in self._pinned or number in best[: self._keep]
        if not stays:
            self._present.discard(number)
        names = (SNAPSHOT,) if stays else (SNAPSHOT, *WEIGHTS)
        for name in names:
            file = self._folder(number) / name
            if file.is_file():
                file.unlink()
                self._shelf.drop_artifact(number, name.removesuffix(".pt"))

    def _folder(self, number: int) -> Path:
        return folders.trial(self._directory, number)
