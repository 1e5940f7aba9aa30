"""Whole searches in virtual time, with the surrogate's curves and a record in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.drivers.session import Session
from automl.policy.losses import Loss
from automl.records import EarlierTraining, EpochMetrics, Outcome, Slots, Start, StudySpec, TrainJob, Trial, TrialState
from automl.scores.leaderboard import winner
from automl.trainers.surrogate import Fault, FaultKind, SurrogateTrainer
from tests.builders.factories import MemoryRecord, Played, make_metrics, make_prepared, make_search, make_spec, play

LONG = make_spec(budgets=("6cpu-h",), epoch_s=60.0)
quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Steps:
    """A trainer whose every epoch costs and scores as a formula of trial and epoch says."""

    def __init__(self, costs: list[float], scores: list[float]) -> None:
        self._costs, self._scores = costs, scores

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> object:
        return make_prepared()

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        for epoch in range(trial.done_epochs + 1, trial.epochs + 1):
            index = 7 * trial.number + epoch
            cost, score = self._costs[index % len(self._costs)], self._scores[index % len(self._scores)]
            yield make_metrics(epoch, score, train_s=cost, val_s=0.0)


def resumed(spec: StudySpec, folder: Path, epochs: int, *, killed: bool) -> Played:
    """A search that was paused, or whose driver was killed, after so many epochs, and then resumed."""
    first = play(spec, folder, pause_after=epochs)
    if killed:
        first.record.die()
    return play(spec, folder, record=first.record, at=first.at)


def costs_of(played: Played) -> dict[int | str, float]:
    """Slot-seconds by trial, as the search knows them, and by purpose, as the rows tell."""
    ledger = played.search.ledger
    return {
        "all": ledger.spent_s(),
        **{number: ledger.cost_s(number) for number in played.record.trials},
        **played.spent_s,
    }


def test_a_search_ends_when_its_budget_is_spent(tmp_path: Path) -> None:
    played = play(LONG, tmp_path)
    assert played.search.ended is not None
    assert played.search.failure is None
    assert played.search.ledger.held == ()
    assert 0.9 * 6 * 3600 < played.search.ledger.spent_s() <= 6 * 3600


def test_a_search_stops_weak_trials_and_completes_strong_ones(tmp_path: Path) -> None:
    states = play(LONG, tmp_path).states
    assert states[0] is TrialState.COMPLETED
    assert states.count(TrialState.STOPPED) > len(states) / 2
    assert states.count(TrialState.COMPLETED) > 2


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_same_search_makes_the_same_decisions(tmp_path: Path, sampler: str) -> None:
    spec = replace(LONG, sampler=sampler)
    assert play(spec, tmp_path).decisions == play(spec, tmp_path).decisions


def test_slots_run_trials_side_by_side(tmp_path: Path) -> None:
    played = play(replace(LONG, slots=Slots(count=4, device="cpu")), tmp_path)
    assert played.at < 0.4 * 6 * 3600


def test_time_between_slot_and_first_epoch_is_charged(tmp_path: Path) -> None:
    spec = make_spec(budgets=("1trial",))
    plain, slow = play(spec, tmp_path), play(spec, tmp_path, startup_s=100.0)
    assert slow.search.ledger.spent_s() == pytest.approx(plain.search.ledger.spent_s() + 100.0)


@quick
@given(
    costs=st.lists(st.floats(0.1, 300.0), min_size=1, max_size=9),
    scores=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9),
    slots=st.integers(1, 5),
    minutes=st.integers(1, 200),
    wall=st.booleans(),
    epochs=st.integers(1, 12),
)
def test_no_search_overspends_by_more_than_an_epoch_a_slot(
    costs: list[float], scores: list[float], slots: int, minutes: int, wall: bool, epochs: int
) -> None:
    spec = make_spec(
        budgets=(f"{minutes}min" if wall else f"{minutes}cpu-min", "60trials"),
        slots=Slots(count=slots, device="cpu"),
        epochs=epochs,
        rungs=tuple(level for level in (2, 6) if level < epochs),
        epoch_s=costs[0],
    )
    with tempfile.TemporaryDirectory() as folder:
        played = play(spec, Path(folder), Steps(costs, scores))
    ledger, rows = played.search.ledger, played.record.trials.values()
    assert played.search.ended is not None
    assert sum(played.spent_s.values()) == pytest.approx(ledger.spent_s())
    assert sum(row.slot_s for row in rows) == pytest.approx(ledger.spent_s())
    if wall:
        assert played.at <= minutes * 60 + max(costs) + 1e-6
    else:
        assert ledger.spent_s() <= minutes * 60 + slots * max(costs) + 1e-6
    assert all(row.state is not TrialState.RUNNING for row in rows)
    assert len(played.record.trials) <= 60


@quick
@given(slots=st.integers(1, 4), seed=st.integers(0, 1000))
def test_the_baseline_is_never_stopped_early(slots: int, seed: int) -> None:
    bad = {**LONG.fixed, "x0": 0.0, "lr0": 1e-5}
    given_ = (Start("defaults", bad), Start("scratch-low", dict(LONG.fixed)))
    spec = replace(LONG, given=given_, slots=Slots(count=slots, device="cpu"), seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        assert play(spec, Path(folder)).states[0] is TrialState.COMPLETED


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes", "evolve"])
def test_a_search_interrupted_anywhere_goes_on_as_if_it_had_not_been(
    tmp_path: Path, sampler: str, killed: bool
) -> None:
    warm = tuple(EarlierTraining("birds", {**LONG.fixed, "x0": place / 20}, place / 40, 12) for place in range(20))
    spec = replace(LONG, sampler=sampler, budgets=("3cpu-h",), warm=warm if killed else ())
    whole = play(spec, tmp_path)
    for epochs in range(1, len(whole.record.epochs), 29 if sampler == "tpe" else 7):
        again = resumed(spec, tmp_path, epochs, killed=killed)
        assert again.decisions == whole.decisions
        assert costs_of(again) == pytest.approx(costs_of(whole))
        assert again.search.ended == whole.search.ended
        assert again.search.runs.best_epoch == whole.search.runs.best_epoch


@quick
@given(slots=st.integers(2, 4), epochs=st.integers(1, 150), killed=st.booleans())
def test_several_slots_are_resumed_without_losing_a_trial_or_a_cost(slots: int, epochs: int, killed: bool) -> None:
    spec = replace(LONG, slots=Slots(count=slots, device="cpu"), budgets=("3cpu-h",))
    with tempfile.TemporaryDirectory() as folder:
        again = resumed(spec, Path(folder), epochs, killed=killed)
    rows = again.record.trials
    assert sorted(rows) == list(range(len(rows)))
    assert sum(row.slot_s for row in rows.values()) == pytest.approx(again.search.ledger.spent_s())
    assert again.search.ended is not None
    assert not {TrialState.RUNNING, TrialState.INTERRUPTED} & set(again.states)


def test_a_search_interrupted_after_every_few_epochs_ends_the_same(tmp_path: Path) -> None:
    spec = replace(LONG, budgets=("2cpu-h",))
    whole = play(spec, tmp_path)
    record, at, last = MemoryRecord(), 0.0, whole
    for _ in range(100):
        last = play(spec, tmp_path, record=record, at=at, pause_after=5)
        at = last.at
        if last.search.ended is not None:
            break
    assert last.decisions == whole.decisions
    assert costs_of(last) == pytest.approx(costs_of(whole))


def test_an_interruption_between_epoch_and_end_is_settled(tmp_path: Path) -> None:
    whole = play(LONG, tmp_path)
    stopped = next(row for row in whole.record.trials.values() if row.state is TrialState.STOPPED)
    record = MemoryRecord()
    record.trials = {n: row for n, row in whole.record.trials.items() if n <= stopped.number}
    record.trials[stopped.number] = replace(stopped, state=TrialState.RUNNING, ended_at=None, reason="")
    record.epochs = [epoch for epoch in whole.record.epochs if epoch.trial <= stopped.number]
    again = play(LONG, tmp_path, record=record, at=(stopped.ended_at or 0.0) - 1e9)
    assert again.record.trials[stopped.number].reason == stopped.reason
    assert again.decisions == whole.decisions


def test_what_a_spent_budget_leaves_interrupted_is_cut_with_the_reason(tmp_path: Path) -> None:
    spec = replace(LONG, slots=Slots(count=3, device="cpu"))
    first = play(spec, tmp_path, pause_after=20)
    waiting = [n for n, row in first.record.trials.items() if row.state is TrialState.INTERRUPTED]
    assert len(waiting) == 3
    poorer = replace(spec, budgets=("20cpu-min",))  # 20 epochs of a minute have been spent
    again = play(poorer, tmp_path, record=first.record, at=first.at)
    assert again.search.ended == "the budget is spent"
    for number in waiting:
        row = again.record.trials[number]
        assert row.state is TrialState.CUT
        assert row.reason == "the budget is spent before it could go on"
    assert sum(f"trial {number} is cut" in note for note in again.record.notes for number in waiting) == 3


def test_a_pause_interrupts_every_running_trial_after_its_epoch(tmp_path: Path) -> None:
    played = play(replace(LONG, slots=Slots(count=3, device="cpu")), tmp_path, pause_after=20)
    assert played.search.ended is None
    assert played.states.count(TrialState.INTERRUPTED) == 3
    assert (tmp_path / "pause").exists()
    assert played.record.notes == ["stopped by the user; running epochs are finished first (up to 1:01)"]


def test_a_failing_trial_is_recorded_with_its_error_and_the_search_goes_on(tmp_path: Path) -> None:
    trainer = SurrogateTrainer(faults=(Fault(trial=1, epoch=2, kind=FaultKind.ERROR),))
    played = play(LONG, tmp_path, trainer)
    row = played.record.trials[1]
    assert row.state is TrialState.FAILED
    assert row.reason == "automl.errors.TrialError: trial 1 failed in epoch 2, as its fault asks for"
    assert "Traceback" in (row.error or "")
    assert len(played.states) > 5


def test_a_diverging_trial_fails_and_is_never_the_best_epoch_by_its_nan(tmp_path: Path) -> None:
    played = play(LONG, tmp_path, SurrogateTrainer(faults=(Fault(trial=2, epoch=1, kind=FaultKind.NAN),)))
    assert played.states[2] is TrialState.FAILED
    assert played.record.trials[2].best_map50_95 is None
    assert played.search.failure is None


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.NAN])
def test_a_failing_baseline_ends_the_search(tmp_path: Path, kind: FaultKind) -> None:
    trainer = SurrogateTrainer(faults=(Fault(trial=0, epoch=3, kind=kind),))
    played = play(LONG, tmp_path, trainer)
    assert played.states == [TrialState.FAILED]
    assert (played.search.failure or "").startswith("the baseline training failed: ")


def test_five_failures_in_a_row_end_the_search(tmp_path: Path) -> None:
    faults = tuple(Fault(trial=n, epoch=1, kind=FaultKind.ERROR) for n in range(1, 30))
    played = play(LONG, tmp_path, SurrogateTrainer(faults=faults))
    assert played.states == [TrialState.COMPLETED] + [TrialState.FAILED] * 5


def test_a_training_that_ends_before_its_horizon_has_failed(tmp_path: Path) -> None:
    class Short(Steps):
        def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
            yield make_metrics(1, 0.5)

    played = play(LONG, tmp_path, Short([1.0], [0.5]))
    assert played.search.failure == "the baseline training failed: the training ended before its horizon"


def test_an_early_stop_closes_the_training(tmp_path: Path) -> None:
    closed: list[int] = []

    class Watched(SurrogateTrainer):
        def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
            try:
                yield from super().run(trial, job)
            finally:
                closed.append(trial.number)

    played = play(LONG, tmp_path, Watched())
    assert closed == sorted(played.record.trials)


def test_the_session_goes_on_with_the_next_attempt_after_a_lost_worker(tmp_path: Path) -> None:
    record = MemoryRecord()
    session = Session(make_search(replace(LONG, directory=str(tmp_path))), record, posix_offset_s=0.0)
    session.next_trial(0.0)
    session.epoch(0, make_metrics(1, 0.5), 60.0)
    session.lost(0, Loss.DIED, 70.0)
    session.next_trial(70.0)
    session.epoch(0, make_metrics(2, 0.5), 130.0)
    session.close(0, Outcome(state=TrialState.COMPLETED), 130.0)
    assert [(epoch.epoch, epoch.attempt) for epoch in record.epochs] == [(1, 1), (2, 2)]
    assert record.trials[0].slot_s == 130.0


@quick
@given(
    scores=st.lists(st.floats(0.2, 0.6), min_size=5, max_size=40), epochs=st.integers(1, 80), slots=st.integers(1, 3)
)
def test_a_search_and_its_stored_rows_name_the_same_trial_at_any_moment(
    scores: list[float], epochs: int, slots: int
) -> None:
    spec = replace(LONG, slots=Slots(count=slots, device="cpu"), reserve_trials=4, reserve_s=4 * 720.0)
    with tempfile.TemporaryDirectory() as folder:
        played = play(spec, Path(folder), Steps([60.0], scores), pause_after=epochs)
    named = winner(played.record.trials.values())
    assert named is not None
    assert played.search.runs.winner == named.number
