"""Keeps the files of the best trials and deletes those of the rest."""

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
    """Where the files that stay are written down."""

    def artifact(self, trial: int, kind: str, path: str, size_bytes: int) -> object: ...

    def drop_artifact(self, trial: int, kind: str) -> object: ...


class BestFiles:
    """The weights of the best trials, completed ones first, and of the baseline; all logs.

    A winner is a completed trial, once there is one. Snapshots stay of unfinished trials only. A trial without a
    score, such as a repeat, keeps no weights.

    lag  a worker writes its last files after its trial was closed: so many closings are waited for
    """

    def __init__(self, directory: Path, shelf: Shelf, *, lag: int, trial_bytes: int, keep: int = KEEP) -> None:
        self._directory = directory
        self._shelf = shelf
        self._lag = lag
        self._trial_bytes = trial_bytes
        self._keep = keep
        self._scores: dict[int, float] = {}
        self._whole: set[int] = set()  # trials that reached their last epoch: a winner is one of them
        self._pinned: set[int] = set()  # trials that run again with other seeds, whatever their rank
        self._closed: list[int] = []
        self._present: set[int] = set()  # closed trials whose weights may still lie there

    def pin(self, numbers: Collection[int]) -> None:
        """These trials' weights stay, as long as they are named: they run again, or may do so."""
        self._pinned = set(numbers)

    def closed(self, number: int, outcome: Outcome, score: float | None) -> str | None:
        """A trial ended; what is wrong with the disk, if anything is."""
        if outcome.state is not TrialState.INTERRUPTED:
            self._closed.append(number)
            self._present.add(number)
            if score is not None and outcome.state is not TrialState.FAILED:
                self._scores[number] = score
            if outcome.state is TrialState.COMPLETED:
                self._whole.add(number)
        for settled in self._present.difference(self._closed[-self._lag :]):
            self._tidy(settled)
        free = shutil.disk_usage(self._directory).free
        if free < 2 * self._trial_bytes:
            return f"the disk is nearly full ({free / 1e9:.1f} GB free): free some and resume"
        return None

    def finish(self) -> None:
        """The workers are gone: tidies every closed trial and writes down what stays."""
        for number in sorted(self._present):
            self._tidy(number)
        for number in self._closed:
            for name, kind in (*((w, w.removesuffix(".pt")) for w in WEIGHTS), ("log.txt", "log")):
                file = self._folder(number) / name
                if file.is_file():
                    self._shelf.artifact(number, kind, str(file), file.stat().st_size)

    def remember(self, number: int, score: float | None, state: TrialState) -> None:
        """A trial that ended in an earlier session."""
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
