"""Reports of a driver that are not in the database yet, for one transaction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sqlalchemy import Connection, Delete, Insert, Update

from automl.records import EpochMetrics, Outcome, Params, Trial, TrialState
from automl.store import statements as sql
from automl.store.tables import artifacts, attempts, epochs, evaluations, events, trials

Values = dict[str, Any]
_Attempt = tuple[int, int]  # trial, attempt
_AS_IN_JSON = ("study", "events")  # parts whose rows have no key, or one of text


@dataclass
class Batch:
    """Rows by key, in the order of their arrival. A later row replaces an earlier one with the same key."""

    study: Values = field(default_factory=dict)
    trials: dict[int, Values] = field(default_factory=dict)
    attempts: dict[_Attempt, Values] = field(default_factory=dict)
    epochs: dict[tuple[int, int], Values] = field(default_factory=dict)
    first_epochs: dict[_Attempt, int] = field(default_factory=dict)
    applied: dict[int, Params] = field(default_factory=dict)
    paid_s: dict[int, float] = field(default_factory=dict)
    slot_s: dict[_Attempt, float] = field(default_factory=dict)
    trial_ends: dict[int, Values] = field(default_factory=dict)
    attempt_ends: dict[_Attempt, Values] = field(default_factory=dict)
    artifacts: dict[tuple[int, str], Values | None] = field(default_factory=dict)
    evaluations: dict[tuple[int, str], Values] = field(default_factory=dict)
    events: list[Values] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Number of waiting rows, for a message."""
        return len(self.attempts) + len(self.epochs) + len(self.attempt_ends) + len(self.evaluations) + len(self.events)

    @property
    def empty(self) -> bool:
        """True if there is nothing to write."""
        return not (self.study or self.slot_s or self.artifacts or self.trial_ends or self.rows)

    def to_document(self) -> Values:
        """The batch as JSON has it: what is not empty, and keys beside their rows."""
        document = {}
        for part in fields(self):
            rows = getattr(self, part.name)
            if rows:
                document[part.name] = rows if part.name in _AS_IN_JSON else list(rows.items())
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The batch of such a document, read from JSON or not."""
        parts: Values = {name: rows if name in _AS_IN_JSON else _by_key(rows) for name, rows in document.items()}
        return cls(**parts)

    def start(self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None) -> None:
        """An attempt of a trial began; the first one creates the trial's row."""
        place = {"node": node, "device": device}
        known = self.trials.get(trial.number, {})
        self.trials[trial.number] = {
            "state": TrialState.RUNNING,
            "purpose": trial.purpose,
            "origin": trial.origin,
            "params": dict(trial.params),
            "seed": trial.seed,
            "repeats": trial.repeats,
            "epochs": trial.epochs,
            "attempt": trial.attempt,
            "started_at": known.get("started_at", at),
            **place,
        }
        self.attempts[trial.number, trial.attempt] = {"pid": pid, "started_at": at, **place}
        self.trial_ends.pop(trial.number, None)
        self.attempt_ends.pop((trial.number, trial.attempt), None)

    def report(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> None:
        """An epoch was finished for the first time; `slot_s` is the trial's cost so far."""
        self.epochs[trial, metrics.epoch] = {
            "attempt": attempt,
            "map50_95": metrics.map50_95,
            "map50": metrics.map50,
            "precision": metrics.precision,
            "recall": metrics.recall,
            "losses": {name: float(loss) for name, loss in metrics.losses.items()},
            "train_s": metrics.train_s,
            "val_s": metrics.val_s,
            "slot_s": float(slot_s),
            "reported_at": at,
        }

    def pay(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float) -> None:
        """An epoch was trained, for the first time or again. Adds its seconds to those paid for the trial.

        slot_s  the trial's cost so far
        """
        paid_s = sum(seconds for seconds in (metrics.train_s, metrics.val_s) if math.isfinite(seconds))
        self.paid_s[trial] = self.paid_s.get(trial, 0.0) + float(paid_s)
        self.first_epochs.setdefault((trial, attempt), metrics.epoch)
        if metrics.applied is not None:
            self.applied[trial] = dict(metrics.applied)
        self.charge(trial, attempt, slot_s)

    def charge(self, trial: int, attempt: int, slot_s: float) -> None:
        """A trial's cost so far became `slot_s`, in slot-seconds."""
        self.slot_s.pop((trial, attempt), None)  # moves to the end, so that the latest attempt is written last
        self.slot_s[trial, attempt] = float(slot_s)

    def end(self, trial: int, attempt: int, outcome: Outcome, *, slot_s: float, at: float) -> None:
        """The latest attempt of a trial ended, and with it the trial unless another one follows."""
        self.charge(trial, attempt, slot_s)
        self.trial_ends[trial] = {
            "state": outcome.state,
            "ended_at": at,
            "reason": outcome.reason,
            "error": outcome.error,
        }
        self.attempt_ends[trial, attempt] = {"outcome": outcome.state, "ended_at": at}

    def give_up(self, trial: int, outcome: Outcome, *, at: float) -> None:
        """A trial ended after its latest attempt; that attempt stays unchanged."""
        self.trial_ends[trial] = {"state": outcome.state, "ended_at": at, "reason": outcome.reason, "error": None}

    def apply(self, connection: Connection, study_id: int) -> None:
        """Write everything, parents before children."""
        write = _Writer(connection, study_id)
        write.insert(sql.upsert(connection, trials), self._trial_rows())
        write.insert(sql.upsert(connection, attempts), self._attempt_rows())
        self._apply_epochs(write)
        self._apply_costs(write)
        self._apply_ends(write)
        self._apply_artifacts(write)
        write.insert(sql.upsert(connection, evaluations), self.evaluations.values())
        write.insert(events.insert(), self.events)
        if self.trials or self.paid_s or self.trial_ends:
            write.change(sql.STUDY_BEST, [{}])

    def _trial_rows(self) -> Iterable[Values]:
        fresh = {"done_epochs": 0, "slot_s": 0.0, "paid_s": 0.0, "reason": "", "error": None, "ended_at": None}
        return ({"number": number, **fresh, **row} for number, row in self.trials.items())

    def _attempt_rows(self) -> Iterable[Values]:
        fresh = {"slot_s": 0.0, "ended_at": None, "outcome": None}
        return ({"trial": t, "number": a, **fresh, **row} for (t, a), row in self.attempts.items())

    def _apply_epochs(self, write: _Writer) -> None:
        rows = ({"trial": t, "epoch": e, **row} for (t, e), row in self.epochs.items())
        firsts = ({"b_trial": t, "b_attempt": a, "b_first": e} for (t, a), e in self.first_epochs.items())
        write.insert(epochs.insert(), rows)
        write.change(sql.FIRST_EPOCH, firsts)
        write.change(sql.PROGRESS, ({"b_trial": t, "b_paid_s": s} for t, s in self.paid_s.items()))
        write.change(sql.TRIAL_VALUES, ({"b_trial": t, "applied": params} for t, params in self.applied.items()))

    def _apply_costs(self, write: _Writer) -> None:
        costs = [(t, a, s) for (t, a), s in self.slot_s.items()]
        write.change(sql.TRIAL_COST, ({"b_trial": t, "b_slot_s": s} for t, _, s in costs))
        write.change(sql.ATTEMPT_COST, ({"b_trial": t, "b_attempt": a, "b_slot_s": s} for t, a, s in costs))

    def _apply_ends(self, write: _Writer) -> None:
        ends = ({"b_trial": t, "b_attempt": a, **row} for (t, a), row in self.attempt_ends.items())
        write.change(sql.TRIAL_VALUES, ({"b_trial": t, **row} for t, row in self.trial_ends.items()))
        write.change(sql.ATTEMPT_VALUES, ends)
        write.change(sql.ATTEMPT_LOST, ({"b_trial": t, "b_attempt": a} for t, a in self.attempts if a > 1))

    def _apply_artifacts(self, write: _Writer) -> None:
        dropped = [key for key, row in self.artifacts.items() if row is None]
        present = [(key, row) for key, row in self.artifacts.items() if row is not None]
        write.change(sql.DROP_ARTIFACT, ({"b_trial": t, "b_kind": kind} for t, kind in dropped))
        rows = ({"trial": t, "kind": kind, **row} for (t, kind), row in present)
        write.insert(sql.upsert(write.connection, artifacts), rows)


def _by_key(rows: Iterable[Sequence[Any]]) -> dict[Any, Any]:
    return {tuple(key) if isinstance(key, list) else key: row for key, row in rows}


@dataclass(frozen=True)
class _Writer:
    """Execution of one statement for many rows of one study."""

    connection: Connection
    study_id: int

    def insert(self, statement: Insert, rows: Iterable[Mapping[str, Any]]) -> None:
        self._execute(statement, [{"study_id": self.study_id, **row} for row in rows])

    def change(self, statement: Update | Delete, rows: Iterable[Mapping[str, Any]]) -> None:
        self._execute(statement, [{"b_study": self.study_id, **row} for row in rows])

    def _execute(self, statement: Insert | Update | Delete, rows: list[Values]) -> None:
        if rows:
            self.connection.execute(statement, rows)
