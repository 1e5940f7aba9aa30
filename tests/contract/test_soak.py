"""Whole studies of the soak with one kind of fault, beside an undisturbed one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from automl.records import StudySpec
from automl.store.engine import open_store
from benchmarks.soak import invariants
from benchmarks.soak.records import FaultKind, Told
from benchmarks.soak.storm import Frozen, Storm
from benchmarks.soak.story import Story, tell, undisturbed
from benchmarks.soak.studies import draw_spec
from benchmarks.soak.world import Line, World


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'automl.db'}")
    yield engine
    engine.dispose()


class SetBack(Storm):
    """Every few events the study is stopped, and the clock set back before it is resumed."""

    events = 0

    def strike(self, event: str) -> FaultKind | None:
        self.events += 1
        if self.calm or self.events % 7:
            return None
        self._world.skew_s -= 3600.0
        self.faults[FaultKind.CLOCK_STEP] += 1
        return FaultKind.INTERRUPT

    def in_training(self, trial: object, epoch: int) -> None:
        return None


class Replaced(Storm):
    """The driver is stopped at every tenth event, and goes on once another one has its study and its journal."""

    events = 0

    def strike(self, event: str) -> FaultKind | None:
        self.events += 1
        if self.calm or self.events % 10:
            return None
        self.faults[FaultKind.TWO_DRIVERS] += 1
        raise Frozen

    def in_training(self, trial: object, epoch: int) -> None:
        return None

    def late(self) -> bool:
        return not self.calm


def spec_of(folder: Path, seed: int) -> StudySpec:
    return draw_spec(random.Random(seed), f"storm-{seed}", str(folder / "storm"), gentle=True)


@pytest.mark.fault
def test_a_driver_whose_journal_another_one_has_taken_ends_in_order(sqlite: Engine, tmp_path: Path) -> None:
    spec, world = spec_of(tmp_path, 4), World()
    line = Line(world)
    storm = Replaced(random.Random(0), world, line, gentle=True)
    story = Story(sqlite, spec, storm, world, line)
    told = story.play(Told(seed=4, gentle=True))
    assert told.violations == []
    assert storm.faults[FaultKind.TWO_DRIVERS] > 1
    assert told.replays > 1
    assert list(invariants.same(undisturbed(sqlite, spec, tmp_path / "calm"), story.rows)) == []


@pytest.mark.fault
@pytest.mark.parametrize("seed", [1, 4])
def test_a_clock_that_is_set_back_changes_no_decision(sqlite: Engine, tmp_path: Path, seed: int) -> None:
    spec, world = spec_of(tmp_path, seed), World()
    line = Line(world)
    storm = SetBack(random.Random(0), world, line, gentle=True)
    story = Story(sqlite, spec, storm, world, line)
    told = story.play(Told(seed=seed, gentle=True))
    assert told.violations == []
    assert storm.faults[FaultKind.CLOCK_STEP] > 1
    whole = undisturbed(sqlite, spec, tmp_path / "calm")
    assert list(invariants.same(whole, story.rows)) == []


@pytest.mark.parametrize("seed", [3, 7, 11, 17, 21, 24])
def test_a_story_with_every_kind_of_fault_breaks_nothing(sqlite: Engine, tmp_path: Path, seed: int) -> None:
    told = tell(sqlite, tmp_path, seed)
    assert told.violations == []
    assert told.state in ("finished", "failed")


def test_a_story_is_told_again_by_its_seed(sqlite: Engine, tmp_path: Path) -> None:
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}")
    first, again = tell(sqlite, tmp_path, 24), tell(other, tmp_path / "again", 24)
    other.dispose()
    assert first.log == again.log
    assert first.faults == again.faults
