"""Builders that tests of the search share: specs, rows, a record in memory and a search in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from automl.costs.budget import Ledger, limits_of
from automl.drivers.session import Session
from automl.drivers.virtual import VirtualDriver
from automl.policy import Search
from automl.records import (
    EndedBy,
    Ending,
    EpochMetrics,
    EpochRow,
    EvaluationRow,
    Notice,
    Outcome,
    Params,
    Prepared,
    Purpose,
    Slots,
    Start,
    StudyRow,
    StudySpec,
    StudyState,
    Trial,
    TrialPoint,
    TrialRow,
    TrialState,
)
from automl.reports.overview import spent_by_purpose
from automl.sampler import open_sampler
from automl.scores import leaderboard
from automl.space import SearchSpace
from automl.trainers.base import Trainer
from automl.trainers.surrogate import DEFAULTS, SurrogateTrainer

EPOCH_S = 60.0
SPACE: Mapping[str, Any] = {
    "parameters": {
        **{key: {"uniform": [0.0, 1.0], "default": 0.5} for key in DEFAULTS if key != "lr0"},
        "lr0": {"log": [1e-5, 1e-1], "default": 0.01},
    }
}


def make_spec(**changes: Any) -> StudySpec:
    """A study of the surrogate: 12 epochs, rungs at 3 and 9, one CPU slot."""
    spec = StudySpec(
        name="birds",
        data="/data/birds/data.yaml",
        data_fingerprint="sha256:0",
        trainer="surrogate",
        models=("surrogate",),
        imgsz=(640,),
        weights=None,
        weights_sha256=None,
        space=SPACE,
        sampler="random",
        seed=0,
        epochs=12,
        rungs=(3, 9),
        budgets=("5cpu-h",),
        slots=Slots(count=1, device="cpu"),
        fixed=dict(DEFAULTS),
        given=(Start("defaults", dict(DEFAULTS)),),
        probe_s=0.0,
        epoch_s=EPOCH_S,
        versions={"automl": "0"},
        directory="/runs/birds",
    )
    return replace(spec, **changes)


def make_search(spec: StudySpec) -> Search:
    """A search without history, charged with its probe."""
    ledger = Ledger(limits_of(spec))
    if spec.probe_s:
        ledger.charge(None, spec.probe_s)
    return Search(spec, open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed), ledger)


def make_metrics(epoch: int, score: float, **changes: Any) -> EpochMetrics:
    """An epoch that took a minute."""
    metrics = EpochMetrics(
        epoch=epoch, map50_95=score, map50=score, precision=score, recall=score, train_s=50.0, val_s=10.0
    )
    return replace(metrics, **changes)


def make_prepared(**changes: Any) -> Prepared:
    """Measurements of a small network: a minute an epoch."""
    prepared = Prepared(
        defaults={"lr0": 0.01, "warmup_epochs": 3.0},
        fitted=None,
        tensors=10,
        parameters=1_000,
        train_images=100,
        val_images=20,
        train_s=50.0,
        val_s=10.0,
        startup_s=5.0,
        memory_bytes=1,
        versions={"trainer": "1"},
    )
    return replace(prepared, **changes)


def make_row(number: int, score: float | None = 0.5, **changes: Any) -> TrialRow:
    """A completed trial whose last five epochs scored alike; a repeat where it `repeats` another."""
    own = Purpose.BASELINE if number == 0 else Purpose.SEARCH
    row = TrialRow(
        number=number,
        state=TrialState.COMPLETED,
        purpose=own if changes.get("repeats") is None else Purpose.CONFIRMATION,
        origin="defaults" if number == 0 else "tpe",
        params={"lr0": 0.01},
        applied=None,
        seed=0,
        epochs=12,
        done_epochs=12,
        attempt=1,
        score=score,
        best_map50_95=score,
        best_map50=score,
        best_epoch=12,
        last_map50_95=score,
        slot_s=720.0,
        paid_s=700.0,
        reason="trained all 12 epochs",
        error=None,
        node=None,
        device=None,
        started_at=720.0 * number,
        ended_at=720.0 * (number + 1),
    )
    return replace(row, **changes)


def as_point(row: TrialRow) -> TrialPoint:
    """The row in the few figures of an overview."""
    return TrialPoint(**{field.name: getattr(row, field.name) for field in fields(TrialPoint)})


def make_point(number: int, score: float | None = 0.5, **changes: Any) -> TrialPoint:
    """A completed trial in a few figures."""
    return as_point(make_row(number, score, **changes))


def make_epoch_row(trial: int, epoch: int, score: float, at: float, **changes: Any) -> EpochRow:
    """An epoch as stored."""
    row = EpochRow(
        trial=trial,
        epoch=epoch,
        attempt=1,
        map50_95=score,
        map50=score,
        precision=score,
        recall=score,
        losses={},
        train_s=50.0,
        val_s=10.0,
        slot_s=60.0 * epoch,
        reported_at=at,
    )
    return replace(row, **changes)


def make_evaluation(trial: int, score: float, **changes: Any) -> EvaluationRow:
    """A trial measured on a test split of 72 images."""
    row = EvaluationRow(
        trial=trial,
        split="test",
        images=72,
        map50_95=score,
        map50=score,
        precision=score,
        recall=score,
        slot_s=10.0,
        at=1500.0,
    )
    return replace(row, **changes)


def make_study(**changes: Any) -> StudyRow:
    """A finished study of two trials."""
    row = StudyRow(
        name="birds",
        state=StudyState.FINISHED,
        reason="the budget is spent",
        spec=make_spec(),
        created_at=0.0,
        heartbeat_at=1440.0,
        host="here",
        pid=1,
        stop_requested=False,
        slot_s=1440.0,
        wall_s=1440.0,
        trials=2,
        baseline_map50_95=0.5,
        best_map50_95=0.5,
        best_trial=0,
    )
    return replace(row, **changes)


class MemoryRecord:
    """A Record that keeps rows as the database would."""

    def __init__(self) -> None:
        self.trials: dict[int, TrialRow] = {}
        self.epochs: list[EpochRow] = []
        self.notes: list[str] = []
        self._scores: dict[int, dict[int, float]] = {}  # finite ones by trial and epoch
        self.spent_s = 0.0

    def trial_started(self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None) -> None:
        """A new row, or the known one running again."""
        fresh = make_row(
            trial.number,
            None,
            purpose=trial.purpose,
            origin=trial.origin,
            params=trial.params,
            seed=trial.seed,
            epochs=trial.epochs,
            repeats=trial.repeats,
            done_epochs=0,
            best_epoch=None,
            slot_s=0.0,
            paid_s=0.0,
            started_at=at,
        )
        known = self.trials.get(trial.number, fresh)
        self.trials[trial.number] = replace(
            known, state=TrialState.RUNNING, attempt=trial.attempt, reason="", ended_at=None, node=node, device=device
        )

    def epoch(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> None:
        """Append the epoch and keep its trial's score and best. One that was trained again only adds cost."""
        row, score = self.trials[trial], metrics.map50_95
        if metrics.epoch <= row.done_epochs:
            self.trials[trial] = replace(row, slot_s=slot_s)
            return
        took = {"train_s": metrics.train_s, "val_s": metrics.val_s}
        self.epochs.append(make_epoch_row(trial, metrics.epoch, score, at, attempt=attempt, slot_s=slot_s, **took))
        better = metrics.finite and (row.best_map50_95 is None or score > row.best_map50_95)
        best = {"best_map50_95": score, "best_map50": metrics.map50, "best_epoch": metrics.epoch} if better else {}
        known = self._scores.setdefault(trial, {})
        if metrics.finite:
            known[metrics.epoch] = score
        so_far = leaderboard.score([known[number] for number in sorted(known)], row.epochs)
        self.trials[trial] = replace(
            row, done_epochs=metrics.epoch, last_map50_95=score, slot_s=slot_s, score=so_far, **best
        )

    def trial_closed(self, trial: int, outcome: Outcome, *, slot_s: float, at: float) -> None:
        """Write the outcome into the row."""
        ended = {"state": outcome.state, "reason": outcome.reason, "error": outcome.error, "ended_at": at}
        self.trials[trial] = replace(self.trials[trial], slot_s=slot_s, **ended)

    def trial_given_up(self, trial: int, outcome: Outcome, *, at: float) -> None:
        """Write the outcome into the row of an interrupted trial."""
        assert self.trials[trial].state is not TrialState.RUNNING
        self.trial_closed(trial, outcome, slot_s=self.trials[trial].slot_s, at=at)

    def heartbeat(self, *, at: float, slot_s: float, wall_s: float, running: Mapping[int, float]) -> None:
        """Keep the cost."""
        self.spent_s = slot_s

    def event(self, kind: str, text: str, *, trial: int | None = None, at: float) -> None:
        """Keep the text."""
        self.notes.append(text)

    def stop_requested(self) -> bool:
        """Never; `play` has its own way to stop."""
        return False

    def problem(self) -> None:
        """Nothing: there is always room."""

    def news(self) -> None:
        """Nothing: no database can be away."""

    def flush(self) -> None:
        """Do nothing: no row waits."""

    def die(self) -> None:
        """Leave the rows as a killed study process would: running trials stay marked as running."""
        for number, row in self.trials.items():
            if row.state is TrialState.INTERRUPTED:
                self.trials[number] = replace(row, state=TrialState.RUNNING, reason="", ended_at=None)


