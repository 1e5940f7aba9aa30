"""The session: heartbeat, requests to stop, attempts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.costs.budget import Ledger, limits_of
from automl.drivers.session import Session
from automl.policy import Search
from automl.policy.losses import Loss
from automl.records import EndedBy, Ending, EpochMetrics, Outcome, Purpose, Slots, Trial, TrialState, VariantWeights
from automl.sampler import open_sampler
from automl.space import SearchSpace
from tests.builders.factories import MemoryRecord, make_search, make_spec


class Notes:
    """A record that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.stop = False

    def stop_requested(self) -> bool:
        return self.stop

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self.said.append((name, kwargs))

    def all(self, name: str) -> list[dict[str, Any]]:
        return [values for kind, values in self.said if kind == name]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def session(notes: Notes, tmp_path: Path) -> Session:
    spec = make_spec(directory=str(tmp_path))
    sampler = open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed)
    search = Search(spec, sampler, Ledger(limits_of(spec)))
    return Session(search, notes, posix_offset_s=1000.0)


def metrics(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch=epoch, map50_95=0.3, map50=0.5, precision=0.5, recall=0.5, train_s=50.0, val_s=10.0)


def test_a_heartbeat_charges_running_trials_every_few_seconds(session: Session, notes: Notes) -> None:
    session.next_trial(0.0)
    for at in (1.0, 2.0, 7.0, 8.0):
        session.tick(at)
    assert [(b["at"], b["running"]) for b in notes.all("heartbeat")] == [(1001.0, {0: 1.0}), (1007.0, {0: 7.0})]


def test_a_request_to_stop_ends_trials_after_their_epoch(session: Session, notes: Notes) -> None:
    trial = session.next_trial(0.0)
    assert trial is not None
    notes.stop = True
    session.tick(1.0)
    outcome = session.epoch(0, metrics(1), 60.0)
    assert outcome is not None
    assert outcome.state is TrialState.INTERRUPTED
    assert session.next_trial(61.0) is None
    assert Path(session.search.spec.directory, "pause").exists()


@pytest.mark.parametrize("running", [True, False])
def test_a_pause_says_at_once_how_long_it_takes(session: Session, notes: Notes, running: bool) -> None:
    told: list[str] = []
    session._listener = lambda notice: told.append(str(notice.values.get("text")))
    if running:
        session.next_trial(0.0)
    session.pause(Ending(EndedBy.USER, "interrupted by the user"), 1.0, "; Ctrl-C again ends at once")
    wait = "running epochs are finished first (up to 1:00)" if running else "nothing is running"
    assert told[-1] == f"interrupted by the user; {wait}; Ctrl-C again ends at once"


def test_a_lost_worker_makes_a_new_attempt_of_the_same_trial(session: Session, notes: Notes) -> None:
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    session.lost(0, Loss.DIED, 90.0)
    session.next_trial(90.0)
    session.epoch(0, metrics(2), 150.0)
    assert [kind for kind, _ in notes.said if kind == "trial_started"] == ["trial_started"] * 2
    assert session.search.runs[0].best == 0.3
    assert session.search.ledger.cost_s(0) == 150.0


def test_an_epoch_told_again_from_a_snapshot_is_not_written_twice(session: Session, notes: Notes) -> None:
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    session.lost(0, Loss.DIED, 70.0)
    session.next_trial(70.0)
    session.epoch(0, replace(metrics(1), replayed=True), 71.0)
    session.epoch(0, replace(metrics(2), replayed=True), 72.0)  # the worker was lost before it could report this one
    session.epoch(0, metrics(3), 130.0)
    assert len(notes.all("epoch")) == 3


def test_an_epoch_trained_again_is_paid_and_told_of_once(session: Session, notes: Notes) -> None:
    told: list[float] = []
    session._listener = lambda notice: told.append(notice.values["map50_95"]) if notice.kind == "epoch" else None
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    session.lost(0, Loss.DIED, 70.0)
    session.next_trial(70.0)
    session.epoch(0, replace(metrics(1), map50_95=0.9, train_s=51.0), 131.0)
    session.epoch(0, metrics(2), 191.0)
    assert told == [0.3, 0.3]
    assert len(notes.all("epoch")) == 3
    assert session.search.runs.best_epoch == (0.3, 0)


@pytest.mark.fault
@pytest.mark.parametrize(("epoch", "words"), [(1, "begins anew"), (2, "last snapshot, after epoch 1")])
def test_epochs_that_are_trained_again_are_said(session: Session, notes: Notes, epoch: int, words: str) -> None:
    told: list[str] = []
    session._listener = lambda notice: told.append(notice.values["text"]) if notice.kind == "note" else None
    session.next_trial(0.0)
    for number in (1, 2, 3):
        session.epoch(0, metrics(number), 60.0 * number)
    session.lost(0, Loss.DIED, 190.0)
    session.next_trial(190.0)
    session.epoch(0, replace(metrics(epoch), applied={"lr0": 0.01}), 250.0)
    assert any(words in text for text in told)


@pytest.mark.fault
@pytest.mark.parametrize("by", [EndedBy.DISK, EndedBy.DATA])
def test_a_cause_outside_a_trial_interrupts_it_and_begins_no_other(session: Session, notes: Notes, by: EndedBy) -> None:
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    session.interrupted(0, Ending(by, "mend it, and resume"), 61.0)
    assert session.search.pause_ending == Ending(by, "mend it, and resume")
    assert session.search.runs[0].outcome == Outcome(state=TrialState.INTERRUPTED, reason="mend it, and resume")
    assert session.search.failure is None
    assert session.next_trial(62.0) is None


