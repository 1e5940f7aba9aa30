"""Invariants of a study's rows under any faults of its drivers. Shared with the tests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Engine

from automl.costs.budget import limits_of
from automl.policy import Search
from automl.policy.history import RESUMABLE
from automl.records import AttemptRow, EpochRow, Params, StudyRow, StudyState, TrialRow, TrialState
from automl.scores import leaderboard
from automl.store import read
from benchmarks.soak.records import Invariant, Violation

NEAR_S = 1e-3  # seconds within which two sums of many costs count as equal
ENDED = (StudyState.FINISHED, StudyState.FAILED)
Seen = Mapping[tuple[int, int], float]  # score by trial and epoch


class Decision(NamedTuple):
    """A trial and its end."""

    number: int
    params: Params
    seed: int
    state: TrialState
    epochs: int  # done


@dataclass(frozen=True)
class Rows:
    """All rows of a study at one moment."""

    study: StudyRow
    trials: list[TrialRow]
    epochs: list[EpochRow]
    attempts: list[AttemptRow]

    @classmethod
    def of(cls, engine: Engine, name: str) -> Rows:
        """The rows now."""
        return cls(
            read.study(engine, name), read.trials(engine, name), read.epochs(engine, name), read.attempts(engine, name)
        )

    @property
    def scores(self) -> Seen:
        """Scores by trial and epoch."""
        return {(row.trial, row.epoch): row.map50_95 for row in self.epochs}

    @property
    def spent_s(self) -> float:
        """Slot-seconds of the probe and of all trials."""
        return self.study.spec.probe_s + sum(row.slot_s for row in self.trials)

    @property
    def decisions(self) -> list[Decision]:
        """Every trial with its end."""
        return [Decision(row.number, row.params, row.seed, row.state, row.done_epochs) for row in self.trials]


def always(rows: Rows, longest_s: float) -> Iterator[Violation]:
    """Violations of the invariants of every moment.

    longest_s  seconds of the longest time between two signs of life of a training
    """
    yield from _once(rows)
    yield from _ledger(rows)
    yield from _budget(rows, longest_s)
    yield from _alive(rows)


def kept(before: Rows, now: Rows) -> Iterator[Violation]:
    """Violations by rows that have changed or gone since they were in the database."""
    yield from told(before.scores, now)
    trials = {row.number: row for row in now.trials}
    for row in before.trials:
        later = trials.get(row.number)
        if later is None:
            yield Violation(Invariant.KEPT, f"trial {row.number} is gone")
        elif (later.params, later.seed, later.purpose) != (row.params, row.seed, row.purpose):
            yield Violation(Invariant.KEPT, f"trial {row.number} is another one")
        elif later.slot_s < row.slot_s - NEAR_S:
            yield Violation(Invariant.KEPT, f"trial {row.number} cost {row.slot_s:.3f} s, and now {later.slot_s:.3f}")
        elif row.state not in RESUMABLE and later.state is not row.state:
            yield Violation(Invariant.KEPT, f"trial {row.number} was {row.state}, and is {later.state}")


def told(seen: Seen, now: Rows) -> Iterator[Violation]:
    """Epochs that the database has confirmed are there, with their first scores."""
    scores = now.scores
    for (trial, epoch), score in seen.items():
        later = scores.get((trial, epoch))
        if later is None:
            yield Violation(Invariant.KEPT, f"epoch {epoch} of trial {trial} is gone")
        elif later != score and not (math.isnan(later) and math.isnan(score)):
            yield Violation(Invariant.KEPT, f"epoch {epoch} of trial {trial} scored {score}, and now {later}")


def remembered(lived: Search, rebuilt: Search, now: Rows) -> Iterator[Violation]:
    """A search that is rebuilt from its rows decides on what the living one decided on."""
    before, after = known(lived), known(rebuilt)
    for name in before:
        if before[name] != after[name]:
            yield Violation(Invariant.MEMORY, f"{name} were {before[name]}, and are {after[name]}")
    if not _near(lived.ledger.spent_s(), now.spent_s):
        yield Violation(Invariant.LEDGER, f"{lived.ledger.spent_s():.3f} s were spent, {now.spent_s:.3f} in the rows")
    named = leaderboard.winner(now.trials)
    if lived.runs.winner != (None if named is None else named.number):
        yield Violation(Invariant.MEMORY, f"trial {lived.runs.winner} would win, by the rows {named}")


def known(search: Search) -> dict[str, Any]:
    """All on which a search decides."""
    runs = search.runs
    return {
        "scores": [(runs[number].score, runs[number].best, runs[number].told) for number in range(search.trials)],
        "rungs": {level: search.rungs.values(level) for level in (*search.spec.rungs, search.spec.epochs)},
        "best": (runs.winner, runs.best_epoch),
        "epochs": runs.epochs,
    }


def same(whole: Rows, again: Rows) -> Iterator[Violation]:
    """Decisions, costs and end of a disturbed study are those of an undisturbed one."""
    for left, right in zip(whole.decisions, again.decisions, strict=False):
        if left != right:
            yield Violation(Invariant.SAME, f"{right} instead of {left}")
            return
    if len(whole.trials) != len(again.trials):
        yield Violation(Invariant.SAME, f"{len(again.trials)} trials instead of {len(whole.trials)}")
    elif (whole.study.state, whole.study.reason) != (again.study.state, again.study.reason):
        yield Violation(Invariant.SAME, f"ended with '{again.study.reason}' instead of '{whole.study.reason}'")
    elif not _near(whole.spent_s, again.spent_s):
        yield Violation(Invariant.SAME, f"cost {again.spent_s:.3f} s instead of {whole.spent_s:.3f}")


def _once(rows: Rows) -> Iterator[Violation]:
    numbers = [row.number for row in rows.trials]
    if numbers != list(range(len(numbers))):
        yield Violation(Invariant.KEPT, f"trials have the numbers {numbers}")
    for trial in rows.trials:
        own = sorted((row for row in rows.epochs if row.trial == trial.number), key=lambda row: row.epoch)
        epochs = [row.epoch for row in own]
        if epochs != list(range(1, trial.done_epochs + 1)):
            yield Violation(Invariant.ONCE, f"trial {trial.number} has the epochs {epochs}, {trial.done_epochs} done")
        if any(earlier.attempt > later.attempt for earlier, later in pairwise(own)):
            yield Violation(Invariant.ONCE, f"trial {trial.number} has a later epoch of an earlier attempt")
        attempts = [row.number for row in rows.attempts if row.trial == trial.number]
        if attempts != list(range(1, trial.attempt + 1)):
            yield Violation(Invariant.ONCE, f"trial {trial.number} has the attempts {attempts}, {trial.attempt} begun")


def _ledger(rows: Rows) -> Iterator[Violation]:
    for trial in rows.trials:
        attempts_s = sum(row.slot_s for row in rows.attempts if row.trial == trial.number)
        if not _near(attempts_s, trial.slot_s):
            text = f"trial {trial.number} cost {trial.slot_s:.3f} s, its attempts {attempts_s:.3f}"
            yield Violation(Invariant.LEDGER, text)
        if any(row.slot_s < -NEAR_S for row in rows.attempts if row.trial == trial.number):
            yield Violation(Invariant.LEDGER, f"an attempt of trial {trial.number} cost less than nothing")
        if trial.paid_s > trial.slot_s + NEAR_S:
            text = f"trial {trial.number} cost {trial.slot_s:.3f} s, its epochs {trial.paid_s:.3f}"
            yield Violation(Invariant.LEDGER, text)
    if rows.study.state is not StudyState.RUNNING and not _near(rows.study.slot_s, rows.spent_s):
        yield Violation(Invariant.LEDGER, f"the study cost {rows.study.slot_s:.3f} s, its trials {rows.spent_s:.3f}")


def _budget(rows: Rows, longest_s: float) -> Iterator[Violation]:
    slots = rows.study.spec.slots.count
    for budget in limits_of(rows.study.spec):
        if budget.slot_s is not None and rows.spent_s > budget.slot_s + slots * longest_s + NEAR_S:
            yield Violation(Invariant.BUDGET, f"{rows.spent_s:.3f} s of {budget.text}, {longest_s:.3f} s an epoch")
        if budget.wall_s is not None and rows.study.wall_s > budget.wall_s + longest_s + NEAR_S:
            yield Violation(Invariant.BUDGET, f"{rows.study.wall_s:.3f} s of {budget.text}, {longest_s:.3f} s an epoch")
        if budget.trials is not None and len(rows.trials) > budget.trials:
            yield Violation(Invariant.BUDGET, f"{len(rows.trials)} trials of {budget.text}")


def _alive(rows: Rows) -> Iterator[Violation]:
    state = rows.study.state
    if state is StudyState.RUNNING:
        return
    for trial in rows.trials:
        if trial.state is TrialState.RUNNING or (state in ENDED and trial.state in RESUMABLE):
            yield Violation(Invariant.RUNNING, f"trial {trial.number} is {trial.state}, and the study is {state}")
    for attempt in rows.attempts:
        if attempt.outcome is None:
            yield Violation(Invariant.RUNNING, f"attempt {attempt.number} of trial {attempt.trial} runs on")


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= NEAR_S
