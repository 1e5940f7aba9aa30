"""A driver that dies again and again, with snapshots older than what was reported: what was recorded stays."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from automl.drivers.session import Session
from automl.drivers.virtual import VirtualDriver
from automl.policy import Search
from automl.records import EpochMetrics, Heartbeat, Outcome, Slots, StudySpec, TrainJob, Trial
from automl.store import read, write
from automl.trainers.surrogate import SurrogateTrainer
from tests.builders.factories import make_search, make_spec

LAG = 4  # epochs that a snapshot lies behind
BEGAN = 1e9  # POSIX seconds


class Crash(Exception):
    """The driver's process is gone."""


class Lagging(SurrogateTrainer):
    """Goes on from a snapshot that is LAG epochs old, with other scores and times, as on a GPU.

    left  epochs after which the driver dies
    """

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        snapshot = replace(trial, done_epochs=max(0, trial.done_epochs - LAG))
        for metrics in super().run(snapshot, job):
            if self._left == 0:
                raise Crash
            self._left -= 1
            own = random.Random(f"{trial.number} {metrics.epoch} {trial.attempt}")
            score = 0.5 * (metrics.map50_95 + own.random())
            yield replace(metrics, map50_95=score, train_s=metrics.train_s * own.uniform(0.5, 1.5))


class Timed(Session):
    """Knows when it was told of an epoch last."""

    now = 0.0

    def epoch(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        self.now = at
        return super().epoch(number, metrics, at)


class Story:
    """One study, session after session."""

    def __init__(self, engine: Engine, spec: StudySpec) -> None:
        self.engine = engine
        self.spec = spec
        self.at = 0.0  # wall seconds of the study
        write.begin_study(engine, spec, at=BEGAN, host="here", pid=0)

    def replayed(self) -> tuple[Search, list[tuple[int, Outcome]]]:
        """The search as the database tells it, and the trials that end with that."""
        search = make_search(self.spec)
        name = self.spec.name
        return search, search.replay(read.trials(self.engine, name), read.epochs(self.engine, name))

    def session(self, epochs: int) -> Search:
        """Takes the study over; the driver dies after so many epochs. What it knew then."""
        dead = read.study(self.engine, self.spec.name).heartbeat
        mine = Heartbeat(host="here", pid=dead.pid + 1, at=BEGAN + self.at)
        write.reopen_study(self.engine, self.spec.name, mine, dead=dead)
        search, settled = self.replayed()
        recorder = write.Recorder(self.engine, self.spec.name)
        session = Timed(search, recorder, posix_offset_s=BEGAN)
        session.settle(settled, self.at)
        with pytest.raises(Crash):
            VirtualDriver(session, Lagging(epochs), slots=self.spec.slots.count).run(self.at)
        session.beat(session.now)
        recorder.close()
        self.at = session.now
        return search

    def reported(self) -> list[tuple[int, int, float, float]]:
        """Trial, epoch, score and time of each epoch in the order of replay."""
        rows = read.epochs(self.engine, self.spec.name)
        return [(row.trial, row.epoch, row.map50_95, row.reported_at) for row in rows]


def known(search: Search) -> dict[str, Any]:
    """All on which a search decides."""
    numbers = range(search.trials)
    return {
        "scores": [
            (search.runs[number].score, search.runs[number].best, search.runs[number].told) for number in numbers
        ],
        "rungs": {level: search.rungs.values(level) for level in (*search.spec.rungs, search.spec.epochs)},
        "best": (search.runs.winner, search.runs.best_epoch),
        "epochs": search.runs.epochs,
    }


@pytest.fixture
def story(engine: Engine, tmp_path: Path) -> Story:
    slots = Slots(count=3, device="cpu")
    return Story(engine, make_spec(budgets=("60cpu-h",), slots=slots, directory=str(tmp_path)))


@pytest.mark.parametrize("epochs", [20, 33, 47])
def test_epochs_trained_again_change_no_decision_that_was_made(story: Story, epochs: int) -> None:
    for _ in range(4):
        lived = story.session(epochs)
        before = story.reported()
        found, settled = story.replayed()
        assert settled == []
        assert known(found) == known(lived)
        story.session(LAG)  # dies while all that it trains is trained again
        assert story.reported()[: len(before)] == before