class Scores:
    """A keeper that remembers by which scores it is to choose."""

    def __init__(self) -> None:
        self.told: list[float | None] = []

    def pin(self, numbers: Collection[int]) -> None:
        """Nothing is deleted here."""

    def closed(self, number: int, outcome: Outcome, score: float | None) -> None:
        self.told.append(score)

    def problem(self) -> str | None:
        """None: nothing is written here."""
        return None


@pytest.mark.parametrize(("purpose", "score"), [(Purpose.BASELINE, 0.3), (Purpose.CONFIRMATION, None)])
def test_repeats_push_no_weights_out(session: Session, notes: Notes, purpose: Purpose, score: float | None) -> None:
    keeper = Scores()
    keeping = Session(session.search, notes, posix_offset_s=0.0, keeper=keeper)
    keeping.next_trial(0.0)
    run = session.search.runs[0]
    run.trial = replace(run.trial, purpose=purpose)
    keeping.epoch(0, metrics(1), 60.0)
    keeping.close(0, Outcome(state=TrialState.CUT), 61.0)
    assert keeper.told == [score]


def test_weights_are_kept_by_the_score_that_names_the_winner(session: Session, notes: Notes) -> None:
    keeper = Scores()
    keeping = Session(session.search, notes, posix_offset_s=0.0, keeper=keeper)
    keeping.next_trial(0.0)
    for epoch, value in ((1, 0.9), (2, 0.1)):
        keeping.epoch(0, replace(metrics(epoch), map50_95=value), 60.0 * epoch)
    keeping.close(0, Outcome(state=TrialState.CUT), 121.0)
    assert keeper.told == [pytest.approx(0.5)]


def test_running_trials_end_once_the_baseline_has_failed(session: Session) -> None:
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    second = session.next_trial(60.0)
    assert second is not None
    session.failed(0, "diverged", None, 90.0)
    outcome = session.epoch(second.number, metrics(1), 120.0)
    assert outcome is not None
    assert outcome.state is TrialState.CUT


def test_a_trial_starts_from_the_weights_of_its_own_model(session: Session) -> None:
    weights = (VariantWeights("yolov5n", "/w/n.pt", "aa"), VariantWeights("yolov5s", "/w/s.pt", "bb"))
    session.search.spec = replace(session.search.spec, fixed={"model": "yolov5n"}, weights_of=weights)
    plain = Trial(number=1, params={}, epochs=3, seed=0)
    assert session.job(plain).weights == "/w/n.pt"
    assert session.job(replace(plain, params={"model": "yolov5s"})).weights == "/w/s.pt"
    assert session.job(replace(plain, params={"model": "/m/own.yaml"})).weights is None


def test_a_batch_that_was_halved_is_said_and_stands_in_the_reason(tmp_path: Path) -> None:
    record = MemoryRecord()
    spec = make_spec(directory=str(tmp_path))
    session = Session(make_search(replace(spec, fixed={**spec.fixed, "batch": 16})), record, posix_offset_s=0.0)
    session.next_trial(0.0)
    session.epoch(0, replace(metrics(1), applied={"batch": 16}), 60.0)
    session.epoch(0, replace(metrics(2), applied={"batch": 8}), 120.0)
    session.close(0, Outcome(state=TrialState.COMPLETED, reason="trained all 12 epochs"), 130.0)
    assert record.notes == ["trial 0 ran out of memory: from here it trains with batch 8 in place of 16"]
    assert record.trials[0].reason == "trained all 12 epochs; trained with batch 8 in place of 16: out of memory"


@pytest.mark.parametrize("first", [True, False], ids=["interrupted before", "interrupted after"])
def test_nothing_stays_interrupted_in_a_study_whose_baseline_has_failed(tmp_path: Path, first: bool) -> None:
    """Such a study is not resumed, so nothing would go on."""
    record = MemoryRecord()
    search = make_search(make_spec(directory=str(tmp_path), slots=Slots(count=2, device="cpu")))
    session = Session(search, record, posix_offset_s=0.0)
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    assert session.next_trial(60.0) is not None
    session.epoch(1, metrics(1), 120.0)
    interrupted = Outcome(state=TrialState.INTERRUPTED, reason="interrupted by the user")
    if first:
        session.close(1, interrupted, 120.0)
    session.failed(0, "broken", None, 130.0)
    if not first:
        session.close(1, interrupted, 140.0)
    assert search.failures.final
    assert [record.trials[number].state for number in (0, 1)] == [TrialState.FAILED, TrialState.CUT]
    assert record.trials[1].reason == "the baseline training failed: broken before it could go on"
    assert record.trials[1].slot_s == (60.0 if first else 80.0)


def test_a_trial_stays_interrupted_where_the_study_goes_on(tmp_path: Path) -> None:
    record = MemoryRecord()
    search = make_search(make_spec(directory=str(tmp_path)))
    session = Session(search, record, posix_offset_s=0.0)
    session.next_trial(0.0)
    session.epoch(0, metrics(1), 60.0)
    session.close(0, Outcome(state=TrialState.INTERRUPTED), 60.0)
    assert record.trials[0].state is TrialState.INTERRUPTED
    assert search.give_up() == []


def test_a_disk_that_takes_no_more_rows_pauses_the_search(session: Session, notes: Notes) -> None:
    notes.problem = lambda: "the disk takes no more rows"  # type: ignore[attr-defined]
    session.tick(1.0)
    assert session.search.pause_ending == Ending(EndedBy.DISK, "the disk takes no more rows")


def test_a_database_that_does_not_answer_is_noted_in_the_log(session: Session, notes: Notes) -> None:
    texts: list[str] = []
    notes.news = lambda: "The database does not answer."  # type: ignore[attr-defined]
    notes.event = lambda kind, text, **more: texts.append(text)  # type: ignore[attr-defined]
    session.tick(1.0)
    assert texts == ["The database does not answer."]
