"""Deadlines: how long a report may take, and who is overdue."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from automl.drivers.deadlines import ASLEEP_S, Deadlines, Patience
from automl.drivers.session import Session
from automl.drivers.virtual import VirtualDriver
from automl.policy.losses import Loss
from automl.records import EndedBy, Ending, EpochMetrics, Purpose, TrainJob, Trial, TrialState
from automl.trainers.surrogate import SurrogateTrainer
from tests.builders.factories import EPOCH_S, MemoryRecord, Played, make_metrics, make_search, make_spec, play


def looked(deadlines: Deadlines, since: float, until: float) -> tuple[object, ...]:
    """Who is overdue after a look each second."""
    late: tuple[object, ...] = ()
    for second in range(int(since), int(until) + 1):
        late = deadlines.look(float(second))
    return late


def test_an_epoch_may_take_many_times_what_it_should_and_a_minute_at_least() -> None:
    assert Patience().report_s(0.5) == 60.0
    assert Patience().report_s(90.0) == 900.0


def test_a_worker_may_take_minutes_more_for_its_first_epoch() -> None:
    patience = Patience()
    assert patience.first_s(1.0, probed_s=20.0) == 180.0 + 80.0 + patience.report_s(1.0)


def test_a_report_is_overdue_at_its_deadline_and_not_before() -> None:
    deadlines = Deadlines()
    deadlines.begin(3, 5.0, 100.0)
    assert looked(deadlines, 100, 104) == ()
    assert looked(deadlines, 105, 105) == (3,)


def test_a_report_begins_a_new_deadline_and_an_end_leaves_none() -> None:
    deadlines = Deadlines()
    deadlines.begin(3, 5.0, 0.0)
    deadlines.begin(3, 5.0, 4.0)
    assert looked(deadlines, 4, 8) == ()
    deadlines.end(3)
    assert looked(deadlines, 9, 20) == ()


@pytest.mark.parametrize(("allowed_s", "due"), [(2.0, 12), (200.0, 60)], ids=["brought forward", "never put off"])
def test_a_deadline_can_only_be_shortened(allowed_s: float, due: int) -> None:
    deadlines = Deadlines()
    deadlines.begin(3, 60.0, 0.0)
    deadlines.shorten(3, allowed_s, 10.0)
    assert looked(deadlines, 10, due - 1) == ()
    assert looked(deadlines, due, due) == (3,)


def test_time_in_which_the_machine_slept_counts_for_nobody() -> None:
    deadlines = Deadlines()
    deadlines.begin(3, 5.0, 0.0)
    deadlines.look(1.0)
    assert deadlines.look(3600.0) == ()
    assert looked(deadlines, 3600, 3603) == ()
    assert looked(deadlines, 3604, 3604) == (3,)


def test_a_machine_that_is_merely_slow_gets_no_more_time() -> None:
    deadlines = Deadlines()
    deadlines.begin(3, 5.0, 0.0)
    deadlines.look(0.0)
    assert deadlines.look(ASLEEP_S) == (3,)


# -- a session's trials -----------------------------------------------------------------------------


@pytest.fixture
def record() -> MemoryRecord:
    return MemoryRecord()


@pytest.fixture
def session(record: MemoryRecord, tmp_path: Path) -> Session:
    return Session(make_search(make_spec(directory=str(tmp_path))), record, posix_offset_s=0.0)


def ticks(session: Session, since: float, until: float) -> list[tuple[float, int]]:
    """When which trial was ended by a tick."""
    return [(float(at), number) for at in range(int(since), int(until) + 1) for number in session.tick(float(at))]


def test_a_trial_that_hangs_is_offered_again_once_then_it_fails(session: Session, record: MemoryRecord) -> None:
    play_baseline(session)
    at = 12 * EPOCH_S
    trial = session.next_trial(at)
    assert trial is not None
    session.epoch(trial.number, make_metrics(1, 0.5), at + EPOCH_S)
    (late,) = ticks(session, at + EPOCH_S, at + 12 * EPOCH_S)
    assert late == (at + 11 * EPOCH_S, trial.number)
    again = session.next_trial(at + 11 * EPOCH_S)
    assert again is not None
    assert (again.number, again.attempt, again.done_epochs) == (trial.number, 2, 1)
    (late,) = ticks(session, at + 12 * EPOCH_S, at + 40 * EPOCH_S)
    assert late[1] == trial.number
    assert record.trials[trial.number].state is TrialState.FAILED
    assert "hung" in record.trials[trial.number].reason


def play_baseline(session: Session) -> None:
    session.next_trial(0.0)
    for epoch in range(1, 13):
        session.epoch(0, make_metrics(epoch, 0.5), epoch * EPOCH_S)


def test_a_slow_epoch_gives_the_next_one_more_time(session: Session) -> None:
    session.next_trial(0.0)
    session.epoch(0, make_metrics(1, 0.5, train_s=3 * EPOCH_S, val_s=0.0), 180.0)
    late = ticks(session, 180, 180 + 31 * EPOCH_S)
    assert late == [(180.0 + 30 * EPOCH_S, 0)]


def test_a_pause_ends_a_trial_that_hangs_as_interrupted(session: Session, record: MemoryRecord) -> None:
    session.next_trial(0.0)
    session.epoch(0, make_metrics(1, 0.5), 60.0)
    session.pause(Ending(EndedBy.USER, "interrupted by the user"), 61.0)
    assert ticks(session, 61, 60 + 11 * EPOCH_S) == [(60.0 + 10 * EPOCH_S, 0)]
    assert record.trials[0].state is TrialState.INTERRUPTED
    assert session.next_trial(1000.0) is None


def test_a_trial_that_hangs_is_cut_soon_after_the_budget_is_spent(tmp_path: Path, record: MemoryRecord) -> None:
    spec = make_spec(budgets=("5cpu-min",), directory=str(tmp_path))
    session = Session(make_search(spec), record, posix_offset_s=0.0)
    session.next_trial(0.0)
    session.epoch(0, make_metrics(1, 0.5), 60.0)
    assert ticks(session, 60, 900) == [(300.0 + 2 * EPOCH_S, 0)]
    assert record.trials[0].state is TrialState.CUT


def test_a_production_training_keeps_its_full_deadline(tmp_path: Path, record: MemoryRecord) -> None:
    spec = make_spec(budgets=("5cpu-min",), directory=str(tmp_path))
    session = Session(make_search(spec), record, posix_offset_s=0.0)
    session.next_trial(0.0)
    session.epoch(0, make_metrics(1, 0.5), 60.0)
    run = session.search.runs[0]
    run.trial = replace(run.trial, purpose=Purpose.PRODUCTION)
    assert ticks(session, 60, 600) == []


# -- a row of losses --------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", list(Loss))
def test_losses_in_a_row_end_the_study_of_a_baseline_to_be_resumed(session: Session, loss: Loss) -> None:
    at, search = 0.0, session.search
    while session.next_trial(at) is not None:
        at += 1.0
        assert session.lost(0, loss, at).state is TrialState.INTERRUPTED
    assert at == {Loss.DIED: 3.0, Loss.LATE: 2.0}[loss]
    assert search.failure is not None
    assert search.failure.startswith("the baseline training was interrupted: its worker")
    assert not search.failures.final


def test_an_epoch_resets_the_count(session: Session) -> None:
    for epoch in range(1, 12):
        assert session.next_trial(epoch * EPOCH_S) is not None
        session.epoch(0, make_metrics(epoch, 0.5), (epoch + 1) * EPOCH_S)
        session.lost(0, Loss.DIED, (epoch + 1) * EPOCH_S)
    assert session.search.failure is None
    trial = session.next_trial(13 * EPOCH_S)
    assert trial is not None
    assert (trial.attempt, trial.done_epochs) == (12, 11)


def test_an_epoch_that_was_known_does_not_reset_it(session: Session) -> None:
    session.next_trial(0.0)
    session.epoch(0, make_metrics(1, 0.5), 60.0)
    for _ in range(3):
        session.lost(0, Loss.DIED, 70.0)
        if session.next_trial(70.0) is not None:
            session.epoch(0, make_metrics(1, 0.5), 130.0)
    assert session.search.failure is not None


def test_a_study_whose_baseline_was_lost_goes_on_with_its_epochs(tmp_path: Path) -> None:
    spec, record = make_spec(budgets=("2trials",), directory=str(tmp_path)), MemoryRecord()
    session = Session(make_search(spec), record, posix_offset_s=0.0)
    session.next_trial(0.0)
    for epoch in range(1, 8):
        session.epoch(0, make_metrics(epoch, 0.5), epoch * EPOCH_S)
    for _ in range(3):
        session.lost(0, Loss.DIED, 430.0)
        session.next_trial(430.0)
    played = play(spec, tmp_path, record=record, at=430.0)
    assert [row.epoch for row in record.epochs if row.trial == 0] == list(range(1, 13))
    assert played.states[0] is TrialState.COMPLETED
    assert len(played.states) == 2


# -- in virtual time --------------------------------------------------------------------------------


class Hanging(SurrogateTrainer):
    """Never ends an epoch of a trial in its first attempts."""

    def __init__(self, trial: int, epoch: int, attempts: int) -> None:
        super().__init__()
        self._trial, self._epoch, self._attempts = trial, epoch, attempts

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        for metrics in super().run(trial, job):
            hangs = (trial.number, metrics.epoch) == (self._trial, self._epoch) and trial.attempt <= self._attempts
            yield replace(metrics, train_s=math.inf) if hangs else metrics


def hung(tmp_path: Path, trainer: Hanging, **changes: object) -> Played:
    spec = make_spec(directory=str(tmp_path), **changes)
    record, search = MemoryRecord(), make_search(spec)
    session = Session(search, record, posix_offset_s=0.0)
    at = VirtualDriver(session, trainer, slots=spec.slots.count).run()
    return Played(search, record, at)


def test_a_search_with_a_worker_that_hangs_decides_as_without_it(tmp_path: Path) -> None:
    undisturbed = play(make_spec(budgets=("6trials",)), tmp_path)
    played = hung(tmp_path, Hanging(trial=2, epoch=2, attempts=1), budgets=("6trials",))
    assert played.decisions == undisturbed.decisions


@pytest.mark.parametrize("trial", [0, 3])
def test_no_budget_is_exceeded_by_a_worker_that_hangs(tmp_path: Path, trial: int) -> None:
    """By more than the grace after its end: twice an epoch."""
    limit_s = 60.0 * (5 if trial == 0 else 40)
    played = hung(tmp_path, Hanging(trial, epoch=2, attempts=9), budgets=(f"{limit_s:.0f}s",))
    assert played.at <= limit_s + 2.2 * EPOCH_S
    assert TrialState.RUNNING not in played.states