class Decision(NamedTuple):
    """A trial and its end."""

    number: int
    params: Params
    state: TrialState
    epochs: int  # done


@dataclass
class Played:
    """A search after a run in virtual time, with its record."""

    search: Search
    record: MemoryRecord
    at: float  # wall seconds at the end

    @property
    def states(self) -> list[TrialState]:
        """States by trial number."""
        return [self.record.trials[number].state for number in sorted(self.record.trials)]

    @property
    def spent_s(self) -> Mapping[str, float]:
        """Slot-seconds by purpose, as reports add them up."""
        return spent_by_purpose(make_study(spec=self.search.spec), self.record.trials.values(), ())

    @property
    def decisions(self) -> list[Decision]:
        """Every trial with its end, by number."""
        rows = [self.record.trials[number] for number in sorted(self.record.trials)]
        return [Decision(row.number, row.params, row.state, row.done_epochs) for row in rows]


def play(
    spec: StudySpec,
    folder: Path,
    trainer: Trainer | None = None,
    *,
    record: MemoryRecord | None = None,
    at: float = 0.0,
    startup_s: float = 0.0,
    pause_after: int | None = None,
) -> Played:
    """Run a search to its end in virtual time, from where the record stands.

    pause_after  epochs after which the user asks for a pause
    """
    record = record or MemoryRecord()
    search = make_search(replace(spec, directory=str(folder)))
    settled = search.replay(list(record.trials.values()), record.epochs)
    heard = 0

    def listen(notice: Notice) -> None:
        nonlocal heard
        heard += notice.kind == "epoch"
        if heard == pause_after:
            session.pause(Ending(EndedBy.USER, "stopped by the user"), notice.at)

    session = Session(search, record, posix_offset_s=1e9, listener=listen)
    session.settle(settled, at)
    driver = VirtualDriver(
        session, trainer or SurrogateTrainer(epoch_s=EPOCH_S), slots=spec.slots.count, startup_s=startup_s
    )
    return Played(search, record, driver.run(at))
