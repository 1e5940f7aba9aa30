"""The one production training in studies of earlier versions, in whole searches in virtual time."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.drivers.final_evaluation import to_measure
from automl.policy import production
from automl.records import Outcome, Purpose, StudySpec, Trial, TrialRow, TrialState
from automl.scores.leaderboard import production_of, verdict, winner
from automl.scores.words import production_text
from tests.builders.factories import EPOCH_S, MemoryRecord, Played, make_search, play
from tests.builders.production import TRAIN, Breaking, Curve, spec_of

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def old(*budgets: str, **changes: Any) -> StudySpec:
    """A study of an earlier version."""
    return spec_of(*budgets, compare=False, **changes)


def made(played: Played) -> TrialRow:
    found = production_of(played.record.trials.values())
    assert found is not None
    return found


def test_what_is_taken_home_trains_last_alone_and_longer(tmp_path: Path) -> None:
    played = play(old("10cpu-h", slots=2), tmp_path)
    rows, row = played.record.trials, made(played)
    taken = winner(rows.values())
    assert taken is not None
    assert (row.repeats, row.params, row.seed, row.origin) == (taken.number, taken.params, taken.seed, "production")
    assert (row.number, row.epochs, row.done_epochs, row.state) == (max(rows), TRAIN, TRAIN, TrialState.COMPLETED)
    others = [each for number, each in rows.items() if number != row.number]
    assert (row.started_at or 0.0) >= max(each.ended_at or 0.0 for each in others)
    assert any(each.purpose is Purpose.CONFIRMATION for each in others)
    assert (played.search.ended or "").endswith(f"trained for production as trial {row.number}")
    assert any(f"trains for production, up to {TRAIN} epochs" in note for note in played.record.notes)
    assert played.spent_s["production"] == pytest.approx(TRAIN * EPOCH_S, rel=0.01)


def test_it_tells_nothing_of_the_choice(tmp_path: Path) -> None:
    played = play(old("10cpu-h"), tmp_path, Curve())
    rows = played.record.trials
    beside = [each for each in rows.values() if each.purpose is not Purpose.PRODUCTION]
    assert made(played).best_map50_95 == pytest.approx(0.606)
    assert winner(rows.values()) == winner(beside)
    assert verdict(rows.values()) == verdict(beside)
    assert played.search.runs.best_epoch == (pytest.approx(0.6012), played.search.runs.best_epoch[1])  # type: ignore[index]
    assert played.search.runs.winner == made(played).repeats


def test_without_one_asked_for_there_is_none(tmp_path: Path) -> None:
    spec = replace(old("10cpu-h"), train=0)
    played = play(spec, tmp_path)
    assert production_of(played.record.trials.values()) is None
    assert "production" not in (played.search.ended or "")
    assert "production" not in played.spent_s


@pytest.mark.parametrize("budgets", [("6cpu-h",), ("3h",), ("6cpu-h", "4h"), ("12trials",)])
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_the_search_leaves_what_it_costs(budgets: tuple[str, ...], slots: int, tmp_path: Path) -> None:
    spec = old(*budgets, slots=slots)
    played = play(spec, tmp_path, startup_s=1.0)
    assert made(played).state is TrialState.COMPLETED
    assert made(played).epochs >= 0.95 * TRAIN
    if spec.budgets == ("12trials",):
        assert len(played.record.trials) == 12


def test_half_of_the_budget_at_most_is_kept_for_it(tmp_path: Path) -> None:
    played = play(old("4cpu-h", train=300, confirm=0), tmp_path)
    row = made(played)
    assert row.state is TrialState.COMPLETED
    assert 110 <= row.epochs <= 130  # of 240 that the whole budget would pay
    assert any(f"{row.epochs} epochs, of the 300 asked for" in note for note in played.record.notes)


def test_it_ends_when_fifty_epochs_were_no_better(tmp_path: Path) -> None:
    played = play(old("30cpu-h", train=300), tmp_path, Curve(top=20))
    row = made(played)
    assert (row.epochs, row.done_epochs, row.best_epoch, row.state) == (300, 70, 20, TrialState.COMPLETED)
    assert row.reason == "no epoch was better than epoch 20 for 50 epochs"


def test_where_too_little_is_left_it_is_left_out_and_said(tmp_path: Path) -> None:
    dear = Curve(epoch_s=(EPOCH_S, 40 * EPOCH_S))  # every trial but the baseline costs forty times as much
    played = play(old("5cpu-h", confirm=0), tmp_path, dear)
    assert production_of(played.record.trials.values()) is None
    assert "of a production training, fewer than a trial's" in (played.search.ended or "")


def test_a_study_that_dies_while_it_runs_goes_on_with_it(tmp_path: Path) -> None:
    spec = old("6cpu-h")
    whole = play(spec, tmp_path)
    epochs = len(whole.record.epochs)
    record = MemoryRecord()
    first = play(spec, tmp_path, record=record, pause_after=epochs - 20)
    assert made(first).state is TrialState.INTERRUPTED
    record.die()
    second = play(spec, tmp_path, record=record, at=first.at)
    assert second.decisions == whole.decisions
    assert (made(second).attempt, made(second).number) == (2, made(whole).number)
    assert second.search.at_stake >= {made(second).number}


def test_a_failed_baseline_trains_nothing_more(tmp_path: Path) -> None:
    played = play(old("6cpu-h"), tmp_path, Curve(scores=(float("nan"),)))
    assert played.search.failure is not None
    assert production_of(played.record.trials.values()) is None


@quick
@given(
    hours=st.integers(2, 40),
    wall=st.sampled_from([None, 2, 10]),
    slots=st.integers(1, 4),
    train=st.integers(12, 300),
    drift=st.floats(0.3, 4.0),
    confirm=st.integers(0, 3),
    sessions=st.integers(1, 3),
)
def test_no_budget_is_exceeded_by_more_than_an_epoch_a_slot(
    hours: int, wall: int | None, slots: int, train: int, drift: float, confirm: int, sessions: int
) -> None:
    texts = [f"{hours}cpu-h", *([] if wall is None else [f"{wall}h"])]
    spec = old(*texts, slots=slots, train=train, confirm=confirm)
    epoch_s = drift * EPOCH_S
    record, at = MemoryRecord(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(sessions - 1):
            at = play(spec, Path(folder), Curve(epoch_s=(epoch_s,)), record=record, at=at, pause_after=40).at
            record.die()
        played = play(spec, Path(folder), Curve(epoch_s=(epoch_s,)), record=record, at=at)
    assert played.search.ended is not None
    assert sum(played.spent_s.values()) <= 3600 * hours + slots * epoch_s + 1e-6
    if wall is not None:
        assert played.at <= 3600 * wall + epoch_s + 1e-6
    row = production_of(record.trials.values())
    if row is not None:
        assert row.epochs >= spec.epochs
        assert row.state is TrialState.COMPLETED
        assert row.number == max(record.trials)


def begun(epochs: int = 300) -> production.Production:
    """A production training of so many epochs that has begun."""
    training = make_search(old("6cpu-h")).production
    training.begun(Trial(number=9, params={}, epochs=epochs, seed=0, purpose=Purpose.PRODUCTION, repeats=3))
    return training


def test_patience_counts_from_the_best_epoch() -> None:
    assert begun().verdict(9, [0.5] * production.PATIENCE) is None
    outcome = begun().verdict(9, [0.5] * (production.PATIENCE + 1))
    assert outcome == Outcome(state=TrialState.COMPLETED, reason="no epoch was better than epoch 1 for 50 epochs")


def test_patience_waits_until_something_is_learnt() -> None:
    assert begun().verdict(9, [0.0] * 200) is None
    assert begun().verdict(9, [*[0.0] * 200, 0.1]) is None
    assert begun(120).verdict(9, [0.0] * 120) is not None


@pytest.mark.parametrize("slots", [1, 2])
def test_one_that_fails_begins_anew_when_the_study_is_resumed(slots: int, tmp_path: Path) -> None:
    spec, record = old("10cpu-h", slots=slots), MemoryRecord()
    first = play(spec, tmp_path, Breaking(5), record=record)
    assert (first.search.failure or "").startswith("the production training failed: ")
    assert "no memory is left" in (first.search.failure or "")
    assert not first.search.failures.final
    failed = made(first)
    assert failed.state is TrialState.FAILED
    second = play(spec, tmp_path, Curve(), record=record, at=first.at)
    assert second.search.failure is None
    assert (made(second).number, made(second).state) == (failed.number + 1, TrialState.COMPLETED)
    ends = [row.state for row in record.trials.values() if row.purpose is Purpose.PRODUCTION]
    assert ends == [TrialState.FAILED, TrialState.FAILED, TrialState.COMPLETED]  # once anew in the same session
    assert (second.search.ended or "").endswith(f"trained for production as trial {made(second).number}")


def test_one_that_diverges_ends_the_study_with_what_it_had_reached(tmp_path: Path) -> None:
    played = play(old("10cpu-h"), tmp_path, Breaking(20, nan=True))
    row = made(played)
    assert (row.state, row.best_epoch) == (TrialState.FAILED, 20)
    assert played.search.failure is None
    assert (played.search.ended or "").endswith(
        f"the production training of trial {row.repeats}, trial {row.number}, failed"
    )
    assert row.number in played.search.at_stake  # best.pt stays
    assert row in to_measure(list(played.record.trials.values()), played.search.spec)
    assert "best epoch 0.602 on val (epoch 20" in production_text(row, "cpu")


@pytest.mark.parametrize("budget", ["10cpu-h", "30trials", "5h"])
def test_a_study_that_dies_in_it_ends_with_the_same_words(budget: str, tmp_path: Path) -> None:
    spec = old(budget)
    whole = play(spec, tmp_path, Curve())
    record = MemoryRecord()
    first = play(spec, tmp_path, Curve(), record=record, pause_after=len(whole.record.epochs) - 20)
    record.die()
    second = play(spec, tmp_path, Curve(), record=record, at=first.at)
    assert second.search.ended == whole.search.ended


def test_nothing_is_kept_for_one_that_cannot_be_paid_any_more(tmp_path: Path) -> None:
    dear = Curve(epoch_s=(3.2 * EPOCH_S,))
    spec = old("263cpu-min", train=120, epochs=40, rungs=(5, 15), confirm=0)  # half of it pays 39 such epochs
    played = play(spec, tmp_path, dear)
    assert production_of(played.record.trials.values()) is None
    assert len(played.record.trials) == 2
    assert (played.search.ended or "").endswith("epochs of a production training, fewer than a trial's")
